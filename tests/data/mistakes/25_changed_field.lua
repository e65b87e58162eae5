-- line 4, unknown-field: did you mean stage
rule "x" {
	on = "opportunity.updated",
	when = changed "stag",
	run = function(event)
		log.info("x")
	end,
}
