-- line 3, wrong-value: 0 to 23
rule "x" {
	cron = "0 25 * * *",
	run = function(event)
		log.info("x")
	end,
}
