-- line 5, unknown-method: did you mean 'update'?
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		twenty.opportunities:updat(event.record.id, { stage = "NEW" })
	end,
}
