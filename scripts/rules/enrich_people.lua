-- SPDX-License-Identifier: MIT
--
-- Enrich people: what an e-mail address already tells.
--
-- When a person arrives, or gets another e-mail address, this rule
--   * finds the company of the address's domain, or makes it, and links the person to it,
--   * fills an empty first and last name from an address like ann.lee@acme.io.
-- It fills only what is empty: what somebody typed stays as it is. Addresses of free-mail providers
-- (gmail.com, gmx.de ..) tell nothing about a company and are skipped.

-- "acme-tools.io" -> "Acme Tools": a name to start with; people write the real one over it.
local function company_name(domain)
	local label = domain:match "^([^.]+)%."
	local words = {}
	for word in (label or domain):gmatch "[^-_]+" do
		words[#words + 1] = word:sub(1, 1):upper() .. word:sub(2)
	end
	return table.concat(words, " ")
end

-- "ann.lee@acme.io" -> "Ann", "Lee"; nil for anything less clear, such as info@ or a.lee2@.
local function names_in(email)
	local first, last = email:match "^(%a%a+)[._](%a%a+)@"
	if first then
		return text.name(first), text.name(last)
	end
end

-- The company that lives at a domain. "contains" also finds shop.acme.io and notacme.io, so each
-- answer is held against the domain itself; only then is a new company made, and never two.
local function company_at(domain)
	local found = twenty.companies:list { where = { domain = { contains = domain } }, limit = 50 }
	for _, company in ipairs(found) do
		if text.domain(company.domain) == domain then
			return company
		end
	end
	local company, created = twenty.companies:ensure(
		{ domain = domain },
		{ name = company_name(domain) }
	)
	if created then
		log.info("made the company of " .. domain)
	end
	return company
end

local function empty(value)
	return value == nil or value == ""
end

-- Did an update touch one of these fields? A server that does not name the changed fields may have
-- touched any; the run then looks for itself.
local function touched(event, ...)
	if event.fields == nil then
		return true
	end
	for _, field in ipairs(event.fields) do
		for _, wanted in ipairs { ... } do
			if field == wanted then
				return true
			end
		end
	end
	return false
end

rule "enrich people" {
	on = { "person.created", "person.updated" },

	-- An update matters only when it touched the e-mail address. This also keeps the rule from
	-- answering its own writes, which never do.
	when = function(event)
		return event.action == "created" or touched(event, "emails", "email")
	end,

	run = function(event)
		local email = text.email(event.record.email)
		if not email then
			skip "no e-mail address"
		end
		local domain = text.domain(email)
		if not domain or text.is_freemail(domain) then
			skip "a free-mail address"
		end

		-- The event is a moment old: look again, so that only what is still empty gets filled.
		local person = twenty.people:get(event.record.id)
		if not person then
			skip "the person is gone"
		end

		local fill = {}
		if empty(person.firstName) and empty(person.lastName) then
			fill.firstName, fill.lastName = names_in(email)
		end
		if empty(person.companyId) then
			fill.companyId = need(company_at(domain).id, "company")
		end
		if next(fill) == nil then
			skip "nothing is empty"
		end
		-- A plain update, without only_if: where an import brings many people, theirs go out together.
		twenty.people:update(person.id, fill)
	end,
}
