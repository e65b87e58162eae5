-- line 5, colon: twenty.people:get
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		local p = twenty.people.get(event.record.pointOfContactId)
		log.info(p)
	end,
}
