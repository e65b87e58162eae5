-- line 5, need: need(event.record.companyId
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		twenty.people:update_where({ companyId = event.record.companyId }, { intro = "x" }, { max = 50 })
	end,
}
