local KEY_ACCOUNTS = "c0000000-0000-4000-8000-000000000001"

test "a big deal goes to the key account owner" {
  event  = fixture "deal_won",
  api    = { ["opportunities:update"] = function(id, data) return data end },
  expect = { update("opportunities", any_id, { ownerId = KEY_ACCOUNTS }), no_other_writes },
}
