-- line 6, own-record: echo
rule "x" {
	on = "opportunity.updated",
	echo = true,
	run = function(event)
		twenty.opportunities:update(event.record.id, { name = event.record.name .. "!" })
	end,
}
