-- line 6, wrong-value: .id
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		local deal = event.record
		twenty.opportunities:delete(deal)
	end,
}
