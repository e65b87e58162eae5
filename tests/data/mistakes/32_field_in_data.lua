-- line 5, unknown-field: did you mean
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		twenty.tasks:create { titel = "call" }
	end,
}
