-- What happens later: silence, batches, timers; and what is kept.
local sla = { SCREENING = "2d", MEETING = "5d" }

rule "start sla" {
	on = { "opportunity.created", "opportunity.updated" },
	when = changed "stage",
	run = function(event)
		local limit = sla[event.record.stage]
		if limit then after(limit, "sla breached") else cancel "sla breached" end
	end,
}

rule "sla breached" {
	on = "timer",
	run = function(event)
		local deal = event.record
		twenty.tasks:create { title = "SLA missed: " .. deal.name, assigneeId = deal.ownerId, about = { opportunity = deal.id } }
	end,
}

rule "settled" {
	on = "person.updated",
	settle = "20s",
	run = function(event)
		twenty.notes:create { title = table.concat(event.fields, " ") .. ": " .. event.record.city .. " " .. event.record.jobTitle }
	end,
}

rule "batched" {
	on = "company.created",
	batch = "10m",
	run = function(event)
		local names = {}
		for _, one in ipairs(event.batch) do names[#names + 1] = one.record.name end
		twenty.notes:create { title = table.concat(names, ", ") }
	end,
}

rule "counted" {
	on = "hook:count",
	run = function(event)
		local n = kv.incr "n"
		kv.shared.set("last", event.record.name)
		if not kv.get "greeting" then skip "nobody greets" end
		log.info(kv.get "greeting", n, random() < 1, random(1, 6) <= 6)
	end,
}

rule "told" {
	on = "hook:tell",
	run = function(event)
		local answer = http.post("https://hooks.example.com/services/x", {
			headers = { Authorization = "Bearer " .. secret "SLACK" },
			json = { text = event.record.text },
			query = { v = "1" },
			ok = { 404 },
		})
		log.info(answer.status, answer.json and answer.json.id or "none")
		local found = http.get("https://api.example.com/people/7").json
		twenty.notes:create { title = found.name }
	end,
}

rule "nightly" {
	cron = "30 2 * * *",
	tz = "Europe/Paris",
	run = function(event) twenty.notes:create { title = "night " .. event.at } end,
}

rule "hourly" {
	every = "1h",
	run = function() log.info "an hour" end,
}
