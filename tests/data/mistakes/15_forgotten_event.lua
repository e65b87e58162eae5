-- line 5, unknown-global: parameter of run
rule "x" {
	on = "person.created",
	run = function()
		log.info(event.record.id)
	end,
}
