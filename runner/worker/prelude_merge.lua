-- SPDX-License-Identifier: MIT
-- Records that may be the same.
-- A piece of prelude.lua, which loads it when it is first needed; p: what it lends its pieces.
local p = ...
local call, stop, type, next, ipairs = p.call, p.stop, p.type, p.next, p.ipairs
local check_self, check_id, check_table, check_options = p.check_self, p.check_id, p.check_table, p.check_options
local names, methods = p.names, p.methods

local MERGE = { into = true, from = true, preview = true }

-- An id stands for its record; so does a record that has one.
local function one_or_id(self, value)
	if type(value) == "table" then
		return value.id or value
	end
	return check_id(self, "duplicates", value, "record or id")
end

function methods:duplicates(what)
	check_self(self, "duplicates")
	if type(what) == "table" and what[1] ~= nil then
		local list = {}
		for i, value in ipairs(what) do list[i] = one_or_id(self, value) end
		return call("duplicates", names[self], { list = list })
	end
	if type(what) == "table" and next(what) == nil then
		stop(self, "duplicates", "the record is empty")
	end
	local value = one_or_id(self, what)
	return call("duplicates", names[self],
		type(value) == "string" and { id = value } or { record = value })
end

function methods:merge(options)
	check_self(self, "merge")
	local args = check_options(self, "merge", check_table(self, "merge", options, "what to merge"), MERGE)
	check_id(self, "merge", args.into, "id of the survivor (into)")
	local from = args.from
	if type(from) == "string" then from = { from } end
	if type(from) ~= "table" or from[1] == nil then
		stop(self, "merge", "from must be a list of ids")
	end
	for i, id in ipairs(from) do
		if check_id(self, "merge", id, "id in from[" .. i .. "]") == args.into then
			stop(self, "merge", "the survivor is also in from[" .. i .. "]")
		end
	end
	args.from = from
	return call("merge", names[self], args)
end
