-- SPDX-License-Identifier: MIT
--
-- Enrich people: what an e-mail address already tells, and what a service of yours knows about it.
--
-- When a person arrives, or gets another e-mail address, this rule
--   * finds the company of the address's domain, or makes it, and links the person to it,
--   * fills an empty first and last name from an address like ann.lee@acme.io,
--   * asks the service below, where there is one, about the company or the person.
-- It fills only what is empty: what somebody typed stays as it is. Addresses of free-mail providers
-- (gmail.com, gmx.de ..) tell nothing about a company and are skipped.

-- The service: any that answers a GET with JSON. Its host must stand in http.allow of the configuration, its
-- key in secrets. What it answered is kept, also that it knows nothing; lib/lookup.lua has the manners.
local service = {
	url = false, -- such as "https://api.example.com/companies/{domain}?v=2"; {email} is known, too
	headers = {}, -- such as { Authorization = "Bearer " .. secret "ENRICH_KEY" }
	-- fields of the company, and of the person, and where they stand in the answer
	company = { employees = "employees", linkedin = "linkedin", city = "address.city" },
	person = {}, -- such as { jobTitle = "person.title" }; {email} must be in the url then
	keep = "30d", -- so long an answer counts
	per_day = 500, -- so many requests at most
	patience = "2d", -- so long a person waits for a service that is down, or has had its requests
	wanted = {},
}
for _, fields in ipairs { service.company, service.person } do
	for _, path in pairs(fields) do
		service.wanted[#service.wanted + 1] = path
	end
end

local lookup = use "lookup"

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

-- Of a field of several parts (an address, a link), all parts are.
local function empty(value)
	if type(value) ~= "table" then
		return value == nil or value == ""
	end
	for _, part in pairs(value) do
		if not empty(part) then
			return false
		end
	end
	return true
end

-- What an address alone tells about a person. Answers what was filled.
local function fill_from(email, domain, person)
	local fill = {}
	if empty(person.firstName) and empty(person.lastName) then
		fill.firstName, fill.lastName = names_in(email)
	end
	if empty(person.companyId) then
		fill.companyId = need(company_at(domain).id, "company")
	end
	if next(fill) ~= nil then
		-- A plain update, without only_if: where an import brings many people, theirs go out together.
		twenty.people:update(person.id, fill)
	end
	return fill
end

-- The fields of a record that are empty.
local function gaps(record, fields)
	local gaps = {}
	for field, path in pairs(fields) do
		if record and empty(lookup.at(record, field)) then
			gaps[field] = path
		end
	end
	return next(gaps) ~= nil and gaps or nil
end

local function values(gaps, known)
	local data = {}
	for field, path in pairs(gaps or {}) do
		data[field] = known[path]
	end
	return next(data) ~= nil and data or nil
end

-- What the service knows about the company of this domain and the person. Both are read here, behind what was
-- written above: a run that has waited for the service reads them again. Answers whether something was filled.
local function ask_service(event, email, domain, person, company_id)
	local company = next(service.company) ~= nil and twenty.companies:get(company_id)
	-- Somebody may work for a company that lives at another domain than their mail.
	local of_company = company and text.domain(company.domain) == domain and gaps(company, service.company)
	local of_person = next(service.person) ~= nil and gaps(twenty.people:get(person.id), service.person)
	if not of_company and not of_person then
		return false
	end
	local known = lookup.ask(service, { domain = domain, email = email }, event.at)
	local company_data, person_data = values(of_company, known), values(of_person, known)
	if company_data then
		twenty.companies:update(company.id, company_data)
	end
	if person_data then
		twenty.people:update(person.id, person_data)
	end
	return company_data ~= nil or person_data ~= nil
end

rule "enrich people" {
	on = { "person.created", "person.updated" },
	when = all { changed "email", has "email" },

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
		local filled = fill_from(email, domain, person)
		local asked = service.url and ask_service(event, email, domain, person, filled.companyId or person.companyId)
		if next(filled) == nil and not asked then
			skip "nothing is empty"
		end
	end,
}
