-- line 5, unknown-rule: did you mean "later"?
rule "x" {
	on = "opportunity.created",
	run = function()
		after("2d", "latr")
	end,
}
rule "later" {
	on = "timer",
	run = function(event)
		log.info(event.record.id)
	end,
}
