-- SPDX-License-Identifier: MIT
-- A payment on Stripe becomes a deal that is won.
local function customer(invoice)
	local email = text.email(invoice.customer_email)
	if not email then
		skip "no e-mail address"
	end
	local domain = text.domain(email)
	local company
	if domain and not text.is_freemail(domain) then
		company = twenty.companies:ensure({ domain = domain }, { name = invoice.customer_name or domain })
	end
	local person, created = twenty.people:ensure(
		{ email = email },
		{ name = { firstName = text.name(invoice.customer_name) or "" }, companyId = company and company.id }
	)
	if created then
		log.info("a new customer", person.id)
	end
	return person, company
end

rule "stripe payment" {
	on = "hook:stripe",
	when = function(event)
		return event.record.type == "invoice.paid" and event.headers["user-agent"] ~= nil
	end,
	key = function(event)
		return event.record.data.object.customer
	end,
	run = function(event)
		local invoice = event.record.data.object
		local person, company = customer(invoice)
		local deal = twenty.opportunities:create {
			name = "Invoice " .. invoice.number,
			stage = "CUSTOMER",
			amount = money(invoice.amount_paid / 100, invoice.currency:upper()),
			pointOfContactId = person.id,
			companyId = company and company.id,
			closeDate = now(),
		}
		log.info("made the deal", deal.id)
	end,
}
