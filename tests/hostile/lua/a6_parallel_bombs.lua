-- SPDX-License-Identifier: MIT
-- Blocks in blocks, blocks without end, too many branches: each refused, none of it left behind.
local function f() return parallel(f, f, f) end
local ok, why = pcall(f)
if ok or not tostring(why):find('stand in each other') then skip('deep: ' .. tostring(why)) end
local many = {}
for i = 1, 10000 do many[i] = f end
ok, why = pcall(parallel, table.unpack(many))
if ok or not why:find('at most 100') then skip('many: ' .. tostring(why)) end
local function wide() parallel(table.unpack(many, 1, 60)) end
ok, why = pcall(parallel, wide, wide, wide)
if ok then skip('wide') end
for i = 1, 2000 do
	local a, b = parallel(function() return i end, function() return { i } end)
	if a ~= i or b[1] ~= i then skip('wrong results') end
end
while true do parallel(function() end) end
