-- line 5, unknown-member: did you mean 'is_freemail'?
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		if text.is_freemial("a.io") then skip "free" end
	end,
}
