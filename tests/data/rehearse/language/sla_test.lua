local DEAL, OWNER = id "deal", id "owner"

local function deal(stage)
  return { id = DEAL, name = "Fleet", ownerId = OWNER, stage = stage }
end

test "a deal that stays in its stage for too long is a task of its owner" {
  event  = event("opportunity.created", deal "MEETING"),
  expect = {
    after("5d", "sla breached"),
    at("5d", create("tasks", { title = "SLA missed: Fleet", assigneeId = OWNER, about = { opportunity = DEAL } })),
    no_other_writes,
  },
}

test "one that gets ahead in time is none" {
  events = {
    event("opportunity.created", deal "MEETING"),
    at("4d", event("opportunity.updated", deal "CUSTOMER", { fields = { "stage" } })),
  },
  expect = { after("5d", "sla breached"), at("4d", cancel "sla breached"), no_other_writes },
}
