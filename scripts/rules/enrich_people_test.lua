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
	expect = { no_other_writes, outcome = skipped "no e-mail address" },
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
