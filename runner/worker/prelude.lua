-- SPDX-License-Identifier: MIT
-- What `twenty.people` is: methods that look at their arguments and make one call each. Loaded into
-- a run's state when it first names an object. Gets its C primitives as arguments:
--   call(method, object, args)   suspends the run, answers the value or raises a structured error
--   fail(text)                   raises with the rule's own file and line
--   nearest(word, words)         the word that was probably meant, or nil
--   piece(name)                  a part of the prelude that few runs need, as a function
--   the rest                     Lua's own, whatever the rule has made of its globals
-- Answers the function that makes an object of a name, or is twenty.graphql or twenty.member.
local call, fail, nearest, piece, type, next, pairs, ipairs, setmetatable, tostring, concat, sort = ...

local methods = {}
local own = {}   -- twenty.graphql, twenty.member
local names = {} -- of each object, where no rule can change them

-- Which piece has which method. A state pays for what its rule uses.
local pieces = {
	list = "read", each = "read", count = "read", group_by = "read",
	create_many = "write", ensure = "write", update_many = "write", update_where = "write",
	restore = "write", destroy = "write", erase = "write",
	duplicates = "merge", merge = "merge",
}

-- What pieces share.
local p = { call = call, fail = fail, nearest = nearest, type = type, next = next, pairs = pairs,
	ipairs = ipairs, tostring = tostring, concat = concat, sort = sort, methods = methods,
	own = own, names = names, pieces = pieces }

local function load(name)
	piece(name)(p)
end

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
		if not known[name] then
			load("wrong")
			p.unknown_option(self, method, name, known)
		end
		if type(value) ~= "table" or next(value) ~= nil then copy[name] = value end
	end
	return check_common(self, method, copy)
end

local ONE = { depth = true, fields = true }
local UPDATE = { only_if = true }

function methods:get(id, options)
	check_self(self, "get")
	local args = check_options(self, "get", options, ONE)
	args.id = check_id(self, "get", id, "id")
	return call("get", names[self], args)
end

function methods:create(data)
	check_self(self, "create")
	return call("create", names[self], { data = check_table(self, "create", data, "data") })
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

function methods:delete(id)
	check_self(self, "delete")
	return call("delete", names[self], { id = check_id(self, "delete", id, "id") })
end

p.stop, p.kind, p.check_self, p.check_id = stop, kind, check_self, check_id
p.check_table, p.check_options, p.check_condition = check_table, check_options, check_condition

local object_meta = {
	__metatable = false,
	__index = function(self, method)
		if pieces[method] and not methods[method] then load(pieces[method]) end
		local found = methods[method]
		if found then return found end
		load("wrong")
		p.unknown_method(self, method)
	end,
}

return function(name)
	if name == "graphql" or name == "member" then
		load("own")
		return own[name]
	end
	local object = setmetatable({}, object_meta)
	names[object] = name
	return object
end
