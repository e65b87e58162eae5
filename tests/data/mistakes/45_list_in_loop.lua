-- line 7, no-limit: limit
rule "x" {
	on = "opportunity.updated",
	batch = "1m",
	run = function(event)
		for _, deal in ipairs(event.batch) do
			local tasks = twenty.taskTargets:list { where = { targetOpportunityId = deal.record.id } }
			log.info(#tasks)
		end
	end,
}
