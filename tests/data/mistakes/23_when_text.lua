-- line 4, wrong-value: changed "stage"
rule "x" {
	on = "opportunity.updated",
	when = "stage",
	run = function(event)
		log.info("x")
	end,
}
