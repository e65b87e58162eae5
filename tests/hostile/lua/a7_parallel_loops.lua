-- SPDX-License-Identifier: MIT
-- Every branch loops, some after a call, some where errors are swallowed.
local function loop() while true do end end
local function swallow() while true do pcall(pcall, loop) end end
parallel(function() pcall(now) loop() end, function() pcall(now) swallow() end, function()
	pcall(parallel, function() pcall(now) swallow() end, now)
	loop()
end, function() while true do pcall(parallel, skip and error, error) end end)
