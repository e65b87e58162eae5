local DEAL = "b0000000-0000-4000-8000-000000000001"
local deal = fixture "deal"
local api = {
	["people:merge"] = function(options) return { id = options.into, from = #options.from } end,
	["people:delete"] = function(deal_id) return { id = deal_id } end,
	["opportunities:update"] = function(deal_id, data, options)
		assert(deal_id == DEAL and data.name and options.only_if == nil)
		return data
	end,
}

test "a fixture, and every matcher" {
	event = deal,
	api = api,
	expect = {
		update("opportunities", any_id, { name = matching "^Fl", amount = partly { currencyCode = "EUR" },
			tags = { any, "b" }, ownerId = json.null }),
		create("tasks", function(data) return data.title == "one" end),
		create("tasks", partly { title = "two" }),
		merge("people", { into = DEAL, from = { any_id } }),
		delete("people", DEAL),
		no_other_writes,
	},
}

test "a fixture with something else in it" {
	event = fixture("deal", { record = { name = "Ships" } }),
	api = api,
	expect = { update("opportunities", DEAL, partly { name = "Ships" }) },
}

test "without no_other_writes some of the effects are enough, in their order" {
	event = deal,
	api = api,
	expect = { create("tasks", { title = "one" }), delete("people", any) },
}

test "a fixture is fresh each time" {
	event = (function()
		local mine = fixture "deal"
		mine.record.name = "Mine"
		assert(fixture("deal").record.name == "Fleet")
		return mine
	end)(),
	api = api,
	expect = { update("opportunities", DEAL, partly { name = "Mine" }) },
}

assert(id "ann" == id "ann" and id "ann" ~= id "bo" and any_id.fits(id "ann"))
