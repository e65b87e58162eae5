-- SPDX-License-Identifier: MIT
-- Tests of route_opportunities.lua: moonhook test scripts/rules/route_opportunities.lua

local DEAL, TIM, JANE, EVE = id "deal", id "tim", id "jane", id "eve"

local members = {
	{ id = TIM, userEmail = "tim@apple.dev" },
	{ id = JANE, userEmail = "jane.austen@apple.dev" },
	{ id = EVE, userEmail = "eve@apple.dev" },
}

local function deal(t)
	t.id, t.name = DEAL, t.name or "Fleet"
	return t
end

local function task(stage, title, owner)
	return create("tasks", { title = "[" .. stage .. "] " .. title .. ": Fleet", status = "TODO", assigneeId = owner,
		about = { opportunity = DEAL } })
end

test "a new deal goes to who qualifies, with a task" {
	event = event("opportunity.created", deal { stage = "NEW" }),
	records = { opportunities = { deal { stage = "NEW" } }, workspaceMembers = members },
	expect = {
		update("opportunities", DEAL, { ownerId = TIM }, { only_if = { stage = "NEW" } }),
		task("NEW", "Qualify", TIM),
		no_other_writes,
	},
}

test "a big deal goes to the key account owner" {
	event = event("opportunity.updated", deal { stage = "MEETING", amount = money(60000, "EUR") }, { fields = { "stage" } }),
	records = { opportunities = { deal { stage = "MEETING", amount = money(60000, "EUR"), ownerId = TIM } },
		workspaceMembers = members },
	expect = {
		update("opportunities", DEAL, { ownerId = JANE }),
		task("MEETING", "Prepare the meeting", JANE),
		no_other_writes,
	},
}

test "a small one stays where it is" {
	event = event("opportunity.updated", deal { stage = "MEETING", amount = money(49999, "EUR") }, { fields = { "stage" } }),
	records = { opportunities = { deal { stage = "MEETING", amount = money(49999, "EUR"), ownerId = TIM } },
		workspaceMembers = members },
	expect = { task("MEETING", "Prepare the meeting", TIM), no_other_writes },
}

test "a deal that was given to somebody by hand stays theirs" {
	event = event("opportunity.created", deal { stage = "NEW", ownerId = EVE }),
	records = { opportunities = { deal { stage = "NEW", ownerId = EVE } }, workspaceMembers = members },
	expect = { task("NEW", "Qualify", TIM), no_other_writes },
}

test "a deal that comes back to a stage gets no second task" {
	events = {
		event("opportunity.created", deal { stage = "NEW" }),
		at("1h", event("opportunity.updated", deal { stage = "SCREENING" }, { fields = { "stage" } })),
		at("2h", event("opportunity.updated", deal { stage = "NEW" }, { fields = { "stage" } })),
	},
	records = { workspaceMembers = members },
	expect = {
		update("opportunities", DEAL, { ownerId = TIM }),
		at("5s", task("NEW", "Qualify", TIM)),
		at("3605s", task("SCREENING", "Screen", TIM)),
		no_other_writes,
		runs = 3,
	},
}

test "a deal that moves on meanwhile is left to its next event" {
	event = event("opportunity.created", deal { stage = "NEW" }),
	records = { opportunities = { deal { stage = "NEW" } }, workspaceMembers = members },
	api = { ["opportunities:update"] = fail { code = "conflict" } },
	expect = { no_other_writes, outcome = skipped "the deal has moved on" },
}

test "a change of the name routes nothing" {
	event = event("opportunity.updated", deal { stage = "NEW" }, { fields = { "name" } }),
	expect = { no_other_writes, outcome = skipped(any) },
}

test "a stage without a route" {
	event = event("opportunity.created", deal { stage = "LOST" }),
	expect = { no_other_writes, outcome = skipped(any) },
}

test "a deal that has left its stage while the run waited" {
	event = event("opportunity.created", deal { stage = "NEW" }),
	records = { opportunities = { deal { stage = "LOST" } }, workspaceMembers = members },
	expect = { no_other_writes, outcome = skipped "no route for the stage LOST" },
}

-- As Twenty's page saves it: field by field.
local function edit(seconds, field, value, more)
	local record = deal { stage = "PROPOSAL", name = "Fleet", amount = money(25000, "EUR") }
	for key, was in pairs(more or {}) do
		record[key] = was
	end
	record[field] = value
	return at(seconds .. "s", event("opportunity.updated", record, { fields = { field } }))
end

test "a session of edits is one run, for what came of it" {
	events = {
		event("opportunity.created", { id = DEAL, stage = "NEW" }),
		edit(2, "name", "Fleet", { stage = "NEW", amount = money(0, "EUR") }),
		edit(6, "amount", money(25000, "EUR"), { stage = "NEW" }),
		edit(10, "stage", "PROPOSAL"),
	},
	records = { opportunities = { deal { stage = "PROPOSAL", amount = money(25000, "EUR") } }, workspaceMembers = members },
	expect = {
		at("15s", update("opportunities", DEAL, { ownerId = JANE })),
		at("15s", task("PROPOSAL", "Write the proposal", JANE)),
		no_other_writes,
		runs = 1,
	},
}

test "owners of one's own" {
	event = event("opportunity.created", deal { stage = "NEW" }),
	edit = { ['sales = "tim@apple.dev"'] = 'sales = "eve@apple.dev"' },
	records = { opportunities = { deal { stage = "NEW" } }, workspaceMembers = members },
	expect = {
		update("opportunities", DEAL, { ownerId = EVE }),
		task("NEW", "Qualify", EVE),
		no_other_writes,
	},
}

test "Twenty is down for a moment: one task, not two" {
	event = event("opportunity.created", deal { stage = "NEW" }),
	records = { opportunities = { deal { stage = "NEW", ownerId = TIM } }, workspaceMembers = members },
	api = { ["tasks:create"] = in_turn { fail { status = 503 }, function(data) data.id = id "task" return data end } },
	expect = { task("NEW", "Qualify", TIM), no_other_writes, outcome = done },
}

test "an owner who has left is told of" {
	event = event("opportunity.created", deal { stage = "NEW" }),
	records = { opportunities = { deal { stage = "NEW" } }, workspaceMembers = {} },
	expect = {
		create("tasks", partly { title = "[NEW] Qualify: Fleet" }),
		no_other_writes,
		logs = { "warn no workspace member has the address of sales, the owner of the stage NEW" },
	},
}

test "a deal that is gone is left alone" {
	event = event("opportunity.created", deal { stage = "NEW" }),
	records = { opportunities = {} },
	expect = { no_other_writes, outcome = skipped(any) },
}

test "another error of Twenty is not taken for a move" {
	event = event("opportunity.created", deal { stage = "NEW" }),
	records = { opportunities = { deal { stage = "NEW" } }, workspaceMembers = members },
	api = { ["opportunities:update"] = fail { status = 422, message = "no such field" } },
	expect = { no_other_writes, outcome = dead "no such field" },
}
