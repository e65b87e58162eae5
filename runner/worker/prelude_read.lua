-- SPDX-License-Identifier: MIT
-- Methods that read many records.
-- A piece of prelude.lua, which loads it when it is first needed; p: what it lends its pieces.
local p = ...
local call, stop, type, tostring = p.call, p.stop, p.type, p.tostring
local check_self, check_table, check_options = p.check_self, p.check_table, p.check_options
local kind, names, methods = p.kind, p.names, p.methods

-- Records in the first request of each, for whoever stops early, and in those behind it: one or
-- four requests, as many as the dialect needs for them.
local PAGE, MORE = 50, 200
local MANY = { where = true, order = true, limit = true, after = true, depth = true, fields = true,
	deleted = true }
local EACH = { where = true, order = true, limit = true, depth = true, fields = true, deleted = true }
local COUNT = { where = true, deleted = true }
local GROUP = { field = true, sum = true, where = true, by = true, zone = true }

local function check_limit(self, method, args)
	local limit = args.limit
	if limit ~= nil and (type(limit) ~= "number" or limit < 0 or limit % 1 ~= 0) then
		stop(self, method, "limit must be a whole number, it is " ..
			(type(limit) == "number" and tostring(limit) or kind(limit)))
	end
	if type(args.order) == "string" then args.order = { args.order } end
	return limit
end

function methods:list(query)
	check_self(self, "list")
	local args = check_options(self, "list", query, MANY)
	check_limit(self, "list", args)
	local answer = call("list", names[self], args)
	return answer.records, { next = answer.next, total = answer.total }
end

function methods:each(query)
	check_self(self, "each")
	local args = check_options(self, "each", query, EACH)
	local left = check_limit(self, "each", args) or 1 / 0
	local records, at, more, size = {}, 0, true, PAGE
	local seen = {} -- a record that moves to a later page meanwhile comes once
	return function()
		while true do
			while at == #records do
				if not more or left <= 0 then return nil end
				args.limit = left < size and left or size
				local answer = call("list", names[self], args)
				records, at, args.after, size = answer.records, 0, answer.next, MORE
				more = args.after ~= nil and #records > 0
			end
			if left <= 0 then return nil end
			at = at + 1
			local record = records[at]
			local id = record.id
			if not id or not seen[id] then
				if id then seen[id] = true end
				left = left - 1
				return record
			end
		end
	end
end

function methods:count(query)
	check_self(self, "count")
	return call("count", names[self], check_options(self, "count", query, COUNT))
end

function methods:group_by(query)
	check_self(self, "group_by")
	if type(query) == "string" then
		stop(self, "group_by", "write { field = \"" .. query .. "\" }")
	end
	local args = check_options(self, "group_by", check_table(self, "group_by", query, "what to group by"),
		GROUP)
	if type(args.field) ~= "string" and type(args.field) ~= "table" then
		stop(self, "group_by", "field must be a name or a list of names")
	end
	return call("group_by", names[self], args)
end
