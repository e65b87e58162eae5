-- line 5, unknown-global: did you mean 'retry_after'?
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		retry_afer("5m", "busy")
	end,
}
