-- line 3, unknown-object: opportunity.created
rule "x" {
	on = "oportunity.created",
	run = function(event)
		log.info("x")
	end,
}
