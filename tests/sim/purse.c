/* SPDX-License-Identifier: MIT */
/*
 * One budget for several clients: what goes out together, who gets what, and what happens when one
 * of them, the table or its clock fails.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/rig/crew.h"

#define CLIENTS 5
#define MOST_A_MINUTE 101 /* of 100: one per cent more */
#define MINUTE_MS 60000
#define MINUTE_US INT64_C(60000000)

struct batch { /* calls of one client, no two of them alike */
	struct sim_answer *answers;
	unsigned n;
};

static struct batch ask(struct crew *crew, unsigned client, unsigned n, enum client_lane lane)
{
	struct batch b = {calloc(n, sizeof(*b.answers)), n};
	cr_assert_not_null(b.answers);
	for (unsigned i = 0; i < n; i++) {
		struct client_call call = {.op = CLIENT_LIST,
			.object = "people",
			.args = json_pack("{s:{s:o},s:i}", "where", "jobTitle",
				json_sprintf("%d of %u: %u", (int)lane, client, i), "limit", 1),
			.name = "list",
			.lane = lane};
		crew_submit(crew, client, &b.answers[i], &call);
	}
	return b;
}

static unsigned done_n(const struct batch *b)
{
	unsigned n = 0;
	for (unsigned i = 0; i < b->n; i++)
		n += b->answers[i].done && b->answers[i].code == RC_OK;
	return n;
}

static void batch_done(struct batch *b)
{
	for (unsigned i = 0; i < b->n; i++)
		sim_answer_done(&b->answers[i]);
	free(b->answers);
}

static bool busy_open(struct crew *crew, const struct sim_conf *conf, struct batch *batches)
{
	bool ok = crew_open(crew, conf, CLIENTS);
	for (unsigned i = 0; ok && i < CLIENTS; i++)
		batches[i] = ask(crew, i, 2000, CLIENT_LIVE);
	return ok;
}

static void busy_close(struct crew *crew, struct batch *batches)
{
	crew_close(crew);
	for (unsigned i = 0; i < CLIENTS; i++)
		batch_done(&batches[i]);
}

static int sent_between(int64_t from_us, int64_t until_us)
{
	int n = 0;
	for (size_t i = 0; i < wire_request_n(); i++)
		n += wire_request(i)->sent_us >= from_us && wire_request(i)->sent_us < until_us;
	return n;
}

static void keep_to_the_budget(const struct sim_conf *conf, int64_t ahead_ms)
{
	struct crew crew;
	struct batch batches[CLIENTS];
	cr_assert(busy_open(&crew, conf, batches));
	crew.ahead_ms = ahead_ms;
	sim_sleep(&crew.sim, 10 * MINUTE_MS);
	int most = crew_most_a_minute(0);
	cr_assert_leq(most, MOST_A_MINUTE);
	cr_assert_eq(sim_count(NULL, "", 429), 0);
	cr_assert_geq(
		wire_request_n(), 850, "as fast as one client, which has to wait for answers");
	for (unsigned i = 0; i < CLIENTS; i++)
		cr_assert(done_n(&batches[i]) > 150 && done_n(&batches[i]) < 220, "client %u: %u",
			i, done_n(&batches[i]));
	if (conf->seed <= 1)
		printf("five clients: %zu requests in 10 minutes, at most %d in any minute, %d "
		       "refused; "
		       "%d changes of the purse, %d too late\n",
			wire_request_n(), most, sim_count(NULL, "", 429), crew.swaps, crew.misses);
	busy_close(&crew, batches);
}

Test(sim_purse, five_clients_keep_to_one_budget_in_any_minute_and_share_it_evenly)
{
	keep_to_the_budget(&(struct sim_conf){.seed = 1}, 1795424400000);
}

Test(sim_purse, the_same_where_every_answer_says_what_is_left)
{
	keep_to_the_budget(&(struct sim_conf){.dialect = "docs", .seed = 2}, 1795424400000);
}

Test(sim_purse, the_same_where_the_way_takes_now_longer_now_less_long)
{
	for (uint64_t seed = 2; seed < 6; seed++)
		keep_to_the_budget(
			&(struct sim_conf){.seed = seed, .jitter_ms = 40}, 1795424400000);
}

Test(sim_purse, the_same_by_a_clock_that_has_nothing_to_do_with_ours)
{
	keep_to_the_budget(&(struct sim_conf){.seed = 6}, 4711);
}

Test(sim_purse, clients_that_want_nothing_leave_all_of_it_to_the_others)
{
	struct crew crew;
	cr_assert(crew_open(&crew, &(struct sim_conf){.seed = 1}, CLIENTS));
	struct batch b = ask(&crew, 0, 2000, CLIENT_LIVE);
	sim_sleep(&crew.sim, 10 * MINUTE_MS);
	cr_assert_geq(done_n(&b), 850);
	cr_assert_leq(crew_most_a_minute(0), MOST_A_MINUTE);
	crew_close(&crew);
	batch_done(&b);
}

Test(sim_purse, what_a_rest_has_left_may_be_spent_at_once)
{
	struct crew crew;
	cr_assert(crew_open(&crew, &(struct sim_conf){.seed = 1}, CLIENTS));
	sim_sleep(&crew.sim, 2 * MINUTE_MS);
	int64_t from_ms = sim_now_ms(&crew.sim);
	struct batch b = ask(&crew, 3, 40, CLIENT_LIVE);
	cr_assert(sim_await(&crew.sim, b.answers, b.n, 1000));
	cr_assert_lt(sim_now_ms(&crew.sim) - from_ms, 500);
	crew_close(&crew);
	batch_done(&b);
}

Test(sim_purse, a_client_that_dies_costs_the_others_less_than_two_seconds)
{
	struct crew crew;
	struct batch batches[CLIENTS];
	cr_assert(busy_open(&crew, &(struct sim_conf){.seed = 1}, batches));
	sim_sleep(&crew.sim, 5 * MINUTE_MS);
	for (unsigned i = 0; i < 4; i++) {
		int64_t before = sent_between(crew.sim.begun_us + 4 * MINUTE_US, INT64_MAX);
		int64_t from_us = crew.sim.begun_us + sim_now_ms(&crew.sim) * 1000;
		cr_assert_gt(before, 0);
		crew_kill(&crew, i);
		sim_sleep(&crew.sim, 2000);
		cr_assert_gt(sent_between(from_us, INT64_MAX), 0);
		sim_sleep(&crew.sim, MINUTE_MS - 2000);
		cr_assert_geq(sent_between(from_us, INT64_MAX), 85);
	}
	cr_assert_leq(crew_most_a_minute(0), MOST_A_MINUTE);
	cr_assert_eq(sim_count(NULL, "", 429), 0);
	busy_close(&crew, batches);
}

Test(sim_purse, without_a_place_nothing_goes_however_long_the_table_is_silent)
{
	struct crew crew;
	struct batch batches[CLIENTS];
	cr_assert(busy_open(&crew, &(struct sim_conf){.seed = 1}, batches));
	sim_sleep(&crew.sim, 3 * MINUTE_MS);
	crew.silent = true;
	sim_sleep(&crew.sim, 2000); /* for places that were given before */
	size_t sent = wire_request_n();
	sim_sleep(&crew.sim, 5 * MINUTE_MS);
	cr_assert_eq(wire_request_n(), sent);
	crew_answer(&crew);
	sim_sleep(&crew.sim, MINUTE_MS);
	cr_assert_geq(wire_request_n(), sent + 80);
	cr_assert_leq(crew_most_a_minute(0), MOST_A_MINUTE);
	cr_assert_eq(sim_count(NULL, "", 429), 0);
	busy_close(&crew, batches);
}

Test(sim_purse, a_purse_that_is_lost_is_begun_anew_within_the_budget)
{
	struct crew crew;
	struct batch batches[CLIENTS];
	cr_assert(busy_open(&crew, &(struct sim_conf){.seed = 1}, batches));
	for (int i = 0; i < 5; i++) {
		sim_sleep(&crew.sim, 3 * MINUTE_MS);
		size_t sent = wire_request_n();
		crew_lose(&crew);
		sim_sleep(&crew.sim, MINUTE_MS);
		cr_assert_geq(wire_request_n(), sent + 40);
	}
	cr_assert_leq(crew_most_a_minute(0), MOST_A_MINUTE);
	cr_assert_eq(sim_count(NULL, "", 429), 0);
	busy_close(&crew, batches);
}

Test(sim_purse, a_clock_that_is_set_stops_nobody)
{
	static const int64_t steps_ms[] = {-3600000, 40, -250, 3600000, -86400000};
	struct crew crew;
	struct batch batches[CLIENTS];
	cr_assert(busy_open(&crew, &(struct sim_conf){.seed = 1}, batches));
	for (size_t i = 0; i < ARRAY_N(steps_ms); i++) {
		sim_sleep(&crew.sim, 2 * MINUTE_MS);
		size_t sent = wire_request_n();
		crew.ahead_ms += steps_ms[i];
		sim_sleep(&crew.sim, 2 * MINUTE_MS);
		cr_assert_geq(wire_request_n(), sent + 100, "step %zu", i);
	}
	busy_close(&crew, batches);
}

Test(sim_purse, what_one_was_refused_for_holds_for_all)
{
	struct crew crew;
	struct batch batches[CLIENTS];
	cr_assert(busy_open(&crew,
		&(struct sim_conf){.budget = "200/m", .allowance = "50/m", .seed = 1}, batches));
	sim_sleep(&crew.sim, 10 * MINUTE_MS);
	int64_t first_us = INT64_MAX;
	for (size_t i = 0; i < wire_request_n(); i++)
		if (wire_request(i)->status == 429 && wire_request(i)->ended_us < first_us)
			first_us = wire_request(i)->ended_us;
	int late = 0;
	for (size_t i = 0; i < wire_request_n(); i++)
		late += wire_request(i)->status == 429 &&
			wire_request(i)->sent_us > first_us + 1000000;
	cr_assert_gt(sim_count(NULL, "", 429), 0);
	cr_assert_lt(sim_count(NULL, "", 429), 100);
	cr_assert_eq(late, 0, "a second after the first refusal all know the limit");
	cr_assert_geq(wire_request_n(), 400);
	busy_close(&crew, batches);
}

Test(sim_purse, a_live_call_of_one_goes_before_the_backfills_of_others)
{
	struct crew crew;
	struct batch batches[CLIENTS];
	cr_assert(crew_open(&crew, &(struct sim_conf){.seed = 1}, CLIENTS));
	for (unsigned i = 1; i < CLIENTS; i++)
		batches[i] = ask(&crew, i, 1000, CLIENT_BACKFILL);
	batches[0] = (struct batch){NULL, 0};
	sim_sleep(&crew.sim, 3 * MINUTE_MS);
	for (int i = 0; i < 5; i++) {
		struct batch live = ask(&crew, 0, 1, CLIENT_LIVE);
		cr_assert(sim_await(&crew.sim, live.answers, 1, 2000));
		batch_done(&live);
		sim_sleep(&crew.sim, 3000);
	}
	busy_close(&crew, batches);
}
