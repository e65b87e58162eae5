-- SPDX-License-Identifier: MIT
--
-- Which people are one, and how they become one record. Shared by dedupe_on_ingest.lua and dedupe_nightly.lua.
--
-- Twenty finds candidates by equal name, LinkedIn profile or e-mail address. An equal name alone proves
-- nothing, so two records are one person only where the mailbox is the same too: equal after folding case and
-- dropping a "+tag". Never by an empty address, nor by one that several people share (info@, sales@ ..), nor
-- where both records have different names: they are then two people at one address.

local duplicates = {}

local shared = {
	accounting = true, admin = true, billing = true, careers = true, contact = true, hello = true,
	help = true, hr = true, info = true, invoices = true, jobs = true, mail = true, marketing = true,
	noreply = true, ["no-reply"] = true, office = true, orders = true, press = true, sales = true,
	service = true, support = true, team = true, webmaster = true,
}

-- The mailbox behind an address: "Ann.Lee+crm@Acme.io" -> "ann.lee@acme.io"; nil for none, or a shared one.
function duplicates.mailbox(address)
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

function duplicates.same(a, b)
	local box = duplicates.mailbox(a.email)
	if not box or box ~= duplicates.mailbox(b.email) then
		return false
	end
	local name_a, name_b = full_name(a):lower(), full_name(b):lower()
	return name_a == name_b or name_a == "" or name_b == ""
end

-- The person and those of the candidates that are the same one, the oldest first: other systems are the most
-- likely to know its id. nil where there is none.
function duplicates.of(person, candidates)
	local same = { person }
	for _, candidate in ipairs(candidates) do
		if candidate.id ~= person.id and duplicates.same(person, candidate) then
			same[#same + 1] = candidate
		end
	end
	if #same == 1 then
		return nil
	end
	table.sort(same, function(a, b)
		if a.createdAt ~= b.createdAt then
			return a.createdAt < b.createdAt
		end
		return a.id < b.id
	end)
	return same
end

-- Merges what duplicates.of answered into its first. Empty fields of that one are filled from the others by
-- Twenty's merge; the others are destroyed, which cannot be undone. preview: nothing is written, the journal of the
-- run has the record that would come of it; a server of the documented dialect cannot say that.
function duplicates.merge(same, preview)
	local from = {}
	for i = 2, #same do
		from[#from + 1] = same[i].id
	end
	local ok, err = pcall(function()
		twenty.people:merge { into = same[1].id, from = from, preview = preview }
	end)
	if not ok and not (preview and err.code == "unsupported") then
		error(err)
	end
	log.info((preview and "would merge " or "merged ") .. #from .. " into " .. same[1].id)
end

return duplicates
