-- line 4, wrong-value: not a number
rule "x" {
	on = "person.created",
	timeout = 30,
	run = function(event)
		log.info("x")
	end,
}
