-- SPDX-License-Identifier: MIT
-- A deal that stays too long in a stage becomes a task of its owner.
local sla = { SCREENING = "2d", MEETING = "5d", PROPOSAL = "7d" }

rule "start sla" {
	on = { "opportunity.created", "opportunity.updated" },
	when = changed "stage",
	run = function(event)
		local limit = sla[event.record.stage]
		if limit then
			after(limit, "sla breached", { stage = event.record.stage })
		else
			cancel "sla breached"
		end
	end,
}

rule "sla breached" {
	on = "timer",
	run = function(event)
		local deal = event.record
		if deal.stage ~= event.payload.stage then
			skip "it has moved on"
		end
		twenty.tasks:create {
			title = "SLA missed: " .. deal.name,
			status = "TODO",
			assigneeId = deal.ownerId,
			dueAt = ahead("1d"),
			about = { opportunity = deal.id },
		}
	end,
}
