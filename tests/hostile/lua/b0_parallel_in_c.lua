-- SPDX-License-Identifier: MIT
-- Blocks where no call can be, and where C code stands between.
local function block() return parallel(now, now) end
local function refused(f, ...)
	local ok, why = pcall(f, ...)
	if ok or not tostring(why):find('cannot be called from within') then
		skip('taken: ' .. tostring(why))
	end
end
refused(table.sort, { 3, 2, 1 }, block)
refused(string.gsub, 'abc', '.', block)
refused(tostring, setmetatable({}, { __tostring = block }))
local t = setmetatable({}, { __index = block, __len = block, __add = block })
pcall(function() return t.x end)
pcall(function() return t + 1 end)
parallel(function() refused(table.sort, { 3, 2, 1 }, block) end, block)
parallel(parallel, pcall, function() return select('#', parallel()) end)
