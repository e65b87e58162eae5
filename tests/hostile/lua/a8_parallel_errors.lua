-- SPDX-License-Identifier: MIT
-- Error values that fight back, raised in branches and raised once more by their blocks.
local trap = setmetatable({}, {
	__tostring = function() while true do end end,
	__eq = function() while true do end end,
	__index = function() while true do end end,
	__concat = function() while true do end end,
})
for _, value in ipairs { 1, 'x', true, trap, function() end, {} } do
	local ok, why = pcall(parallel, function() error(value) end, now, function() error(nil) end)
	if ok or (value ~= 'x' and not rawequal(why, value)) then skip('changed ' .. type(value)) end
end
local ok, why = pcall(parallel, function() error() end)
if ok or why ~= nil then skip('nil changed') end
parallel(now, function() parallel(now, function()
	local ok, e = pcall(parallel, function() error(trap) end)
	error(e)
end) end)
