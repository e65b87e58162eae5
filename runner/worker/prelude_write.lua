-- SPDX-License-Identifier: MIT
-- Methods that write many records, or bring them back, or away for good.
-- A piece of prelude.lua, which loads it when it is first needed; p: what it lends its pieces.
local p = ...
local call, stop, type, next, ipairs = p.call, p.stop, p.type, p.next, p.ipairs
local check_self, check_id, check_table = p.check_self, p.check_id, p.check_table
local check_options, check_condition = p.check_options, p.check_condition
local names, methods = p.names, p.methods

local WHERE = { max = true }

function methods:create_many(list)
	check_self(self, "create_many")
	check_table(self, "create_many", list, "the list")
	if next(list) == nil then return {} end
	if list[1] == nil then stop(self, "create_many", "expects a list of tables") end
	for i, data in ipairs(list) do
		check_table(self, "create_many", data, "element " .. i)
	end
	return call("create_many", names[self], { list = list })
end

function methods:ensure(where, data)
	check_self(self, "ensure")
	check_table(self, "ensure", where, "the condition")
	if next(where) == nil then stop(self, "ensure", "the condition is empty") end
	if data ~= nil then check_table(self, "ensure", data, "data") end
	local answer = call("ensure", names[self], { where = where, data = data or {} })
	return answer.record, answer.created
end

function methods:update_many(list)
	check_self(self, "update_many")
	check_table(self, "update_many", list, "the list")
	if next(list) == nil then return {} end
	if list[1] == nil then stop(self, "update_many", "expects a list of tables with ids") end
	for i, data in ipairs(list) do
		check_table(self, "update_many", data, "element " .. i)
		check_id(self, "update_many", data.id, "id of element " .. i)
	end
	return call("update_many", names[self], { list = list })
end

function methods:update_where(where, data, options)
	check_self(self, "update_where")
	check_condition(self, "update_where", where, "the condition")
	check_table(self, "update_where", data, "data")
	local args = check_options(self, "update_where", options, WHERE)
	local max = args.max
	if type(max) ~= "number" or max < 1 or max % 1 ~= 0 then
		stop(self, "update_where", "max is needed, a whole number: { max = 100 }")
	end
	args.where, args.data = where, data
	return call("update_where", names[self], args)
end

function methods:restore(id)
	check_self(self, "restore")
	return call("restore", names[self], { id = check_id(self, "restore", id, "id") })
end

function methods:destroy(id)
	check_self(self, "destroy")
	return call("destroy", names[self], { id = check_id(self, "destroy", id, "id") })
end

function methods:erase(id)
	check_self(self, "erase")
	return call("erase", names[self], { id = check_id(self, "erase", id, "id") })
end
