local sla = { SCREENING = "2d", MEETING = "5d", PROPOSAL = "7d" }

rule "start sla" {
  on   = { "opportunity.created", "opportunity.updated" },
  when = changed "stage",
  run  = function(event)
    local limit = sla[event.record.stage]
    if limit then after(limit, "sla breached") else cancel "sla breached" end
  end,
}

rule "sla breached" {
  on  = "timer",
  run = function(event)
    local deal = event.record
    twenty.tasks:create { title = "SLA missed: " .. deal.name, assigneeId = deal.ownerId, about = { opportunity = deal.id } }
  end,
}
