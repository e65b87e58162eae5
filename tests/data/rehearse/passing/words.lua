rule "write" {
	on = { "opportunity.*", "hook:write" },
	run = function(event)
		local r = event.record
		twenty.opportunities:update(r.id, { name = r.name, amount = r.amount, tags = { "a", "b" }, ownerId = json.null })
		twenty.tasks:create { title = "one" }
		twenty.tasks:create { title = "two", due = ahead and "x" or "x" }
		twenty.people:merge { into = r.id, from = { r.other } }
		twenty.people:delete(r.id)
	end,
}
