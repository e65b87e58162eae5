-- SPDX-License-Identifier: MIT
-- Tests of dedupe_on_ingest.lua: moonhook test scripts/rules/dedupe_on_ingest.lua

local OLD, NEW = id "old", id "new"

local function person(t)
	t.createdAt = t.createdAt or "2026-01-05T08:59:59.000Z"
	return t
end

local ann = person { id = NEW, email = "Ann.Lee+crm@Acme.io", firstName = "Ann", lastName = "Lee" }

test "who arrives twice becomes one, and the oldest survives" {
	event = event("person.created", ann),
	records = { people = { ann, person { id = OLD, email = "ann.lee@acme.io", firstName = "Ann", lastName = "Lee",
		city = "Paris", createdAt = "2025-03-01T10:00:00.000Z" } } },
	expect = {
		merge("people", { into = OLD, from = { NEW }, preview = false }),
		no_other_writes,
		outcome = done,
		logs = { "merged 1 into " .. OLD },
	},
}

test "an equal name alone proves nothing" {
	event = event("person.created", ann),
	records = { people = { ann, person { id = OLD, email = "ann@other.example", firstName = "Ann", lastName = "Lee" } } },
	expect = { no_other_writes, outcome = skipped "no duplicate" },
}

test "two people who share an address stay two" {
	event = event("person.created", ann),
	records = { people = { ann, person { id = OLD, email = "ann.lee@acme.io", firstName = "Bo", lastName = "Lee" } } },
	expect = { no_other_writes, outcome = skipped "no duplicate" },
}

test "an address of many is nobody's" {
	event = event("person.created", { id = NEW, email = "sales@acme.io" }),
	expect = { no_other_writes, outcome = skipped "no e-mail address of its own" },
}

test "who is gone already is left alone" {
	event = event("person.created", ann),
	records = { people = {} },
	expect = { no_other_writes, outcome = skipped "the person is gone" },
}

test "a merge that Twenty cannot do now is tried again, and done once" {
	event = event("person.created", ann),
	records = { people = { ann, person { id = OLD, email = "ann.lee@acme.io", firstName = "Ann", lastName = "Lee",
		createdAt = "2025-03-01T10:00:00.000Z" } } },
	api = { ["people:merge"] = in_turn { fail { status = 503 }, function(options) return { id = options.into } end } },
	expect = { merge("people", { into = OLD, from = { NEW }, preview = false }), no_other_writes, outcome = done },
}

test "nobody has no address in common with nobody" {
	event = event("person.created", { id = NEW, firstName = "Ann", lastName = "Lee" }),
	expect = { no_other_writes, outcome = skipped "no e-mail address of its own" },
}

local twice = { people = { ann, person { id = OLD, email = "ann.lee@acme.io", firstName = "Ann", lastName = "Lee",
	createdAt = "2025-03-01T10:00:00.000Z" } } }

test "with preview = true nothing is merged" {
	event = event("person.created", ann),
	edit = { ["local preview = false"] = "local preview = true" },
	records = twice,
	expect = { merge("people", { into = OLD, from = { NEW }, preview = true }), no_other_writes,
		logs = { "would merge 1 into " .. OLD }, records = { people = { { id = NEW }, { id = OLD } } } },
}

test "two of the same age: always the same one survives" {
	event = event("person.created", ann),
	records = { people = { ann, person { id = OLD, email = "ann.lee@acme.io", firstName = "Ann", lastName = "Lee" } } },
	expect = { merge("people", { into = OLD < NEW and OLD or NEW, from = { OLD < NEW and NEW or OLD }, preview = false }),
		no_other_writes },
}

test "a name that one of them lacks is no difference" {
	event = event("person.created", ann),
	records = { people = { ann, person { id = OLD, email = "ann.lee+crm@acme.io", createdAt = "2025-03-01T10:00:00.000Z" } } },
	expect = { merge("people", { into = OLD, from = { NEW }, preview = false }), no_other_writes },
}

test "an error of a merge that cannot get better is a dead letter" {
	event = event("person.created", ann),
	records = twice,
	api = { ["people:merge"] = fail { status = 422, message = "no such thing" } },
	expect = { no_other_writes, outcome = dead "no such thing" },
}
