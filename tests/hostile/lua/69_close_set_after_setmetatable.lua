-- SPDX-License-Identifier: MIT
local mt = {} local v = setmetatable({}, mt) mt.__close = function() while true do end end
local function f() local x <close> = v error("x") end
while true do pcall(f) end
