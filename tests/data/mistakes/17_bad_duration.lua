-- line 4, wrong-value: is no duration
rule "x" {
	on = "person.created",
	settle = "20 sec",
	run = function(event)
		log.info("x")
	end,
}
