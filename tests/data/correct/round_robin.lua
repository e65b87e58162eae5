-- SPDX-License-Identifier: MIT
-- New deals without an owner go round among the sellers, in turn, whatever arrives at once.
local sellers = { "tim@apple.dev", "jane.austen@apple.dev", "phil.schiler@apple.dev" }

rule "round robin" {
	on = "opportunity.created",
	when = is { ownerId = { empty = true }, stage = { "NEW", "SCREENING" } },
	key = function()
		return "round robin"
	end,
	concurrency = 1,
	fresh = true,
	run = function(event)
		if event.record.ownerId then
			skip "somebody was faster"
		end
		local turn = kv.incr("turn", 1, "90d")
		local email = sellers[(turn - 1) % #sellers + 1]
		local member = twenty.member(email)
		if member == nil then
			reject("no workspace member has the address " .. email)
		end
		local ok, err = pcall(function()
			return twenty.opportunities:update(
				event.record.id,
				{ ownerId = member.id },
				{ only_if = { ownerId = { empty = true } } }
			)
		end)
		if not ok and err.code ~= "conflict" then
			error(err)
		end
	end,
}
