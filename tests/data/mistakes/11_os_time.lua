-- line 5, unknown-global: now()
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		local t = os.time()
		log.info(t)
	end,
}
