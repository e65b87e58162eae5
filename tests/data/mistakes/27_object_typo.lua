-- line 5, unknown-object: did you mean
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		twenty.oportunities:get(event.record.id)
	end,
}
