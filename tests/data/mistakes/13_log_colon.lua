-- line 5, colon: write log.info(..)
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		log:info("hello")
	end,
}
