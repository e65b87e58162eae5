-- line 6, unknown-global: did you mean 'amount'?
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		local amount = units(event.record.amount) or 0
		log.info(ammount)
	end,
}
