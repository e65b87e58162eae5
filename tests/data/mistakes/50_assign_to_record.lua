-- line 5, no-effect: :update(
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		event.record.stage = "CUSTOMER"
	end,
}
