-- SPDX-License-Identifier: MIT
local mt = {} local f
f = function() local x <close> = setmetatable({}, mt) error("again") end
mt.__close = nil
local v = setmetatable({}, mt) mt.__close = function() pcall(f) end
f = function() local x <close> = v error("again") end
while true do pcall(f) end
