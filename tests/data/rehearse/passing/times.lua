rule "again" {
	on = "hook:again",
	run = function(event)
		local t = now()
		if t < "2026-01-05T09:10:00" then retry_after("5m", "too early") end
		twenty.notes:create { title = t }
	end,
}

rule "three tries" {
	on = "hook:tries",
	retry = { max = 2 },
	run = function() twenty.notes:create { title = "x" } end,
}

rule "never twice" {
	on = "hook:twice",
	run = function(event)
		local note = twenty.notes:create { title = "once" }
		twenty.notes:update(note.id, { title = "then" })
	end,
}

rule "wrong" {
	on = "hook:wrong",
	run = function(event)
		log.warn("it goes wrong", 1)
		if event.record.how == "reject" then reject "no such thing" end
		local nothing = event.record.nothing
		return nothing.field
	end,
}

rule "before" {
	on = "person.updated",
	when = changed { jobTitle = { from = "CTO", to = "CEO" } },
	run = function(event)
		log.info(event.before.jobTitle, event.record.jobTitle, event.actor and event.actor.kind or "nobody", event.at)
	end,
}
