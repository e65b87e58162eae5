-- line 4, unknown-value: CUSTOMER
rule "x" {
	on = "opportunity.updated",
	when = changed { stage = { to = "WON" } },
	run = function(event)
		log.info("x")
	end,
}
