-- line 2, unknown-global: use "module"
local names = require "names"
rule "x" {
	on = "opportunity.updated",
	run = function(event)
		log.info(names)
	end,
}
