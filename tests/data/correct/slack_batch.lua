-- SPDX-License-Identifier: MIT
-- Won deals are told in one Slack message for ten minutes.
rule "tell slack of won deals" {
	on = "opportunity.updated",
	when = all { changed { stage = { to = "CUSTOMER" } }, has { "name" } },
	batch = { every = "10m", max = 200 },
	retry = { max = 5 },
	timeout = "1m",
	was = "slack",
	run = function(event)
		local lines = {}
		for i, one in ipairs(event.batch) do
			local number, currency = units(one.record.amount)
			lines[i] = ("* %s (%s)"):format(one.record.name, number and number .. " " .. currency or "no amount")
		end
		local answer = http.post(secret "SLACK_HOOK", {
			json = { text = "Won:\n" .. table.concat(lines, "\n") },
			timeout = "10s",
			ok = { 404 },
		})
		if answer.status == 404 then
			reject "the channel is gone"
		end
	end,
}
