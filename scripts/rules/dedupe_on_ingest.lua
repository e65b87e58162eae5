-- SPDX-License-Identifier: MIT
--
-- Dedupe on ingest: a person who arrives twice becomes one record again.
--
-- Twenty finds candidates by equal name, LinkedIn profile or e-mail address. An equal name alone proves
-- nothing, so this rule merges only where the mailbox is the same too: equal after folding case and
-- dropping a "+tag". It never merges on an empty address, nor on one that several people share
-- (info@, sales@ ..), nor where both records have different names: they are then two people at one address.
--
-- The oldest record survives: other systems are the most likely to know its id. Empty fields of the
-- survivor are filled from the others by Twenty's merge; the others are destroyed, which cannot be undone. Run it
-- with preview = true first and read what it would have done in `moonhook runs show`; `make run` begins with such
-- a copy where the Twenty is yours. A server of the documented dialect cannot try a merge out: the run then fails.

local preview = false

local shared = {
	accounting = true, admin = true, billing = true, careers = true, contact = true, hello = true,
	help = true, hr = true, info = true, invoices = true, jobs = true, mail = true, marketing = true,
	noreply = true, ["no-reply"] = true, office = true, orders = true, press = true, sales = true,
	service = true, support = true, team = true, webmaster = true,
}

-- The mailbox behind an address: "Ann.Lee+crm@Acme.io" -> "ann.lee@acme.io"; nil for none, or a shared one.
local function mailbox(address)
	local email = text.email(address)
	if not email then
		return nil
	end
	local user, host = email:match "^([^@+]+)[^@]*@(.+)$"
	if not user or shared[user] then
		return nil
	end
	return user .. "@" .. host
end

local function full_name(person)
	return text.name((person.firstName or "") .. " " .. (person.lastName or "")) or ""
end

local function same_person(a, b)
	local box = mailbox(a.email)
	if not box or box ~= mailbox(b.email) then
		return false
	end
	local name_a, name_b = full_name(a):lower(), full_name(b):lower()
	return name_a == name_b or name_a == "" or name_b == ""
end

rule "dedupe on ingest" {
	on = "person.created",

	-- Two copies that arrive together must not be merged into each other at the same time.
	key = function(event)
		return mailbox(event.record.email)
	end,

	run = function(event)
		if not mailbox(event.record.email) then
			skip "no e-mail address of its own"
		end
		local id = event.record.id
		local person, candidates = parallel(
			function() return twenty.people:get(id) end,
			function() return twenty.people:duplicates(id) end
		)
		if not person then
			skip "the person is gone"
		end

		local same = { person }
		for _, candidate in ipairs(candidates) do
			if candidate.id ~= person.id and same_person(person, candidate) then
				same[#same + 1] = candidate
			end
		end
		if #same == 1 then
			skip "no duplicate"
		end

		table.sort(same, function(a, b)
			if a.createdAt ~= b.createdAt then
				return a.createdAt < b.createdAt
			end
			return a.id < b.id
		end)
		local survivor, from = table.remove(same, 1), {}
		for _, other in ipairs(same) do
			from[#from + 1] = other.id
		end
		twenty.people:merge { into = survivor.id, from = from, preview = preview }
		log.info((preview and "would merge " or "merged ") .. #from .. " into " .. survivor.id)
	end,
}
