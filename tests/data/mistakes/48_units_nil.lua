-- line 5, maybe-nil: or 0
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		if units(event.record.amount) > 1000 then log.info("big") end
	end,
}
