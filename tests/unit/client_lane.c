/* SPDX-License-Identifier: MIT */
/* Who goes first where the budget is short: fresh calls before repeated ones. */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/client_rig.h"

static void on_done(void *ctx, const struct client_answer *answer)
{
	cr_expect_eq(answer->code, RC_OK, "%s", answer->message);
	*(bool *)ctx = true;
}

static bool is_done(void *done)
{
	return *(bool *)done;
}

/* 120 at once, then one each 0.5 s; the probe and the schema take two. */
Test(client_lane, a_repeated_run_waits_for_the_fresh_ones, .timeout = 60)
{
	static struct rig_answer fresh[120];
	struct rig rig;
	bool done = false;
	json_t *args = json_object();
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core",
					 .twin_args = "--budget none",
					 .budget = "120/m",
					 .settings = "coalesce = false"}));
	const struct client_call repeated = {.op = CLIENT_LIST,
		.object = "people",
		.args = args,
		.name = "r",
		.lane = CLIENT_RETRY,
		.done = on_done,
		.ctx = &done};
	uint64_t ticket;
	cr_assert_eq(client_submit(rig.client, &repeated, &ticket, &rig.err), RC_OK);
	for (size_t i = 0; i < ARRAY_N(fresh); i++)
		rig_submit(&rig, &fresh[i], CLIENT_LIST, "people", json_object(), "k");
	cr_assert(rig_await(&rig, fresh, ARRAY_N(fresh), 30000));
	cr_expect_not(done, "it came first, but its turn comes last");
	cr_assert(rig_until(&rig, is_done, &done, 30000));
	for (size_t i = 0; i < ARRAY_N(fresh); i++)
		rig_answer_done(&fresh[i]);
	json_decref(args);
	rig_close(&rig);
}
