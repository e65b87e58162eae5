/* SPDX-License-Identifier: MIT */
/*
 * A rule that writes a field which the workspace does not have: each run is told so, and the budget
 * is not spent on it.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/rig/sim.h"

#define CALLS 300

static void write_unknown(struct sim *sim, struct sim_answer *answers)
{
	for (unsigned i = 0; i < CALLS; i++) {
		char id[SERVER_ID_N];
		server_id("person", i, id);
		sim_ask(sim, &answers[i], CLIENT_UPDATE, "people",
			json_pack("{s:s,s:{s:o}}", "id", id, "data", "jobTitel",
				json_sprintf("n %u", i)),
			"event/rule/1");
	}
	cr_assert(sim_await(sim, answers, CALLS, SIM_HOUR_MS));
	for (unsigned i = 0; i < CALLS; i++) {
		cr_assert_eq(answers[i].code, RC_REJECTED, "%u: %s", i, answers[i].message);
		cr_assert_not_null(
			strstr(answers[i].message, "\"jobTitel\""), "%s", answers[i].message);
		cr_assert_not_null(strstr(answers[i].message, "did you mean jobTitle"), "%s",
			answers[i].message);
		sim_answer_done(&answers[i]);
	}
	memset(answers, 0, CALLS * sizeof(*answers));
}

Test(sim_lacks, an_unknown_field_is_refused_by_the_server_once_and_asked_for_again_later)
{
	struct sim sim;
	struct sim_answer *answers = calloc(CALLS, sizeof(*answers));
	cr_assert_not_null(answers);
	cr_assert(sim_open(&sim, &(struct sim_conf){.people = CALLS}));
	write_unknown(&sim, answers);
	int first = sim_count("PATCH", "", 400);
	cr_assert_leq(first, 200, "a burst of 100, each begun anew once, at most: %d", first);
	write_unknown(&sim, answers);
	cr_assert_eq(sim_count("PATCH", "", 400), first, "it is remembered");
	sim_sleep(&sim, 60000);
	write_unknown(&sim, answers);
	cr_assert_gt(sim_count("PATCH", "", 400), first, "it may have been made since");
	free(answers);
	sim_close(&sim);
}

Test(sim_lacks, other_fields_of_the_object_go_on)
{
	struct sim sim;
	struct sim_answer *answers = calloc(CALLS, sizeof(*answers)), good = {0};
	char id[SERVER_ID_N];
	cr_assert_not_null(answers);
	cr_assert(sim_open(&sim, &(struct sim_conf){.people = CALLS}));
	write_unknown(&sim, answers);
	server_id("person", 0, id);
	sim_ask(&sim, &good, CLIENT_UPDATE, "people",
		json_pack("{s:s,s:{s:s}}", "id", id, "data", "jobTitle", "CEO"), "event/rule/2");
	cr_assert(sim_await(&sim, &good, 1, SIM_HOUR_MS));
	cr_assert_eq(good.code, RC_OK, "%s", good.message);
	sim_answer_done(&good);
	free(answers);
	sim_close(&sim);
}
