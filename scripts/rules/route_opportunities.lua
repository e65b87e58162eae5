-- SPDX-License-Identifier: MIT
--
-- Route opportunities: who owns a deal, and what is to be done next, by its stage and amount.
--
-- When a deal is made or moves to another stage, the first line of `routes` that fits names its owner and
-- the follow-up task. There is one task for each stage of a deal, however often it comes back to it.
-- A deal that somebody outside this table owns was given to them by hand: it stays theirs.

-- stage; smallest amount in the deal's currency; owner (a workspace member's e-mail); the task's title
local routes = {
	{ stage = "NEW", from = 0, owner = "tim@apple.dev", task = "Qualify" },
	{ stage = "SCREENING", from = 0, owner = "tim@apple.dev", task = "Screen" },
	{ stage = "MEETING", from = 50000, owner = "jane.austen@apple.dev", task = "Prepare the meeting" },
	{ stage = "MEETING", from = 0, owner = "tim@apple.dev", task = "Prepare the meeting" },
	{ stage = "PROPOSAL", from = 20000, owner = "jane.austen@apple.dev", task = "Write the proposal" },
	{ stage = "PROPOSAL", from = 0, owner = "tim@apple.dev", task = "Send the standard offer" },
	{ stage = "CUSTOMER", from = 0, owner = "jane.austen@apple.dev", task = "Hand over to onboarding" },
}

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
	local emails, seen = {}, {}
	for _, route in ipairs(routes) do
		if not seen[route.owner] then
			seen[route.owner] = true
			emails[#emails + 1] = route.owner
		end
	end
	local ids = {}
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

-- Did an update touch one of these fields? A server that does not name the changed fields may have
-- touched any; the run then looks for itself.
local function touched(event, ...)
	if event.fields == nil then
		return true
	end
	for _, field in ipairs(event.fields) do
		for _, wanted in ipairs { ... } do
			if field == wanted then
				return true
			end
		end
	end
	return false
end

rule "route opportunities" {
	on = { "opportunity.created", "opportunity.updated" },

	when = function(event)
		return event.action == "created" or touched(event, "stage")
	end,

	run = function(event)
		-- Two quick moves give two events; what counts is where the deal is now.
		local deal = twenty.opportunities:get(event.record.id)
		if not deal then
			skip "the deal is gone"
		end
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
		local owner = ids[route.owner]
		if not owner then
			log.warn("no workspace member has the address of the route for " .. route.stage)
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
