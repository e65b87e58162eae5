-- line 4, unknown-option: did you mean 'settle'?
rule "x" {
	on = "person.created",
	setle = "20s",
	run = function(event)
		log.info("x")
	end,
}
