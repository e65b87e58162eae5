-- line 5, swallowed: not tried again
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		pcall(function()
			twenty.tasks:create { title = "x" }
		end)
	end,
}
