-- line 5, host: does not allow
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		local a = http.get("https://api.exmaple.com/x")
		log.info(a.status)
	end,
}
