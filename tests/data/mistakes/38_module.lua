-- line 2, unknown-module: no module
local names = use "nams"
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		log.info(names.first)
	end,
}
