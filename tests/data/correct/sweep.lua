-- SPDX-License-Identifier: MIT
-- Every night: people with the same address become one, the oldest stays.
rule "nightly duplicates" {
	every = "24h",
	lane = "background",
	run = function(event)
		local since = start("day", ago("1d", event.at), "UTC")
		local seen, merged = {}, 0
		local people = twenty.people:list {
			where = { updatedAt = { gte = since }, email = { empty = false } },
			order = { "createdAt", "id" },
			limit = 1000,
		}
		for _, person in ipairs(people) do
			if seen[person.id] then goto continue end
			for _, other in ipairs(twenty.people:duplicates(person.id)) do
				local near = text.similarity(person.name.lastName or "", other.name.lastName or "")
				if other.id ~= person.id and near > 0.9 and not seen[other.id] then
					seen[other.id] = true
					merged = merged + 1
					twenty.people:merge { into = person.id, from = { other.id } }
				end
			end
			::continue::
		end
		log.info("merged", merged)
	end,
}
