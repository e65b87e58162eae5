test "a rule in shadow mode changes nothing" {
	event = event("person.updated", { jobTitle = "CEO" }),
	expect = { update("people", any_id, { city = "Rome" }), no_other_writes,
		records = { people = { { city = function(value) return value == nil end } } } },
}

test "what is erased is gone" {
	event = event("person.deleted", { jobTitle = "CEO" }),
	expect = { erase("people", any_id), no_other_writes },
}

test "past max_writes the rule is paused and its events wait" {
	events = { event("person.created", { id = id "a" }), event("person.created", { id = id "b" }),
		event("person.created", { id = id "c" }) },
	expect = { update("people", any_id, any), update("people", any_id, any), no_other_writes, runs = 3 },
}

test "the same event twice is one" {
	events = { event("person.created", { id = id "a" }), event("person.created", { id = id "a" }) },
	expect = { update("people", id "a", any), no_other_writes, runs = 1 },
}

test "fresh reads the record again, and a module greets" {
	event = event("company.created", { id = id "acme", name = "Old" }),
	records = { companies = { { id = id "acme", name = "Acme" } } },
	expect = { logs = "Hello Acme", no_other_writes },
}

test "fresh, and the record is gone" {
	event = event("company.created", { id = id "acme", name = "Old" }),
	records = { companies = {} },
	expect = { outcome = skipped(any), no_other_writes },
}

test "a rule with another setting" {
	event = event("person.updated", { id = id "ann" }),
	edit = { ['mode = "shadow"'] = 'mode = "live"' },
	records = { people = { { id = id "ann" } } },
	expect = { records = { people = { { city = "Rome" } } } },
}

test "a module with another text" {
	event = event("company.created", { id = id "acme", name = "Acme" }),
	edit = { ['"Hello "'] = '"Bye "', ["fresh = true"] = "fresh = { depth = 0 }" },
	records = { companies = { { id = id "acme", name = "Acme" } } },
	expect = { logs = "Bye Acme", no_other_writes },
}

test "which is gone with the test; what all rules keep was there before" {
	event = event("company.created", { id = id "acme", name = "Acme" }),
	records = { companies = { { id = id "acme", name = "Acme" } } },
	kv_shared = { greeted = 7 },
	expect = { logs = "Hello Acme", no_other_writes, kv_shared = { greeted = 7 } },
}
