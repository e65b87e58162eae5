-- SPDX-License-Identifier: MIT
local t = {} for i = 1, 100000 do t[i] = "x" end return table.concat(t, ("y"):rep(10000))
