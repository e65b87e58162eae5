-- What a Twenty answers, tried on the one that tests have.
local A, B, C = "a0000000-0000-4000-8000-000000000001", "a0000000-0000-4000-8000-000000000002",
	"a0000000-0000-4000-8000-000000000003"

local function same(got, wanted)
	if got ~= wanted then error("expected " .. tostring(wanted) .. ", got " .. tostring(got), 2) end
end

local ask = {}

function ask.get()
	local ann = twenty.people:get(A, { depth = 1 })
	same(ann.firstName, "Ann")
	same(ann.email, "ann@acme.io")
	same(ann.company.name, "Acme")
	same(twenty.people:get(A, { fields = { "email" } }).firstName, nil)
	same(twenty.people:get(C), nil)
end

function ask.list()
	local found, page = twenty.people:list { where = { email = { contains = "ACME" } }, order = "-createdAt", limit = 1 }
	same(#found, 1)
	same(found[1].id, B)
	same(page.total, 2)
	local rest = twenty.people:list { where = { email = { contains = "ACME" } }, order = "-createdAt", limit = 1,
		after = page.next }
	same(rest[1].id, A)
	same(#twenty.people:list { where = { id = { A, B } } }, 2)
	same(#twenty.people:list { where = { any = { { firstName = "Ann" }, { firstName = "Bo" } } } }, 2)
	local n = 0
	for _ in twenty.people:each {} do n = n + 1 end
	same(n, 2)
	same(twenty.people:count { where = { firstName = { empty = true } } }, 0)
	same(#twenty.people:list { deleted = "only" }, 1)
	same(#twenty.people:list { deleted = "also" }, 3)
end

function ask.group()
	local rows = twenty.opportunities:group_by { field = "stage", sum = "amount" }
	local sums = {}
	for _, row in ipairs(rows) do sums[row.stage] = row.count .. ":" .. row.sum.amount end
	same(sums.NEW, "2:30")
	same(sums.WON, "1:5")
end

function ask.ensure()
	local acme, made = twenty.companies:ensure({ domain = "acme.io" }, { name = "Another" })
	same(made, false)
	same(acme.name, "Acme")
	local new, made_too = twenty.companies:ensure({ domain = "new.example" }, { name = "New" })
	same(made_too, true)
	same(text.domain(twenty.companies:get(new.id).domain), "new.example")
end

function ask.change()
	local ann = twenty.people:update(A, { lastName = "Lee" })
	same(ann.firstName, "Ann")
	same(ann.lastName, "Lee")
	local ok, err = pcall(function() twenty.people:update(A, { city = "x" }, { only_if = { firstName = "Bo" } }) end)
	same(ok, false)
	same(err.code, "conflict")
	same(#twenty.people:update_where({ email = { contains = "acme" } }, { city = "Paris" }, { max = 5 }), 2)
	same(twenty.people:get(B).city, "Paris")
	ok, err = pcall(function() twenty.people:update_where({ email = { contains = "acme" } }, { city = "x" }, { max = 1 }) end)
	same(ok, false)
	twenty.people:update_many { { id = A, city = "Lyon" }, { id = B, city = "Nice" } }
	same(twenty.people:get(A).city, "Lyon")
	ok, err = pcall(function() twenty.people:update(C, { city = "x" }) end)
	same(err.status, 404)
end

function ask.remove()
	twenty.people:delete(A)
	same(twenty.people:get(A), nil)
	twenty.people:restore(A)
	same(twenty.people:get(A).firstName, "Ann")
	twenty.people:destroy(A)
	same(#twenty.people:list { where = { id = A }, deleted = "also" }, 0)
end

function ask.merge()
	same(#twenty.people:duplicates(A), 0)
	local list = twenty.people:duplicates { { email = "ann@acme.io" }, { email = "nobody@acme.io" } }
	same(list[1][1].id, A)
	same(#list[2], 0)
	local seen = twenty.people:merge { into = A, from = { B }, preview = true }
	same(seen.city, "Nantes")
	same(twenty.people:get(A).city, nil)
	twenty.people:merge { into = A, from = { B } }
	same(twenty.people:get(A).city, "Nantes")
	same(twenty.people:get(B), nil)
end

function ask.task()
	local task = twenty.tasks:create { title = "Call", about = { person = A } }
	local target = twenty.taskTargets:list { where = { taskId = task.id } }
	same(target[1].targetPersonId, A)
	same(#twenty.notes:create_many { { title = "one" }, { title = "two" } }, 2)
	same(twenty.notes:count(), 2)
end

function ask.member()
	same(twenty.member("Tim@apple.dev").id, C)
	same(twenty.member("nobody@apple.dev"), nil)
end

rule "ask the world" {
	on = "hook:ask",
	run = function(event) ask[event.record.what]() end,
}
