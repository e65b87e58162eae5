local DEAL, OWNER = id "deal", id "owner"

local function deal(stage)
	return { id = DEAL, name = "Fleet", ownerId = OWNER, stage = stage }
end

test "a deal that stays too long in a stage gets a task, two days later" {
	event = event("opportunity.created", deal "SCREENING"),
	expect = {
		after("48h", "sla breached"),
		at("2d", create("tasks", { title = "SLA missed: Fleet", assigneeId = OWNER, about = { opportunity = DEAL } })),
		no_other_writes,
		runs = 2,
	},
}

test "one that moves on in time gets none" {
	events = {
		event("opportunity.created", deal "SCREENING"),
		at("47h", event("opportunity.updated", deal "WON", { fields = { "stage" } })),
	},
	expect = { after("2d", "sla breached"), at("47h", cancel "sla breached"), no_other_writes, runs = 2 },
}

test "a stage after the other arms it anew" {
	events = {
		event("opportunity.created", deal "SCREENING"),
		at("1d", event("opportunity.updated", deal "MEETING", { fields = { "stage" } })),
	},
	expect = { at("6d", create("tasks", any)), no_other_writes, runs = 3 },
}

test "a deal that is gone by then is left alone" {
	event = event("opportunity.created", deal "SCREENING"),
	records = { opportunities = {} },
	expect = { no_other_writes, outcome = { done, skipped(matching "not there any more") } },
}

test "several edits are one run" {
	events = {
		event("person.updated", { id = id "ann", city = "Paris", jobTitle = "CTO" }, { fields = { "city" },
			before = { city = "Lyon", jobTitle = "CTO" } }),
		at("15s", event("person.updated", { id = id "ann", city = "Paris", jobTitle = "CEO" }, { fields = { "jobTitle" } })),
	},
	expect = { at("35s", create("notes", { title = matching "city.*jobTitle: Paris CEO" })), no_other_writes, runs = 1 },
}

test "two editing sessions are two" {
	events = {
		event("person.updated", { id = id "ann", city = "Paris", jobTitle = "CTO" }, { fields = { "city" } }),
		at("21s", event("person.updated", { id = id "ann", city = "Nice", jobTitle = "CTO" }, { fields = { "city" } })),
	},
	expect = { at("20s", create("notes", any)), at("41s", create("notes", any)), no_other_writes, runs = 2 },
}

test "many events are one batch" {
	events = {
		event("company.created", { id = id "a", name = "A" }),
		at("1m", event("company.created", { id = id "b", name = "B" })),
		at("2m", event("company.created", { id = id "c", name = "C" })),
	},
	expect = { at("10m", create("notes", { title = "A, B, C" })), no_other_writes, runs = 1 },
}

test "what is kept from run to run, and what was there before" {
	events = { event("hook:count", { name = "x" }), at("1h", event("hook:count", { name = "y" })) },
	kv = { greeting = "hello", n = 5 },
	expect = { logs = { "hello 6 true true", "hello 7 true true" }, kv = { n = 7 }, kv_shared = { last = "y" }, no_other_writes },
}

test "kv of another test is not here" {
	event = event("hook:count", { name = "z" }),
	expect = { outcome = skipped "nobody greets", kv = { n = 1, greeting = json.null }, no_other_writes },
}

test "a request to another server, with a secret that nobody sees" {
	event = event("hook:tell", { text = "hi" }),
	http = {
		["POST https://hooks.example.com/services/x"] = function(request)
			assert(request.headers.Authorization == "Bearer ${SLACK}" and request.json.text == "hi")
			return { status = 201, json = { id = 7 } }
		end,
		["GET https://api.example.com/*"] = { json = { name = "Ann" } },
	},
	expect = {
		http.post("https://hooks.example.com/services/x", { json = { text = "hi" } }),
		create("notes", { title = "Ann" }),
		no_other_writes,
		logs = "201 7",
	},
}

test "a status that is in ok raises nothing, another one is tried again" {
	event = event("hook:tell", { text = "hi" }),
	http = {
		["POST https://hooks.example.com/services/x"] = { status = 404 },
		["GET https://api.example.com/people/7"] = in_turn { { status = 503 }, fail { status = 429 }, { json = { name = "Bo" } } },
	},
	expect = { create("notes", { title = "Bo" }), outcome = done, logs = "404 none" },
}

test "a rule by the clock, over three nights" {
	now = "2026-03-28T00:00:00Z",
	lasts = "3d",
	rule = "nightly",
	expect = {
		at("90m", create("notes", { title = matching "^night 2026%-03%-28T01:30" })), -- 02:30 of winter
		create("notes", any),
		create("notes", { title = matching "^night 2026%-03%-30T00:30" }), -- and of summer
		no_other_writes,
	},
}
