-- What a head says of how a rule runs; and a module.
local greet = use "greet"

rule "watched" {
	on = "person.updated",
	mode = "shadow",
	run = function(event) twenty.people:update(event.record.id, { city = "Rome" }) end,
}

rule "erased" {
	on = "person.deleted",
	run = function(event) twenty.people:erase(event.record.id) end,
}

rule "few" {
	on = "person.created",
	max_writes = "2/h",
	run = function(event) twenty.people:update(event.record.id, { city = "Rome" }) end,
}

rule "greeted" {
	on = "company.created",
	fresh = true,
	run = function(event) log.info(greet.text(event.record.name)) end,
}
