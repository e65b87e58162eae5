-- Lines that no test runs say so.
local names = { "a", "b" }

local function never(x)
	return x + 1 -- missed
end

local function shorter(text)
	if #text > 3 then
		return text:sub(1, 3)
	end
	return text -- missed
end

rule "covered" {
	on = "hook:cover",
	when = function(event)
		return event.record.go
	end,
	run = function(event)
		for _, name in ipairs(names) do
			log.info(name)
		end
		local ok, err = pcall(function()
			error "x"
		end)
		if ok then
			never(1) -- missed
		elseif event.record.deep then
			parallel(function() -- missed
				log.info "one" -- missed
			end, function() -- missed
				log.info "two" -- missed
			end) -- missed
		end
		local a, b = parallel(function()
			return now()
		end, function()
			return random()
		end)
		log.info(shorter "longer")
		if not a then
			return -- missed
		end
	end,
}
