-- line 5, unknown-field: did you mean
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		local n = twenty.companies:count { where = { employes = { gt = 50 } } }
		log.info(n)
	end,
}
