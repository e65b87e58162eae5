-- SPDX-License-Identifier: MIT
local t = {} for i = 0, 62 do t[1 << i] = 1 end
table.insert(t, 1, "x") table.remove(t, 1) table.move(t, 1, #t, 2) return table.concat(t)
