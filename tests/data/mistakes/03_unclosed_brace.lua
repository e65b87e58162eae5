-- line 3, syntax: seems to have no '}'
rule "x" {
	on = { "person.created", "person.updated",
	run = function(event)
		log.info("x")
	end,
}
