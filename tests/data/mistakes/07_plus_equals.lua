-- line 6, syntax: write x = x + ..
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		local n = 0
		n += 1
	end,
}
