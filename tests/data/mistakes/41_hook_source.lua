-- line 3, unknown-source: did you mean "hook:stripe"?
rule "x" {
	on = "hook:strip",
	run = function(event)
		log.info(event.record.id)
	end,
}
