-- line 3, pattern: person.updated
rule "x" {
	on = { "person.created", "person.update" },
	run = function(event)
		log.info("x")
	end,
}
