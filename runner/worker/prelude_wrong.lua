-- SPDX-License-Identifier: MIT
-- Sentences for names that are not there.
-- A piece of prelude.lua, which loads it when it is first needed; p: what it lends its pieces.
local p = ...
local nearest, fail, stop = p.nearest, p.fail, p.stop
local type, pairs, tostring, concat, sort = p.type, p.pairs, p.tostring, p.concat, p.sort

function p.unknown_option(self, method, name, known)
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

function p.unknown_method(self, method)
	local words = {}
	for word in pairs(p.pieces) do words[#words + 1] = word end
	for word in pairs(p.methods) do
		if not p.pieces[word] then words[#words + 1] = word end
	end
	sort(words)
	local near = type(method) == "string" and nearest(method, words)
	fail("twenty." .. p.names[self] .. " has no '" .. tostring(method) .. "', " .. (near and
		"did you mean '" .. near .. "'?" or "there are " .. concat(words, ", ")))
end
