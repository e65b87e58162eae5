-- SPDX-License-Identifier: MIT
--
-- Dedupe on ingest: a person who arrives twice becomes one record again.
--
-- lib/duplicates.lua says which records are one person. The oldest one survives, its empty fields are filled from
-- the others by Twenty's merge; the others are destroyed, which cannot be undone. Run it with preview = true
-- first and read what it would have done in `moonhook runs show`; `make run` begins with such a copy where the
-- Twenty is yours.

local preview = false

local duplicates = use "duplicates"

rule "dedupe on ingest" {
	on = "person.created",

	-- Two copies that arrive together must not be merged into each other at the same time.
	key = function(event)
		return duplicates.mailbox(event.record.email)
	end,

	run = function(event)
		if not duplicates.mailbox(event.record.email) then
			skip "no e-mail address of its own"
		end
		local id = event.record.id
		local person, candidates = parallel(
			function() return twenty.people:get(id) end,
			function() return twenty.people:duplicates(id) end
		)
		if not person then
			skip "the person is gone"
		end
		local same = duplicates.of(person, candidates)
		if not same then
			skip "no duplicate"
		end
		duplicates.merge(same, preview)
	end,
}
