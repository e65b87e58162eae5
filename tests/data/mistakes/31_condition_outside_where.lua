-- line 5, unknown-option: conditions go into where
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		local n = twenty.companies:list { city = "Paris", limit = 10 }
		log.info(#n)
	end,
}
