-- Each of these fails, or cannot be played; what is said of it is in fails.tap.
local function deal(stage)
	return event("opportunity.updated", { id = id "deal", stage = stage })
end

test "another value" {
	event = deal "NEW",
	expect = {
		update("opportunities", id "deal", { ownerId = "OLD", note = any }),
		create("tasks", { title = "Call", tags = { "a", "c" }, due = "today" }),
		no_other_writes,
	},
}

test "one write too many" {
	event = deal "NEW",
	expect = { update("opportunities", any_id, any), no_other_writes },
}

test "one that did not happen, and the order" {
	event = deal "NEW",
	expect = {
		create("tasks", any),
		update("opportunities", any_id, any),
		delete("people", any),
	},
}

test "another time" {
	event = at("1h", deal "NEW"),
	expect = { at("2h", update("opportunities", any_id, any)) },
}

test "no run" {
	event = deal "LOST",
	expect = { no_other_writes },
}

test "no rule # for it \\" {
	event = event("person.created", {}),
	expect = { no_other_writes },
}

test "outcome, log, runs and records" {
	event = deal "NEW",
	expect = { outcome = skipped "not now", logs = { "info done with it", "more" }, runs = 2,
		records = { tasks = { { title = "Mail" } } } },
}

test "a rule that hangs" {
	event = deal "HANG",
	expect = { no_other_writes },
}

test "a rule that eats memory" {
	event = deal "HUGE",
	expect = { no_other_writes },
}

test "an answer that nobody gives" {
	event = deal "HTTP",
	expect = { no_other_writes },
}

test "a stub that fails itself" {
	event = deal "NEW",
	api = { ["opportunities:update"] = function(_, data) return data.nothing.more end },
	expect = { no_other_writes },
}

test "a stub that hangs" {
	event = deal "NEW",
	api = { ["opportunities:update"] = function() while true do end end },
	expect = { no_other_writes },
}

test "and the next one goes on" {
	event = deal "NEW",
	expect = { outcome = done },
}

test "an event that is none" {
	event = { record = {} },
	expect = { runs = 0 },
}

test "events in no order" {
	events = { at("2h", deal "NEW"), at("1h", deal "NEW") },
	expect = { outcome = done },
}

test "a record with a name that means two things <&>" {
	event = deal "NEW",
	records = { people = { 7 } },
	expect = { outcome = done },
}

test "rules that are not there" {
	rules = { "nothing.lua" },
	event = deal "NEW",
	expect = { outcome = done },
}

test "another setting that stands nowhere" {
	event = event("opportunity.created", {}),
	edit = { ["limit = 5"] = "limit = 1" },
	expect = {},
}

test "another setting that could be several" {
	event = event("opportunity.created", {}),
	edit = { ["rule "] = "rule  " },
	expect = {},
}

test "another setting that moves lines" {
	event = event("opportunity.created", {}),
	edit = { ["rule "] = "rule\n" },
	expect = {},
}

test "another setting that breaks the rule" {
	event = event("opportunity.created", {}),
	edit = { ['rule "deal"'] = 'rule "deal' },
	expect = {},
}
