-- line 6, maybe-nil: test it first
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		local person = twenty.people:get(event.record.pointOfContactId)
		log.info(person.email)
	end,
}
