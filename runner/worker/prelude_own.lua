-- SPDX-License-Identifier: MIT
-- twenty.graphql and twenty.member, which are no objects.
-- A piece of prelude.lua, which loads it when it is first needed; p: what it lends its pieces.
local p = ...
local call, fail, type, kind, own = p.call, p.fail, p.type, p.kind, p.own

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
