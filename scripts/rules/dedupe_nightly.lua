-- SPDX-License-Identifier: MIT
--
-- Dedupe nightly: finds the people who are there twice already, whichever way they came in.
--
-- dedupe_on_ingest.lua sees who arrives; this rule sees everybody, and from then on whoever was changed since. At
-- night it goes through some pages of people each ten minutes, remembers in kv how far it came, and goes on
-- there, the next night if need be. All its calls give way to those of other rules.
--
-- It begins with preview = true: it writes nothing, and `moonhook runs show` tells what it would have merged. With
-- preview = false it goes through everybody again, and merges: lib/duplicates.lua says whom. What is merged away
-- is destroyed, which cannot be undone; so each group is read once more just before.

local preview = true
local pages = 5   -- of 200 people, in a run
local merges = 25 -- in a run, at most

local duplicates = use "duplicates"

-- Where the sweep stands: open, next (the page to go on with), since (whom it is about: nil for all), begun, night
-- (a sweep begins once a night). One of previews is another than that which merges.
local STATE = preview and "sweep of previews" or "sweep"
local ZONE = "Europe/Paris"

local function open_sweep(event)
	local night = day(event.at, ZONE)
	local state = kv.get(STATE) or {}
	if state.open then
		return state
	end
	if state.night == night then
		skip "this night's sweep is complete"
	end
	return { open = true, night = night, since = state.begun, begun = event.at }
end

-- A page of people, and where the next one begins. A server that does not know the old place any more (it was
-- updated, say) is asked for the first page.
local function read_page(state)
	local query = {
		where = state.since and { updatedAt = { gte = state.since } } or nil,
		order = "createdAt",
		limit = 200,
		after = state.next,
		fields = { "email", "firstName", "lastName", "createdAt" },
	}
	local ok, people, page = pcall(function() return twenty.people:list(query) end)
	if not ok and state.next and not people.retryable then
		log.warn("begins anew: " .. people.message)
		query.after = nil
		people, page = twenty.people:list(query)
	elseif not ok then
		error(people)
	end
	return people, page.next
end

-- The groups of a page of people that are one person each; nobody is in two of them. taken: who was, in this run.
local function groups_in(people, taken)
	local ids, owners, groups = {}, {}, {}
	for _, person in ipairs(people) do
		if duplicates.mailbox(person.email) then
			ids[#ids + 1] = person.id
			owners[#owners + 1] = person
		end
	end
	if #ids == 0 then
		return groups
	end
	for i, candidates in ipairs(twenty.people:duplicates(ids)) do
		local same = not taken[owners[i].id] and duplicates.of(owners[i], candidates)
		if same then
			for _, person in ipairs(same) do
				taken[person.id] = true
			end
			groups[#groups + 1] = same
		end
	end
	return groups
end

-- Merges a group as it is now: somebody may have edited it since, or merged it.
local function merge(group)
	local ids = {}
	for i, person in ipairs(group) do
		ids[i] = person.id
	end
	local people = twenty.people:list { where = { id = ids }, limit = #ids }
	local first = table.remove(people, 1)
	local same = first and duplicates.of(first, people)
	if not same then
		return false
	end
	local ok, err = pcall(duplicates.merge, same, preview)
	if not ok then
		if err.retryable then
			error(err)
		end
		-- One group that Twenty does not want to merge must not keep all others from it.
		log.warn("not merged into " .. same[1].id .. ": " .. err.message)
	end
	return ok
end

rule "dedupe nightly" {
	cron       = "*/10 1-4 * * *",
	tz         = "Europe/Paris",
	timeout    = "8m",
	cpu        = "10s",
	max_writes = "300/h",

	run = function(event)
		local state, taken, seen, merged = open_sweep(event), {}, 0, 0
		for _ = 1, pages do
			local people, after = read_page(state)
			for _, group in ipairs(groups_in(people, taken)) do
				if merged == merges then
					-- The rest of this page is for the next run, which sees it without what was merged; a
					-- preview would see the same again, and goes on with the next page.
					log.info("enough for one run: " .. merged .. " groups")
					if preview then
						state.next, state.open = after, after ~= nil
					end
					kv.set(STATE, state)
					return
				end
				if merge(group) then
					merged = merged + 1
				end
			end
			seen = seen + #people
			state.next, state.open = after, after ~= nil
			kv.set(STATE, state)
			if not after then
				break
			end
		end
		log.info(seen .. " people, " .. merged .. (preview and " groups of duplicates" or " groups merged"))
	end,
}
