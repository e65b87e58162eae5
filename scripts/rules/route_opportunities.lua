-- SPDX-License-Identifier: MIT
--
-- Route opportunities: who owns a deal, and what is to be done next, by its stage and amount.
--
-- When a deal is made or moves to another stage, the first line of `routes` that fits names its owner and
-- the follow-up task. There is one task for each stage of a deal, however often it comes back to it.
-- A deal that somebody outside this table owns was given to them by hand: it stays theirs.

-- Who is who: the workspace members' e-mail addresses.
local owners = {
	sales = "tim@apple.dev",
	key_accounts = "jane.austen@apple.dev",
}

-- The stage; the smallest amount, in the deal's currency; whose it is; the task's title.
local routes = {
	{ stage = "NEW", from = 0, owner = "sales", task = "Qualify" },
	{ stage = "SCREENING", from = 0, owner = "sales", task = "Screen" },
	{ stage = "MEETING", from = 50000, owner = "key_accounts", task = "Prepare the meeting" },
	{ stage = "MEETING", from = 0, owner = "sales", task = "Prepare the meeting" },
	{ stage = "PROPOSAL", from = 20000, owner = "key_accounts", task = "Write the proposal" },
	{ stage = "PROPOSAL", from = 0, owner = "sales", task = "Send the standard offer" },
	{ stage = "CUSTOMER", from = 0, owner = "key_accounts", task = "Hand over to onboarding" },
}

local stages = {}
for i, route in ipairs(routes) do
	stages[i] = route.stage
end

local function route_of(deal)
	local amount = units(deal.amount) or 0
	for _, route in ipairs(routes) do
		if route.stage == deal.stage and amount >= route.from then
			return route
		end
	end
end

-- e-mail -> id of everybody the table names, in one call; for one of them, twenty.member does.
local function members()
	local emails, ids = {}, {}
	for _, email in pairs(owners) do
		emails[#emails + 1] = email
	end
	for _, member in ipairs(twenty.workspaceMembers:list { where = { email = emails }, limit = 60 }) do
		ids[text.email(member.email)] = member.id
	end
	return ids
end

-- Has the deal a task for this stage already? Titles begin with the stage, so a renamed deal or an
-- edited route does not bring a second one.
local function has_task(deal, prefix)
	local ids = {}
	for target in twenty.taskTargets:each { where = { targetOpportunityId = need(deal.id, "deal") }, limit = 200 } do
		ids[#ids + 1] = target.taskId
	end
	return #ids > 0 and twenty.tasks:count { where = { id = ids, title = { startsWith = prefix } } } > 0
end

-- Only while the deal is where its route was looked up: else the event of its next move sees to it.
local function assign(deal, owner)
	local ok, err = pcall(function()
		twenty.opportunities:update(deal.id, { ownerId = owner }, { only_if = { stage = deal.stage } })
	end)
	if not ok then
		if err.code == "conflict" then
			skip "the deal has moved on"
		end
		error(err)
	end
end

rule "route opportunities" {
	on   = { "opportunity.created", "opportunity.updated" },
	when = changed { stage = { to = stages } },

	-- Twenty's page saves each field by itself. Who makes a deal, names it, says the amount and moves it is one
	-- session: the route is looked up for what came of it, and the task bears the name that it has by then.
	settle = "5s",
	fresh  = true,

	run = function(event)
		local deal = event.record
		local route = route_of(deal)
		if not route then
			skip("no route for the stage " .. tostring(deal.stage))
		end

		local prefix = "[" .. deal.stage .. "] "
		local ids, done = parallel(members, function() return has_task(deal, prefix) end)
		local ours = {}
		for _, id in pairs(ids) do
			ours[id] = true
		end
		local owner = ids[owners[route.owner]]
		if not owner then
			log.warn("no workspace member has the address of " .. route.owner .. ", the owner of the stage " .. route.stage)
		elseif deal.ownerId ~= owner and (deal.ownerId == nil or ours[deal.ownerId]) then
			assign(deal, owner)
		end

		if not done then
			twenty.tasks:create {
				title = prefix .. route.task .. ": " .. (deal.name or "a deal"),
				status = "TODO",
				assigneeId = owner,
				about = { opportunity = deal.id },
			}
		end
	end,
}
