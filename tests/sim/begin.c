/* SPDX-License-Identifier: MIT */
/*
 * A call that makes others while what waits is put together: none of them goes out before its first
 * step has said what is to be sent.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/sim/rig/sim.h"

static json_t *title(unsigned person, const char *text)
{
	char id[SERVER_ID_N];
	server_id("person", person, id);
	return json_pack("{s:s, s:{s:s}}", "id", id, "data", "jobTitle", text);
}

/* The first change of a record is on the wire, the second waits for it, and behind that is one that
 * makes others. */
Test(sim_begin, what_a_call_makes_as_it_begins_waits_for_its_own_beginning)
{
	struct sim sim;
	struct sim_conf conf = {.people = 8, .latency_ms = 400, .budget = "4/m"};
	struct sim_answer a[3] = {{.done = false}};
	char id[2][SERVER_ID_N];
	cr_assert(sim_open(&sim, &conf));
	server_id("person", 1, id[0]);
	server_id("person", 2, id[1]);
	sim_ask(&sim, &a[0], CLIENT_UPDATE, "people", title(0, "a"), "e/r/1");
	for (int i = 0; i < 200 && sim_count("PATCH", "", 0) == 0; i++)
		sim_sleep(&sim, 10);
	sim_ask(&sim, &a[1], CLIENT_UPDATE, "people", title(0, "b"), "e/r/2");
	sim_ask(&sim, &a[2], CLIENT_UPDATE_MANY, "people",
		json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "list", "id", id[0], "jobTitle", "c",
			"id", id[1], "jobTitle", "d"),
		"e/r/3");
	cr_assert(sim_await(&sim, a, 3, SIM_HOUR_MS));
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(a[i].code, RC_OK, "%d: %s", i, a[i].message);
		sim_answer_done(&a[i]);
	}
	for (size_t i = 0; i < wire_request_n(); i++)
		cr_expect_str_neq(wire_request(i)->target, "");
	sim_close(&sim);
}
