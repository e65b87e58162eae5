test "most of it" {
	event = event("hook:cover", { go = true }),
	expect = { outcome = done, logs = { "a", "b", "lon" } },
}

test "or none" {
	event = event("hook:cover", { go = false }),
	expect = { runs = 0 },
}
