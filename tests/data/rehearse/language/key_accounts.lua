rule "key accounts" {
  on   = "opportunity.updated",
  when = all { changed { stage = { to = "WON" } }, is { amount = { gte = 100000 } } },
  run  = function(event)
    twenty.opportunities:update(event.record.id, { ownerId = "c0000000-0000-4000-8000-000000000001" })
  end,
}
