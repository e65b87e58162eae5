-- SPDX-License-Identifier: MIT
local mt = {} for i = 1, 1000 do setmetatable({}, mt) end mt.__gc = function() while true do end end
for i = 1, 1e6 do local x = { i } end
