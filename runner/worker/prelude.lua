-- SPDX-License-Identifier: MIT
-- What `twenty.people` is: methods that look at their arguments and make one call each. Loaded into
-- a run's state when it first names an object. Gets its C primitives as arguments:
--   call(method, object, args)   suspends the run, answers the value or raises a structured error
--   fail(text)                   raises with the rule's own file and line
--   nearest(word, words)         the word that was probably meant, or nil
--   the rest                     Lua's own, whatever the rule has made of its globals
-- Answers the function that makes an object of a name, or is twenty.graphql or twenty.member.
local call, fail, nearest, type, next, pairs, ipairs, setmetatable, tostring, concat, sort = ...

-- Records in the first request of each, for whoever stops early, and in those behind it: one or
-- four requests, as many as the dialect needs for them.
local PAGE, MORE = 50, 200
local methods = {}
local names = {} -- of each object, where no rule can change them

local function stop(self, method, text)
	fail("twenty." .. names[self] .. ":" .. method .. ": " .. text)
end

-- "nil", "a table", "a string" ..
local function kind(value)
	return value == nil and "nil" or "a " .. type(value)
end

-- self is an object, which it is not where a dot was written instead of a colon.
local function check_self(self, method)
	if type(self) ~= "table" or not names[self] then
		fail("write twenty.<objects>:" .. method .. "(..), with a colon")
	end
end

local function check_id(self, method, id, what)
	if type(id) == "table" then
		stop(self, method, "the " .. what .. " is a table, pass its .id")
	elseif type(id) ~= "string" or id == "" then
		stop(self, method, "the " .. what .. " is " .. (id == "" and "empty" or kind(id)))
	end
	return id
end

local function check_table(self, method, value, what)
	if type(value) ~= "table" then
		stop(self, method, what .. " must be a table, it is " .. kind(value))
	end
	return value
end

local function unknown_option(self, method, name, known)
	local words = {}
	for word in pairs(known) do words[#words + 1] = word end
	sort(words)
	name = tostring(name)
	local near, text = nearest(name, words), "unknown option '" .. name .. "', "
	if near then
		text = text .. "did you mean '" .. near .. "'?"
	elseif known.where then -- { city = "Paris" }
		text = text .. "conditions go into where = { .. }; the options are " .. concat(words, ", ")
	else
		text = text .. (words[2] and "the options are " or "the only option is ") .. concat(words, ", ")
	end
	stop(self, method, text)
end

-- What means the same for all methods: a single name is a list of one.
local function check_common(self, method, args)
	local depth, where, fields = args.depth, args.where, args.fields
	if depth ~= nil and depth ~= 0 and depth ~= 1 then
		stop(self, method, "depth is 0 or 1")
	end
	if where ~= nil then check_table(self, method, where, "where") end
	if type(fields) == "string" then fields = { fields } end
	if fields ~= nil and type(fields) ~= "table" then
		stop(self, method, "fields must be a list of names, it is " .. kind(fields))
	end
	args.fields = fields
	return args
end

-- A copy of options that holds known ones only; empty lists say nothing and are left out.
local function check_options(self, method, options, known)
	local copy = {}
	if options == nil then return copy end
	check_table(self, method, options, "the options")
	for name, value in pairs(options) do
		if not known[name] then unknown_option(self, method, name, known) end
		if type(value) ~= "table" or next(value) ~= nil then copy[name] = value end
	end
	return check_common(self, method, copy)
end

local ONE = { depth = true, fields = true }
local MANY = { where = true, order = true, limit = true, after = true, depth = true, fields = true,
	deleted = true }
local EACH = { where = true, order = true, limit = true, depth = true, fields = true, deleted = true }
local COUNT = { where = true, deleted = true }
local GROUP = { field = true, sum = true, where = true, by = true, zone = true }
local UPDATE = { only_if = true }
local WHERE = { max = true }
local MERGE = { into = true, from = true, preview = true }

local function check_limit(self, method, args)
	local limit = args.limit
	if limit ~= nil and (type(limit) ~= "number" or limit < 0 or limit % 1 ~= 0) then
		stop(self, method, "limit must be a whole number, it is " ..
			(type(limit) == "number" and tostring(limit) or kind(limit)))
	end
	if type(args.order) == "string" then args.order = { args.order } end
	return limit
end

function methods:get(id, options)
	check_self(self, "get")
	local args = check_options(self, "get", options, ONE)
	args.id = check_id(self, "get", id, "id")
	return call("get", names[self], args)
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

function methods:create(data)
	check_self(self, "create")
	return call("create", names[self], { data = check_table(self, "create", data, "data") })
end

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

-- A condition that decides what is written: never an empty one.
local function check_condition(self, method, where, what)
	check_table(self, method, where, what)
	if next(where) == nil then stop(self, method, what .. " is empty") end
	return where
end

function methods:update(id, data, options)
	check_self(self, "update")
	if type(options) == "table" and options.only_if ~= nil then
		check_condition(self, "update", options.only_if, "the condition only_if")
	end
	local args = check_options(self, "update", options, UPDATE)
	args.id = check_id(self, "update", id, "id")
	args.data = check_table(self, "update", data, "data")
	return call("update", names[self], args)
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

function methods:delete(id)
	check_self(self, "delete")
	return call("delete", names[self], { id = check_id(self, "delete", id, "id") })
end

function methods:restore(id)
	check_self(self, "restore")
	return call("restore", names[self], { id = check_id(self, "restore", id, "id") })
end

function methods:destroy(id)
	check_self(self, "destroy")
	return call("destroy", names[self], { id = check_id(self, "destroy", id, "id") })
end

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

local object_meta = {
	__metatable = false,
	__index = function(self, method)
		local found = methods[method]
		if found then return found end
		local words = {}
		for word in pairs(methods) do words[#words + 1] = word end
		sort(words)
		local near = type(method) == "string" and nearest(method, words)
		fail("twenty." .. names[self] .. " has no '" .. tostring(method) .. "', " .. (near and
			"did you mean '" .. near .. "'?" or "there are " .. concat(words, ", ")))
	end,
}

-- twenty.graphql and twenty.member are no objects.
local own = {}

function own.graphql(query, variables)
	if type(query) ~= "string" or query == "" then
		fail(query == "" and "twenty.graphql: the query is empty" or
			"twenty.graphql: the query must be a text, it is " .. kind(query))
	end
	if variables ~= nil and type(variables) ~= "table" then
		fail("twenty.graphql: the variables must be a table, they are " .. kind(variables))
	end
	return call("graphql", "graphql", { query = query, variables = variables })
end

function own.member(email)
	if type(email) == "table" then
		fail("write twenty.member(\"ann@acme.io\"), with a dot and an e-mail address")
	elseif type(email) ~= "string" or email == "" then
		fail("twenty.member: the e-mail address is " .. (email == "" and "empty" or kind(email)))
	end
	return call("member", "workspaceMembers", { email = email })
end

return function(name)
	if own[name] then return own[name] end
	local object = setmetatable({}, object_meta)
	names[object] = name
	return object
end
