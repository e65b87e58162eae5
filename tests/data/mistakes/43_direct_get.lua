-- line 5, maybe-nil: test it first
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		log.info(twenty.people:get(event.record.pointOfContactId).email)
	end,
}
