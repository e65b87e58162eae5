-- line 3, syntax: a comma is missing
rule "x" {
	on = "person.created"
	run = function(event)
		log.info("x")
	end,
}
