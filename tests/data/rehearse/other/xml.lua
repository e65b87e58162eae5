rule "xml" {
	on = "opportunity.updated",
	run = function(event)
		twenty.opportunities:update(event.record.id, { note = "a \"quoted\" one\n<&>" })
	end,
}
