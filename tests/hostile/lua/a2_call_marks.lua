-- SPDX-License-Identifier: MIT
local t = {}
for i = 1, 210000 do t[i] = i end
twenty.people:create { x = t }
