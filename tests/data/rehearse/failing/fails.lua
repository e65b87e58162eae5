-- A rule that does what its tests do not expect.
rule "deal" {
	on = "opportunity.updated",
	cpu = "200ms",
	when = function(event) return event.record.stage ~= "LOST" end,
	run = function(event)
		local deal = event.record
		if deal.stage == "HANG" then while true do end end
		if deal.stage == "HUGE" then
			log.info(#("x"):rep(80000000))
		end
		if deal.stage == "HTTP" then twenty.graphql("query { x }") end
		twenty.opportunities:update(deal.id, { ownerId = deal.stage, note = "a \"quoted\" one\n<&>" })
		twenty.tasks:create { title = "Call", tags = { "a", "b" } }
		log.info "done with it"
	end,
}
