-- SPDX-License-Identifier: MIT
-- Tests of enrich_people.lua: moonhook test scripts/rules/enrich_people.lua

local ANN, ACME = id "ann", id "acme"

test "a person of a known company is linked to it, and gets a name" {
	event = event("person.created", { id = ANN, email = "ann.lee@acme.io" }),
	records = {
		people = { { id = ANN, email = "ann.lee@acme.io" } },
		companies = { { id = ACME, name = "Acme", domain = "acme.io" }, { id = id "shop", domain = "shop.acme.io.example" } },
	},
	expect = {
		update("people", ANN, { firstName = "Ann", lastName = "Lee", companyId = ACME }),
		no_other_writes,
		records = { people = { { id = ANN, companyId = ACME, name = { firstName = "Ann", lastName = "Lee" } } } },
	},
}

test "a company that is not there yet is made, once" {
	events = {
		event("person.created", { id = ANN, email = "ann.lee@acme-tools.io" }),
		event("person.created", { id = id "bo", email = "bo@acme-tools.io" }),
	},
	expect = {
		ensure("companies", { domain = "acme-tools.io" }, { name = "Acme Tools" }),
		update("people", ANN, { firstName = "Ann", lastName = "Lee", companyId = any_id }),
		update("people", id "bo", { companyId = any_id }),
		no_other_writes,
		logs = { "made the company of acme-tools.io" },
		records = { companies = { { name = "Acme Tools" } } },
	},
}

test "what somebody typed stays as it is" {
	event = event("person.created", { id = ANN, email = "ann.lee@acme.io", firstName = "Anne", companyId = ACME }),
	expect = { no_other_writes, outcome = skipped "nothing is empty" },
}

test "free mail tells nothing" {
	event = event("person.created", { email = "ann.lee@gmail.com" }),
	expect = { no_other_writes, outcome = skipped "a free-mail address" },
}

test "no address, nothing to do" {
	event = event("person.created", { firstName = "Ann" }),
	expect = { no_other_writes, runs = 0 },
}

test "something else in the place of an address" {
	event = event("person.created", { email = "ann at acme" }),
	expect = { no_other_writes, outcome = skipped "no e-mail address" },
}

test "an address that tells no name" {
	event = event("person.created", { id = ANN, email = "a.lee2@acme.io" }),
	records = { people = { { id = ANN } }, companies = { { id = ACME, domain = "https://www.acme.io/de" } } },
	expect = { update("people", ANN, { companyId = ACME }), no_other_writes },
}

test "a change of something else does not run it" {
	event = event("person.updated", { id = ANN, email = "ann.lee@acme.io", jobTitle = "CTO" }, { fields = { "jobTitle" } }),
	expect = { no_other_writes, runs = 0 },
}

test "another address does" {
	event = event("person.updated", { id = ANN, email = "ann.lee@acme.io" },
		{ fields = { "emails" }, before = { email = "ann.lee@gmail.com" } }),
	records = { people = { { id = ANN, email = "ann.lee@acme.io" } }, companies = { { id = ACME, domain = "acme.io" } } },
	expect = { update("people", ANN, partly { companyId = ACME }), no_other_writes },
}

test "Twenty is down for a moment: the run is tried again" {
	event = event("person.created", { id = ANN, email = "ann.lee@acme.io" }),
	records = { people = { { id = ANN, email = "ann.lee@acme.io" } }, companies = { { id = ACME, domain = "acme.io" } } },
	api = { ["people:update"] = in_turn { fail { status = 500 }, fail { status = 503 }, function(_, data) return data end } },
	expect = { update("people", ANN, partly { companyId = ACME }), no_other_writes, outcome = done, runs = 1 },
}

test "who is gone already is left alone" {
	event = event("person.created", { id = ANN, email = "ann.lee@acme.io" }),
	records = { people = {} },
	expect = { no_other_writes, outcome = skipped "the person is gone" },
}

test "a server that does not say what changed: the rule looks for itself" {
	event = event("person.updated", { id = ANN, email = "ann.lee@acme.io", firstName = "Ann", companyId = ACME }),
	expect = { no_other_writes, outcome = skipped "nothing is empty" },
}

-- With a service ---------------------------------------------------------------------------------

local BO = id "bo"
local COMPANIES, PERSON = "GET https://api.example.com/companies/acme.io", "GET https://api.example.com/people/ann.lee%2Bx%40acme.io"

-- The settings of a service, as one writes them into the rule.
local of_company = {
	["url = false"] = 'url = "https://api.example.com/companies/{domain}"',
	["headers = {}"] = 'headers = { Authorization = "Bearer " .. secret "ENRICH_KEY" }',
}
local of_person = {
	["url = false"] = 'url = "https://api.example.com/people/{email}"',
	["person = {}"] = 'person = { jobTitle = "jobs.1.title", city = "city" }',
}

local acme = { employees = 40, linkedin = "https://linkedin.com/company/acme", address = { city = " Paris " }, secret = { 1 } }

local function came(person_id, name)
	return event("person.created", { id = person_id, email = name .. "@acme.io", firstName = name, companyId = ACME })
end

local function companies(more)
	local company = { id = ACME, name = "Acme", domain = "acme.io" }
	for key, value in pairs(more or {}) do
		company[key] = value
	end
	return { companies = { company } }
end

local enriched = update("companies", ACME, { employees = 40, linkedin = "https://linkedin.com/company/acme", city = "Paris" })

test "a service is asked about the company, with the key that nobody sees" {
	event = event("person.created", { id = ANN, email = "ann.lee@acme.io" }),
	edit = of_company,
	records = { people = { { id = ANN } }, companies = companies().companies },
	http = { [COMPANIES] = function(request)
		assert(request.headers.Authorization == "Bearer ${ENRICH_KEY}")
		return { json = acme }
	end },
	expect = {
		update("people", ANN, { firstName = "Ann", lastName = "Lee", companyId = ACME }),
		enriched,
		no_other_writes,
		kv = { requests = 1 },
	},
}

test "the second person is answered from what is kept, and so is the next month's first anew" {
	events = {
		came(ANN, "Ann"),
		at("1h", came(BO, "Bo")),
		at("31d", came(id "cy", "Cy")),
	},
	edit = of_company,
	records = companies(),
	-- nothing is filled, so that each of them wants to know
	http = { [COMPANIES] = in_turn { { json = { name = "Acme" } }, { json = acme } } },
	expect = { at("31d", enriched), no_other_writes, outcome = { skipped "nothing is empty", skipped "nothing is empty", done } },
}

test "what is kept needs no request" {
	event = came(ANN, "Ann"),
	edit = of_company,
	records = companies(),
	kv = { ["https://api.example.com/companies/acme.io"] = { wanted = "address.city employees linkedin",
		known = { employees = 7 } } },
	expect = { update("companies", ACME, { employees = 7 }), no_other_writes },
}

test "who wants another field asks anew" {
	event = came(ANN, "Ann"),
	edit = of_company,
	records = companies(),
	kv = { ["https://api.example.com/companies/acme.io"] = { wanted = "employees", known = { employees = 7 } } },
	http = { [COMPANIES] = { json = acme } },
	expect = { enriched, no_other_writes },
}

test "a company that the service does not know is not asked for again" {
	events = { came(ANN, "Ann"), at("1h", came(BO, "Bo")) },
	edit = of_company,
	records = companies(),
	http = { [COMPANIES] = in_turn { { status = 404, json = { error = "unknown" } }, { json = acme } } },
	expect = { no_other_writes, kv = { requests = 1 } },
}

test "what somebody typed stays, and where nothing is empty nobody is asked" {
	events = { came(ANN, "Ann") },
	edit = of_company,
	records = companies { employees = 12, linkedin = "https://linkedin.com/company/own", address = { addressCity = "Rome" } },
	expect = { no_other_writes, outcome = skipped "nothing is empty" },
}

test "only what is empty is filled" {
	event = came(ANN, "Ann"),
	edit = of_company,
	records = companies { employees = 12 },
	http = { [COMPANIES] = { json = acme } },
	expect = { update("companies", ACME, { linkedin = "https://linkedin.com/company/acme", city = "Paris" }), no_other_writes },
}

test "a field of several parts is empty where all of them are" {
	event = came(ANN, "Ann"),
	edit = { ["url = false"] = of_company["url = false"], ['linkedin = "linkedin", city ='] = 'linkedinLink = "linkedin", address =' },
	records = companies { linkedinLink = { primaryLinkUrl = "", secondaryLinks = {} }, address = { addressCity = "Rome" } },
	http = { [COMPANIES] = { json = acme } },
	expect = { update("companies", ACME, { employees = 40, linkedinLink = "https://linkedin.com/company/acme" }), no_other_writes },
}

test "who works for a company of another domain tells nothing about it" {
	event = came(ANN, "Ann"),
	edit = of_company,
	records = companies { domain = "other.example" },
	expect = { no_other_writes, outcome = skipped "nothing is empty" },
}

test "a service that is down is asked again, and holds up nothing else" {
	event = event("person.created", { id = ANN, email = "ann.lee@acme.io" }),
	edit = of_company,
	records = { people = { { id = ANN } }, companies = companies().companies },
	http = { [COMPANIES] = in_turn { { status = 503 }, { status = 500 }, { json = acme } } },
	expect = {
		at("0s", update("people", ANN, partly { companyId = ACME })),
		at("10m", enriched),
		no_other_writes,
		outcome = done,
	},
}

test "one that is down is not asked by everybody" {
	events = { came(ANN, "Ann"), at("1m", event("person.created", { id = BO, email = "bo@bolt.example", firstName = "Bo",
		companyId = id "bolt" })) },
	edit = of_company,
	records = { companies = { companies().companies[1], { id = id "bolt", domain = "bolt.example" } } },
	http = { [COMPANIES] = fail { status = 503 }, ["GET https://api.example.com/companies/bolt.example"] = { json = acme } },
	lasts = "4m",
	expect = { no_other_writes, outcome = { "waiting", "waiting" }, kv = { requests = 1 } },
}

test "one that says when is asked then" {
	event = came(ANN, "Ann"),
	edit = of_company,
	records = companies(),
	http = { [COMPANIES] = in_turn { { status = 429, headers = { ["retry-after"] = "90" } }, { json = acme } } },
	expect = { at("90s", enriched), no_other_writes },
}

test "one that stays down is left alone after two days" {
	event = came(ANN, "Ann"),
	edit = of_company,
	records = companies(),
	http = { [COMPANIES] = { status = 502 } },
	lasts = "3d",
	expect = { no_other_writes, outcome = skipped "nothing is empty", logs = matching "^warn the service does not answer: .* that is enough$" },
}

test "what is no JSON is no answer" {
	event = came(ANN, "Ann"),
	edit = of_company,
	records = companies(),
	http = { [COMPANIES] = in_turn { { body = "<html>Sign in</html>" }, { json = acme } } },
	expect = { at("5m", enriched), no_other_writes },
}

test "what is of the wrong kind is left out" {
	event = came(ANN, "Ann"),
	edit = of_company,
	records = companies(),
	http = { [COMPANIES] = { json = { employees = { 1, 2 }, linkedin = "  ", address = "Paris" } } },
	expect = { no_other_writes, outcome = skipped "nothing is empty" },
}

test "a key that is refused is for somebody to see" {
	event = event("person.created", { id = ANN, email = "ann.lee@acme.io" }),
	edit = of_company,
	records = { people = { { id = ANN } }, companies = companies().companies },
	http = { [COMPANIES] = { status = 401 } },
	expect = { update("people", ANN, partly { companyId = ACME }), no_other_writes, outcome = dead "401" },
}

test "a service has its requests of a day" {
	events = { came(ANN, "Ann"), event("person.created", { id = BO, email = "bo@bolt.example", firstName = "Bo",
		companyId = id "bolt" }) },
	edit = { ["url = false"] = 'url = "https://api.example.com/companies/{domain}"', ["per_day = 500"] = "per_day = 1" },
	records = { companies = { companies().companies[1], { id = id "bolt", domain = "bolt.example" } } },
	http = { ["GET https://api.example.com/companies/*"] = { json = { employees = 40 } } },
	expect = {
		at("0s", update("companies", ACME, { employees = 40 })),
		at("24h", update("companies", id "bolt", { employees = 40 })),
		no_other_writes,
	},
}

test "one run asks, the others of the company wait for its answer" {
	event = came(ANN, "Ann"),
	edit = of_company,
	records = companies(),
	kv = { ["asking https://api.example.com/companies/acme.io"] = 1 },
	lasts = "20s",
	expect = { no_other_writes, outcome = "waiting", kv = { requests = json.null } },
}

test "a service that knows people is asked about the address" {
	event = event("person.created", { id = ANN, email = "Ann.Lee+x@acme.io", firstName = "Ann", companyId = ACME }),
	edit = of_person,
	records = companies { employees = 12, linkedin = "https://linkedin.com/company/own", address = { addressCity = "Rome" } },
	http = { [PERSON] = { json = { jobs = { { title = "CTO" } }, city = "Rome" } } },
	expect = { update("people", ANN, { jobTitle = "CTO", city = "Rome" }), no_other_writes },
}

test "a url that asks for what is not known" {
	event = came(ANN, "Ann"),
	edit = { ["url = false"] = 'url = "https://api.example.com/{phone}"' },
	records = companies(),
	expect = { no_other_writes, outcome = dead "{phone}" },
}

test "an address that is too long to be kept is not asked for" {
	event = event("person.created", { id = ANN, email = ("x"):rep(60) .. "@" .. ("a"):rep(60) .. "." .. ("b"):rep(60) .. "." .. ("c"):rep(60) .. ".io",
		firstName = "Ann", companyId = ACME }),
	edit = of_person,
	records = companies { domain = "other.example" },
	expect = { no_other_writes, outcome = skipped "nothing is empty" },
}
