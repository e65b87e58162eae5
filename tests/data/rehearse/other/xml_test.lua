test "two things <&>" {
	event = event("opportunity.updated", {}),
	expect = { update("opportunities", any_id, { note = "another" }) },
}
