-- SPDX-License-Identifier: MIT
local s = ("x"):rep(1 << 20) local list = {} for i = 1, 40 do list[i] = { note = s } end
return twenty.people:create_many(list)
