-- line 5, unknown-field: did you mean closeDate
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		log.info(event.record.closedDate)
	end,
}
