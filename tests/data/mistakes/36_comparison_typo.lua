-- line 5, unknown-option: did you mean 'contains'?
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		local n = twenty.companies:count { where = { name = { containes = "x" } } }
		log.info(n)
	end,
}
