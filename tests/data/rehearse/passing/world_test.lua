local A, B, C = "a0000000-0000-4000-8000-000000000001", "a0000000-0000-4000-8000-000000000002",
	"a0000000-0000-4000-8000-000000000003"

local function world()
	return {
		people = {
			{ id = A, firstName = "Ann", email = "ann@acme.io", companyId = id "acme", createdAt = "2026-01-01T00:00:00.000Z" },
			{ id = B, firstName = "Bo", email = "bo@acme.io", city = "Nantes", createdAt = "2026-01-02T00:00:00.000Z" },
			{ id = id "gone", firstName = "Cy", email = "cy@gone.example", deletedAt = "2026-01-02T00:00:00.000Z" },
		},
		companies = { { id = id "acme", name = "Acme", domain = "https://www.acme.io" } },
		opportunities = {
			{ stage = "NEW", amount = money(10, "EUR") }, { stage = "NEW", amount = money(20, "EUR") },
			{ stage = "WON", amount = money(5, "EUR") },
		},
		workspaceMembers = { { id = C, userEmail = "tim@apple.dev" } },
		notes = {},
	}
end

for _, what in ipairs { "get", "list", "group", "ensure", "change", "remove", "merge", "task", "member" } do
	test("a Twenty in memory: " .. what) {
		event = event("hook:ask", { what = what }),
		records = world(),
		expect = { outcome = done, runs = 1 },
	}
end
