-- line 5, unknown-secret: did you mean
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		http.post(secret "SLACK_HOK", { json = { text = "x" } })
	end,
}
