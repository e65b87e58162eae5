-- line 5, syntax: not closed on its line
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		log.info("hello)
	end,
}
