-- line 3, pattern: opportunity.created
rule "x" {
	on = "opportunities.created",
	run = function(event)
		log.info("x")
	end,
}
