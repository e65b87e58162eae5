-- SPDX-License-Identifier: MIT
-- Branches that each take what there is, and go on after they were refused it.
local function grow()
	local t = {}
	while true do pcall(function() t[#t + 1] = ('x'):rep(1 << 18) .. #t end) end
end
local many = {}
for i = 1, 100 do many[i] = function() pcall(now) grow() end end
parallel(table.unpack(many))
