-- SPDX-License-Identifier: MIT
-- A deal that is won moves its contact and company on; what was lost in between is looked up.
local function tasks_for(deal)
	local found = twenty.taskTargets:list { where = { targetOpportunityId = deal.id }, limit = 100 }
	local ids = {}
	for _, target in ipairs(found) do
		ids[#ids + 1] = target.taskId
	end
	return ids
end

rule "hand over" {
	on = "opportunity.updated",
	when = changed { stage = { from = { "MEETING", "PROPOSAL" }, to = "CUSTOMER" } },
	fresh = { depth = 1 },
	run = function(event)
		local deal = event.record
		log.info("it was", event.before.stage, "by", event.actor and event.actor.name or "nobody")
		local company, tasks = parallel(
			function() return deal.companyId and twenty.companies:get(deal.companyId) end,
			function() return tasks_for(deal) end
		)
		if company and company.visaSponsorship then
			twenty.notes:create {
				title = "Visa",
				body = "ask about it before the kick-off",
				about = { company = company.id },
			}
		end
		if #tasks > 0 then
			twenty.tasks:update_where({ id = tasks, status = { "TODO", "IN_PROGRESS" } }, { status = "DONE" }, { max = 100 })
		end
		if deal.pointOfContactId then
			local person = twenty.people:get(deal.pointOfContactId)
			if person and (person.performanceRating == nil or person.performanceRating == "RATING_1") then
				twenty.people:update_many { { id = person.id, performanceRating = "RATING_3", intro = "customer" } }
			end
		end
	end,
}
