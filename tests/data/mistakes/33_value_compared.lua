-- line 5, unknown-value: did you mean "PROPOSAL"?
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		if event.record.stage == "PROPOSEL" then
			log.info("x")
		end
	end,
}
