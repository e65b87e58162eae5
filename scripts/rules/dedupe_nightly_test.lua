-- SPDX-License-Identifier: MIT
-- Tests of dedupe_nightly.lua: moonhook test scripts/rules/dedupe_nightly.lua
-- They begin at half past midnight in Paris; the first run is at one.

local EVENING = "2026-01-05T23:30:00Z"
local merging = { ["local preview = true"] = "local preview = false" }

-- The n-th of many people; each tenth is there twice, the copy 300 people later.
local function person(n)
	local twin = n > 300 and n - 300 or n
	local name = twin % 10 == 0 and "p" .. twin or "p" .. n
	return { id = id("p" .. n), email = name .. (n > 300 and "+new@acme.io" or "@acme.io"), firstName = name, lastName = "Lee",
		createdAt = ("2025-%02d-%02dT%02d:00:00.000Z"):format(1 + n // 100, 1 + n // 10 % 10, n % 10) }
end

local function people(n)
	local list = {}
	for i = 1, n do
		list[i] = person(i)
	end
	return list
end

local function pair(n, preview)
	return merge("people", { into = id("p" .. n), from = { id("p" .. n + 300) }, preview = preview })
end

test "by itself it merges nothing, and tells what it would" {
	now = EVENING, lasts = "35m",
	records = { people = people(320) },
	expect = {
		at("30m", pair(10, true)), at("30m", pair(20, true)),
		no_other_writes,
		logs = { "would merge 1 into " .. id "p10", "would merge 1 into " .. id "p20", "320 people, 2 groups of duplicates" },
	},
}

test "with preview = false duplicates become one, over all pages" {
	now = EVENING, lasts = "35m", edit = merging,
	records = { people = people(450) },
	expect = {
		pair(10, false), pair(20, false), pair(30, false), pair(40, false), pair(50, false), pair(60, false),
		pair(70, false), pair(80, false), pair(90, false), pair(100, false), pair(110, false), pair(120, false),
		pair(130, false), pair(140, false), pair(150, false),
		no_other_writes,
		runs = 1,
		logs = "435 people, 15 groups merged",
	},
}

test "a night's sweep is done once" {
	now = EVENING, lasts = "5h", edit = merging,
	records = { people = people(20) },
	expect = { no_other_writes, runs = 24, logs = "20 people, 0 groups merged" },
}

test "the next night it looks at what was changed since" {
	now = EVENING, lasts = "25h", edit = merging,
	events = {
		event("person.created", person(70)),
		event("person.created", person(71)),
		at("10h", event("person.created", { id = id "late", email = "p70+x@acme.io", firstName = "p70", lastName = "Lee" })),
	},
	expect = {
		at("1470m", merge("people", { into = id "p70", from = { id "late" }, preview = false })),
		no_other_writes,
		logs = { "2 people, 0 groups merged", "merged 1 into " .. id "p70", "1 people, 1 groups merged" },
	},
}

test "a run has so many pages, and the next one goes on behind them" {
	now = EVENING, lasts = "55m",
	edit = { ["local preview = true"] = "local preview = false", ["local pages = 5"] = "local pages = 1" },
	records = { people = people(450) },
	expect = {
		at("30m", pair(10, false)), at("30m", pair(150, false)),
		runs = 3,
		-- fifteen of the 450 are merged away before their page is read
		logs = { "200 people, 15 groups merged", "200 people, 0 groups merged", "35 people, 0 groups merged" },
		kv = { sweep = { open = false, begun = "2026-01-06T00:00:00.000Z", night = "2026-01-06" } },
	},
}

test "a run has so many merges, and the next one sees the rest of the page" {
	now = EVENING, lasts = "45m",
	edit = { ["local preview = true"] = "local preview = false", ["local merges = 25"] = "local merges = 9 " },
	records = { people = people(450) },
	expect = {
		at("30m", pair(90, false)), at("40m", pair(100, false)), at("40m", pair(150, false)),
		runs = 2,
		logs = { "enough for one run: 9 groups", "435 people, 6 groups merged" },
	},
}

test "a preview goes on with the next page" {
	now = EVENING, lasts = "45m", edit = { ["local merges = 25"] = "local merges = 2 " },
	records = { people = people(450) },
	expect = { at("30m", pair(10, true)), at("30m", pair(20, true)), at("40m", merge("people", any)), at("40m", merge("people", any)),
		no_other_writes },
}

test "what has changed since it was found is left alone" {
	now = EVENING, lasts = "35m", edit = merging,
	records = { people = { person(10), person(310) } },
	api = { ["people:list"] = function(query)
		if not query.where then return { person(10), person(310) } end
		local edited = person(310)
		edited.email = "other@acme.io"
		return { person(10), edited }
	end },
	expect = { no_other_writes, logs = "2 people, 0 groups merged" },
}

test "a group that is gone by then is left alone" {
	now = EVENING, lasts = "35m", edit = merging,
	records = { people = { person(10), person(310) } },
	api = { ["people:list"] = function(query) return query.where and {} or { person(10), person(310) } end },
	expect = { no_other_writes, logs = "2 people, 0 groups merged" },
}

test "one group that Twenty does not want keeps no other from it" {
	now = EVENING, lasts = "35m", edit = merging,
	records = { people = people(320) },
	api = { ["people:merge"] = in_turn { fail { status = 422, message = "no such thing" }, { id = id "p20" } } },
	expect = {
		pair(20, false), no_other_writes, outcome = done,
		logs = { "warn not merged into " .. id "p10" .. ": no such thing", "320 people, 1 groups merged" },
	},
}

test "Twenty is down for a moment: each group is merged once" {
	now = EVENING, lasts = "35m", edit = merging,
	records = { people = people(320) },
	api = { ["people:merge"] = in_turn { { id = id "p10" }, fail { status = 503 }, { id = id "p20" } } },
	expect = { pair(10, false), pair(20, false), no_other_writes, outcome = done },
}

test "a server that knows the old place no more is asked from the start" {
	now = EVENING, lasts = "35m",
	kv = { ["sweep of previews"] = { begun = "2026-01-05T00:00:00.000Z", night = "2026-01-05", open = true, next = "gone" } },
	api = { ["people:list"] = function(query)
		return query.after and fail { status = 400, code = "rejected", message = "no such cursor" } or {}
	end },
	expect = { no_other_writes, outcome = done, logs = { "warn begins anew: no such cursor", "0 people, 0 groups of duplicates" } },
}

test "Twenty is down: the page is read again" {
	now = EVENING, lasts = "35m",
	api = { ["people:list"] = in_turn { fail { status = 500 }, {} } },
	expect = { no_other_writes, outcome = done, logs = "0 people, 0 groups of duplicates" },
}

test "who has no address of their own is nobody's duplicate" {
	now = EVENING, lasts = "35m",
	records = { people = { { id = id "a", email = "info@acme.io" }, { id = id "b" } } },
	expect = { no_other_writes, logs = "2 people, 0 groups of duplicates" },
}

test "a server that cannot try a merge out: the log says whom it would be about" {
	now = EVENING, lasts = "35m",
	records = { people = { person(10), person(310) } },
	api = { ["people:merge"] = fail { code = "unsupported" } },
	expect = { no_other_writes, logs = { "would merge 1 into " .. id "p10", "2 people, 1 groups of duplicates" } },
}

test "it sleeps by day" {
	now = "2026-07-01T03:00:00Z", lasts = "19h", -- five in the morning in Paris, and midnight
	records = { people = people(20) },
	expect = { no_other_writes, runs = 0 },
}
