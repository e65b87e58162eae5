-- line 5, unknown-global: log.info
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		print(event.record.name)
	end,
}
