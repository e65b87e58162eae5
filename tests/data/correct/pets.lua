-- SPDX-License-Identifier: MIT
-- Objects of one's own, GraphQL, side by side calls, and what deletes and restores.
local report = {}

function report.of(pet)
	return string.format("%s is %s, %d years", pet.name, tostring(pet.species):lower(), pet.age or 0)
end

local handler = function(event)
	local pet = twenty.pets:get(event.record.id)
	if pet == nil then
		return
	end
	local people, data = parallel(
		function()
			return (twenty.people:list { where = { any = { { jobTitle = { like = "%vet%" } }, { intro = "vet" } } }, limit = 5 })
		end,
		function()
			return twenty.graphql("query { pets { totalCount } }", { first = 1 })
		end
	)
	log.info(report.of(pet), #people, json.encode(data))
	for i = #people, 1, -1 do
		local person = people[i]
		if person.email and person.workPreference then
			log.info(person.linkedin, person.emails.primaryEmail, person.phone)
		end
	end
	local weight = pet.extraData and pet.extraData.weight
	while weight and weight > 100 do
		weight = weight - 1
	end
	if pet.vetEmail and pet.vetEmail ~= "" and pet.location.addressCity == "Paris" then
		twenty.pets:update(pet.id, { traits = { "PLAYFUL" }, averageCostOfKibblePerMonth = 12.5, bio = json.null })
	end
	twenty.pets:delete(pet.id)
	local restored = twenty.pets:restore(pet.id)
	local copies = twenty.pets:create_many { { name = "A " .. restored.name }, { name = "B" } }
	for _, copy in ipairs(copies) do
		twenty.pets:destroy(copy.id)
	end
	after(ahead("1h"), "pet again", { n = math.tointeger(#copies) }, { key = pet.id })
end

rule "pet again" { on = { "pet.created", "timer" }, run = handler }
