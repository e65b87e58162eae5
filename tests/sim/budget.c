/* SPDX-License-Identifier: MIT */
/*
 * The budget over minutes and hours: what goes out when, who goes first, what is learnt from a
 * server that grants less than it was said to.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/sim/rig/sim.h"

#define CALLS 400
#define BURST 100
#define FREE 2 /* questions that cost no budget: objects and fields, webhooks */
#define INTERVAL_US 600000
#define SECOND_US 1000000

/* n lists, no two of them alike, the i-th in the lane that lane(i) says (NULL: live). */
static struct sim_answer *ask(struct sim *sim, unsigned n, enum client_lane (*lane)(unsigned i))
{
	struct sim_answer *answers = calloc(n, sizeof(*answers));
	cr_assert_not_null(answers);
	for (unsigned i = 0; i < n; i++) {
		struct client_call call = {.op = CLIENT_LIST,
			.object = "people",
			.args = json_pack("{s:{s:o},s:i}", "where", "jobTitle",
				json_sprintf("n %u", i), "limit", 1),
			.name = "list",
			.lane = lane != NULL ? lane(i) : CLIENT_LIVE};
		sim_submit(sim, &answers[i], &call);
	}
	return answers;
}

static void check_all(struct sim_answer *answers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(answers[i].code, RC_OK, "%s", answers[i].message);
		cr_assert_eq(answers[i].times, 1);
		sim_answer_done(&answers[i]);
	}
	free(answers);
}

struct pauses {
	int64_t shortest_us, longest_us;
};

/* Between requests, as the server sees them, from the one before the from-th on. */
static struct pauses pauses(size_t from)
{
	struct pauses p = {INT64_MAX, 0};
	for (size_t i = from; i < wire_request_n(); i++) {
		int64_t us = wire_request(i)->arrived_us - wire_request(i - 1)->arrived_us;
		p.shortest_us = us < p.shortest_us ? us : p.shortest_us;
		p.longest_us = us > p.longest_us ? us : p.longest_us;
	}
	return p;
}

static void spend_a_burst_and_more(const struct sim_conf *conf)
{
	struct sim sim;
	cr_assert(sim_open(&sim, conf));
	struct sim_answer *answers = ask(&sim, CALLS, NULL);
	cr_assert(sim_await(&sim, answers, CALLS, SIM_HOUR_MS));
	cr_assert_eq(sim_count(NULL, "", 429), 0);
	cr_assert_geq(wire_request_n(), CALLS);
	cr_assert_lt(wire_request(BURST - 2)->sent_us - wire_request(0)->sent_us, SECOND_US,
		"what is there may be spent at once");
	struct pauses p = pauses(BURST + FREE + 1);
	cr_assert_geq(p.shortest_us, INTERVAL_US);
	cr_assert_leq(p.longest_us, INTERVAL_US * 5 / 4 + 2000 * conf->jitter_ms);
	check_all(answers, CALLS);
	sim_close(&sim);
}

Test(sim_budget, nothing_is_refused_and_the_pace_is_the_servers)
{
	spend_a_burst_and_more(&(struct sim_conf){.dialect = "core"});
}

Test(sim_budget, nothing_is_refused_where_every_answer_says_what_is_left)
{
	spend_a_burst_and_more(&(struct sim_conf){.dialect = "docs"});
}

Test(sim_budget, nothing_is_refused_where_the_way_takes_now_longer_now_less_long)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		spend_a_burst_and_more(&(struct sim_conf){.seed = seed, .jitter_ms = 40});
}

static enum client_lane backfill_first(unsigned i)
{
	return (enum client_lane)(CLIENT_LANE_N - 1 - i / (CALLS / CLIENT_LANE_N));
}

Test(sim_budget, live_goes_before_retry_before_gap_before_backfill)
{
	struct sim sim;
	cr_assert(sim_open(&sim, &(struct sim_conf){.seed = 1}));
	struct sim_answer *answers = ask(&sim, CALLS, backfill_first);
	cr_assert(sim_await(&sim, answers, CALLS, SIM_HOUR_MS));
	int64_t last_ms = -1; /* of the lane before */
	for (unsigned end = CALLS; end > 0; end -= CALLS / CLIENT_LANE_N) {
		int64_t first_ms = INT64_MAX, lane_ms = 0;
		for (unsigned i = end - CALLS / CLIENT_LANE_N; i < end; i++) {
			first_ms = answers[i].at_ms < first_ms ? answers[i].at_ms : first_ms;
			lane_ms = answers[i].at_ms > lane_ms ? answers[i].at_ms : lane_ms;
		}
		cr_assert_geq(first_ms, last_ms);
		last_ms = lane_ms;
	}
	check_all(answers, CALLS);
	sim_close(&sim);
}

static enum client_lane all_backfill(unsigned i)
{
	(void)i;
	return CLIENT_BACKFILL;
}

Test(sim_budget, a_live_call_overtakes_a_backfill_that_waits_already)
{
	struct sim sim;
	cr_assert(sim_open(&sim, &(struct sim_conf){.seed = 1}));
	struct sim_answer *old = ask(&sim, CALLS, all_backfill);
	sim_sleep(&sim, 10000);
	struct sim_answer *live = ask(&sim, 1, NULL);
	cr_assert(sim_await(&sim, live, 1, 2 * INTERVAL_US / 1000));
	cr_assert(!old[CALLS - 1].done);
	cr_assert(sim_await(&sim, old, CALLS, SIM_HOUR_MS));
	check_all(live, 1);
	check_all(old, CALLS);
	sim_close(&sim);
}

Test(sim_budget, a_call_that_waits_for_hours_is_answered)
{
	struct sim sim;
	cr_assert(sim_open(&sim, &(struct sim_conf){.budget = "6/h"}));
	struct sim_answer *answers = ask(&sim, 30, NULL);
	cr_assert(sim_await(&sim, answers, 30, 6 * SIM_HOUR_MS));
	cr_assert_geq(answers[0].at_ms, SIM_HOUR_MS / 6, "the probe took what there was");
	cr_assert_geq(answers[29].at_ms, 30 * SIM_HOUR_MS / 6);
	check_all(answers, 30);
	sim_close(&sim);
}

Test(sim_budget, a_server_that_grants_less_is_believed)
{
	struct sim sim;
	cr_assert(sim_open(&sim, &(struct sim_conf){.budget = "100/m", .allowance = "50/m"}));
	struct sim_answer *answers = ask(&sim, CALLS, NULL);
	cr_assert(sim_await(&sim, answers, CALLS, SIM_HOUR_MS));
	int64_t first = 0;
	for (size_t i = 0; i < wire_request_n(); i++) {
		const struct wire_request *r = wire_request(i);
		if (r->status == 429 && first == 0)
			first = r->ended_us;
		cr_assert(r->status != 429 || r->sent_us <= first);
	}
	cr_assert_lt(
		sim_count(NULL, "", 429), BURST, "those of the burst that are past the allowance");
	cr_assert_gt(sim_count(NULL, "", 429), 0);
	check_all(answers, CALLS);
	sim_close(&sim);
}
