-- line 5, syntax: seems to have no 'end'
rule "x" {
	on = "person.created",
	run = function(event)
		if event.record.email then
			log.info("x")
	end,
}
