test "retry_after waits in virtual time" {
	now = "2026-01-05T09:00:00Z",
	event = event("hook:again", {}),
	expect = { at("10m", create("notes", { title = "2026-01-05T09:10:00.000Z" })), no_other_writes, outcome = done },
}

test "a test that ends earlier sees it wait" {
	now = "2026-01-05T09:00:00Z",
	lasts = "7m",
	event = event("hook:again", {}),
	expect = { no_other_writes, outcome = "waiting" },
}

test "an event that comes later" {
	now = "2026-01-05T09:00:00Z",
	events = { event("hook:again", {}), at("1d", event("hook:again", {})) },
	expect = { at("10m", create("notes", any)), at("1d", create("notes", any)), no_other_writes, runs = 2 },
}

test "tries come to an end" {
	event = event("hook:tries", {}),
	api = { ["notes:create"] = fail { status = 500 } },
	expect = { no_other_writes, outcome = dead "after 3 attempts" },
}

test "what will get better by itself uses up no try" {
	event = event("hook:tries", {}),
	api = { ["notes:create"] = in_turn { fail { status = 429 }, fail { status = 429 }, fail { status = 429 },
		fail { status = 429 }, { id = id "note" } } },
	expect = { create("notes", { title = "x" }), no_other_writes, outcome = done },
}

test "a retry repeats no effect" {
	event = event("hook:twice", {}),
	api = { ["notes:update"] = in_turn { fail { status = 503 }, function(_, data) return data end } },
	expect = { create("notes", { title = "once" }), update("notes", any_id, { title = "then" }), no_other_writes },
}

test "an error of a rule, with its line" {
	event = event("hook:wrong", {}),
	expect = { no_other_writes, outcome = dead "times.lua:30: attempt to index a nil value (local 'nothing')",
		logs = "warn it goes wrong 1" },
}

test "reject is dead at once" {
	event = event("hook:wrong", { how = "reject" }),
	expect = { outcome = dead "no such thing", no_other_writes },
}

test "what was seen before, and who did it" {
	event = event("person.updated", { jobTitle = "CEO" },
		{ before = { jobTitle = "CTO" }, fields = { "jobTitle" }, actor = { kind = "person", name = "Tim" } }),
	expect = { logs = "CTO CEO person 2026-01-05T09:00:00.000Z", no_other_writes },
}

test "a predicate that says no" {
	event = event("person.updated", { jobTitle = "CEO" }, { before = { jobTitle = "CFO" }, fields = { "jobTitle" } }),
	expect = { runs = 0, no_other_writes },
}

test "a test that is left out" {
	skip = "not yet",
	event = event("hook:again", {}),
	expect = { create("nothing", {}) },
}
