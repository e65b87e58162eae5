/* SPDX-License-Identifier: MIT */
/*
 * Twenty is away for an hour: what is asked of it meanwhile, and what becomes of the calls.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/rig/sim.h"

#define CALLS 300
#define AWAY_FROM_MS 20000
#define AWAY_UNTIL_MS (AWAY_FROM_MS + SIM_HOUR_MS)

struct outage {
	struct sim sim;
	struct wire_verdict verdict; /* of every request while it is away */
	int met;                     /* requests that met it */
};

static struct wire_verdict away(void *ctx, const struct wire_request *request)
{
	struct outage *o = ctx;
	int64_t now_ms = sim_now_ms(&o->sim);
	(void)request;
	if (now_ms < AWAY_FROM_MS || now_ms >= AWAY_UNTIL_MS)
		return (struct wire_verdict){.fate = WIRE_PASS};
	o->met++;
	return o->verdict;
}

/* Updates of CALLS people, most of which still wait when Twenty goes away. */
static void live_through(const struct wire_verdict *verdict)
{
	struct outage o = {.verdict = *verdict};
	struct sim_conf conf = {.people = CALLS, .before = away, .ctx = &o};
	struct sim_answer *answers = calloc(CALLS, sizeof(*answers));
	cr_assert_not_null(answers);
	cr_assert(sim_open(&o.sim, &conf));
	for (unsigned i = 0; i < CALLS; i++) {
		char id[SERVER_ID_N];
		server_id("person", i, id);
		sim_ask(&o.sim, &answers[i], CLIENT_UPDATE, "people",
			json_pack("{s:s,s:{s:o}}", "id", id, "data", "jobTitle",
				json_sprintf("n %u", i)),
			"event/rule/1");
		if (i == CALLS / 2)
			sim_sleep(&o.sim, AWAY_FROM_MS + SIM_HOUR_MS / 2);
	}
	cr_assert(sim_await(&o.sim, answers, CALLS, 2 * SIM_HOUR_MS));
	for (unsigned i = 0; i < CALLS; i++) {
		char id[SERVER_ID_N], want[16];
		server_id("person", i, id);
		snprintf(want, sizeof(want), "n %u", i);
		cr_assert_eq(answers[i].code, RC_OK, "%u: %s", i, answers[i].message);
		const json_t *record = server_record(o.sim.server, "people", id);
		cr_assert_str_eq(json_string_value(json_object_get(record, "jobTitle")), want);
		sim_answer_done(&answers[i]);
	}
	/* a probe each half a minute at the rarest, two at the most often, and a few before */
	cr_assert_geq(o.met, (int)(SIM_HOUR_MS / 30000) / 2);
	cr_assert_leq(o.met, (int)(SIM_HOUR_MS / 15000) + 20);
	cr_assert_eq(sim_count(NULL, "", 429), 0);
	free(answers);
	sim_close(&o.sim);
}

Test(sim_outage, an_hour_without_connections_costs_no_call)
{
	live_through(&(struct wire_verdict){.fate = WIRE_UNSENT});
}

Test(sim_outage, an_hour_of_broken_connections_costs_no_call)
{
	live_through(&(struct wire_verdict){.fate = WIRE_BREAK_BEFORE});
}

Test(sim_outage, an_hour_of_errors_costs_no_call)
{
	live_through(&(struct wire_verdict){.fate = WIRE_ANSWER,
		.status = 503,
		.body = "{\"statusCode\":503,\"messages\":[\"away\"]}"});
}
