-- line 5, syntax: write ==
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		if event.record.stage = "NEW" then skip "new" end
	end,
}
