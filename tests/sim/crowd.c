/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand calls that wait: what they weigh, and how long the loop stands still while those
 * that go together are looked for.
 */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/sim/rig/sim.h"

#define CROWD 10000
#define MIX 3000
#define BYTES_MAX 20000

struct crowd {
	struct sim sim;
	struct sim_answer *answers;
	unsigned n;
	size_t done;
	clock_t last, longest;
};

static bool all_done(void *ctx)
{
	struct crowd *c = ctx;
	clock_t now = clock();
	if (c->last != 0 && now - c->last > c->longest)
		c->longest = now - c->last;
	while (c->done < c->n && c->answers[c->done].done)
		c->done++;
	c->last = clock();
	return c->done == c->n;
}

enum what { GETS, SAME_UPDATES, UPDATES, LISTS, ALL };

static void ask(struct crowd *c, unsigned i, enum what what)
{
	char id[SERVER_ID_N];
	enum what one = what == ALL ? (enum what)(i % ALL) : what;
	server_id("person", i, id);
	if (one == GETS)
		sim_ask(&c->sim, &c->answers[i], CLIENT_GET, "people", json_pack("{s:s}", "id", id),
			"event/rule/1");
	else if (one == LISTS)
		sim_ask(&c->sim, &c->answers[i], CLIENT_LIST, "people",
			json_pack("{s:{s:o},s:i}", "where", "jobTitle", json_sprintf("n %u", i),
				"limit", 1),
			"event/rule/1");
	else
		sim_ask(&c->sim, &c->answers[i], CLIENT_UPDATE, "people",
			json_pack("{s:s,s:{s:o}}", "id", id, "data", "jobTitle",
				json_sprintf("n %u", one == UPDATES ? i : 1)),
			"event/rule/1");
}

static size_t bytes(void)
{
	struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
}

static void crowd(const char *name, enum what what)
{
	unsigned n = what == ALL ? MIX : CROWD; /* each request looks through all that wait */
	struct crowd c = {.n = n, .answers = calloc(n, sizeof(struct sim_answer))};
	/* what goes together is done at once with a usual budget */
	const char *budget = what == ALL ? "100/m" : "10/m";
	struct sim_conf conf = {.people = n, .budget = budget, .allowance = budget};
	cr_assert_not_null(c.answers);
	cr_assert(sim_open(&c.sim, &conf));
	sim_sleep(&c.sim, 5000);
	size_t had = bytes();
	for (unsigned i = 0; i < n; i++)
		ask(&c, i, what);
	cr_assert(!sim_until(&c.sim, all_done, &c, 100)); /* begun, and shared */
	size_t each = (bytes() - had) / n;
	cr_assert(sim_until(&c.sim, all_done, &c, 4 * SIM_HOUR_MS));
	double ms = (double)c.longest * 1000 / CLOCKS_PER_SEC;
	fprintf(stderr, "%u %s: %zu bytes each, longest turn %.0f ms, %zu requests\n", n, name,
		each, ms, wire_request_n());
	cr_assert_leq(each, BYTES_MAX);
	sim_close(&c.sim);
	for (unsigned i = 0; i < n; i++)
		sim_answer_done(&c.answers[i]);
	free(c.answers);
}

Test(sim_crowd, ten_thousand_gets_wait_lightly)
{
	crowd("gets", GETS);
}

Test(sim_crowd, ten_thousand_like_changes_wait_lightly)
{
	crowd("like changes", SAME_UPDATES);
}

Test(sim_crowd, hundreds_of_each_wait_lightly)
{
	crowd("of all kinds", ALL);
}
