test "a" {
	evnt = 1,
	expect = {},
}
