/* SPDX-License-Identifier: MIT */
/*
 * Different changes of many records at a budget whose turns are longer than the time for which a
 * record counts as read alive.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/rig/sim.h"

#define CHANGES 12
#define BURST 10

static void heard(void *ctx, const char *name, const json_t *body)
{
	struct sim *sim = ctx;
	const struct client_event event = {.object = "person",
		.record = json_object_get(body, "record"),
		.fields = json_object_get(body, "updatedFields")};
	(void)name;
	client_heard(sim->client, &event);
}

Test(sim_upsert_slow, goes_out_however_slow_the_budget_is)
{
	struct sim sim;
	struct sim_answer spent[BURST] = {{0}}, answers[CHANGES] = {{0}};
	const struct sim_conf conf = {.budget = "10/m",
		.allowance = "10/m",
		.people = CHANGES,
		.event = heard,
		.ctx = &sim};
	cr_assert(sim_open(&sim, &conf));
	for (int i = 0; i < BURST; i++)
		sim_ask(&sim, &spent[i], CLIENT_LIST, "people",
			json_pack("{s:{s:o}}", "where", "jobTitle", json_sprintf("n %d", i)),
			"spend");
	for (unsigned i = 0; i < CHANGES; i++) {
		char id[SERVER_ID_N];
		server_id("person", i, id);
		sim_ask(&sim, &answers[i], CLIENT_UPDATE, "people",
			json_pack("{s:s, s:{s:o}}", "id", id, "data", "jobTitle",
				json_sprintf("own %u", i)),
			"own");
	}
	cr_assert(sim_await(&sim, spent, BURST, SIM_HOUR_MS));
	cr_expect(sim_await(&sim, answers, CHANGES, 120000));
	cr_expect_eq(sim_count("POST", "upsert=true", 201), 1);
	cr_expect_leq(sim_count("GET", "id%5Bin%5D", 200), 2);
	cr_expect_leq(sim_count("PATCH", "", 0), 2, "one by one only while nothing waits");
	for (int i = 0; i < BURST; i++)
		sim_answer_done(&spent[i]);
	for (int i = 0; i < CHANGES; i++) {
		cr_expect_eq(answers[i].code, RC_OK, "%s", answers[i].message);
		sim_answer_done(&answers[i]);
	}
	sim_close(&sim);
}
