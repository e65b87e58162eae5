test "of a rule that cannot be loaded" {
	event = event("person.created", {}),
	expect = { outcome = done },
}
