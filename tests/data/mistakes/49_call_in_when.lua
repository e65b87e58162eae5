-- line 5, wrong-place: event only
rule "x" {
	on = "opportunity.updated",
	when = function(event)
		return twenty.companies:count { where = { name = "x" } } > 0
	end,
	run = function(event)
		log.info("x")
	end,
}
