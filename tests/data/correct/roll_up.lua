-- SPDX-License-Identifier: MIT
-- The sum of a company's open deals stands in the company itself.
local OPEN <const> = { "NEW", "SCREENING", "MEETING", "PROPOSAL" }

local function total_of(company)
	local total, currency = 0, nil
	for deal in twenty.opportunities:each {
		where = { companyId = need(company, "company"), stage = OPEN },
		fields = { "amount", "stage" },
	} do
		local number, code = units(deal.amount)
		if not number then goto next end
		if currency and currency ~= code then
			reject "deals in several currencies"
		end
		currency = code
		total = total + number
		::next::
	end
	return total, currency or "EUR"
end

rule "roll up" {
	on = { "opportunity.*" },
	when = any { changed { "amount", "stage" }, changed "company" },
	settle = "20s",
	max_settle = "5m",
	key = "companyId",
	run = function(event)
		local deal, before = event.record, event.before
		local seen = {}
		for _, company in ipairs { deal.companyId, before and before.companyId } do
			if company and not seen[company] then
				seen[company] = true
				local total, currency = total_of(company)
				twenty.companies:update(company, { annualRevenue = money(total, currency) })
			end
		end
	end,
}

rule "pipeline every morning" {
	cron = "0 8 * * mon-fri",
	tz = "Europe/Paris",
	lane = "background",
	run = function()
		local rows = twenty.opportunities:group_by {
			field = "stage",
			sum = "amount",
			where = { createdAt = { gte = ago "90d" }, none = { { stage = "CUSTOMER" } } },
		}
		local lines = {}
		for _, row in ipairs(rows) do
			lines[#lines + 1] = ("%s: %d deals, %.2f"):format(row.stage or "-", row.count, row.sum.amount or 0)
		end
		log.info(table.concat(lines, "\n"))
	end,
}
