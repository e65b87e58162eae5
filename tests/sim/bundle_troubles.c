/* SPDX-License-Identifier: MIT */
/*
 * Bundles that meet trouble: a limit, a broken connection, a server that is away, a row that breaks
 * the server, calls that are cancelled, a client that is closed.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/rig/sim.h"

#define N 60

struct scene {
	struct sim sim;
	struct sim_conf conf;
	const char *target; /* of requests that the verdict strikes */
	const char *poison; /* only where this is in their body; NULL: any */
	int strikes;        /* how many more; < 0: all */
	int64_t away_ms[2]; /* from, until: every request is struck */
	struct wire_verdict verdict;
	struct sim_answer spent[100], a[N * 3];
	size_t records_n;
};

static struct wire_verdict before(void *ctx, const struct wire_request *r)
{
	struct scene *s = ctx;
	int64_t now_ms = sim_now_ms(&s->sim);
	bool away = now_ms >= s->away_ms[0] && now_ms < s->away_ms[1];
	bool hit = s->strikes != 0 && s->target != NULL && strstr(r->target, s->target) != NULL &&
		   (s->poison == NULL || (r->body != NULL && strstr(r->body, s->poison) != NULL));
	if (!away && !hit)
		return (struct wire_verdict){.fate = WIRE_PASS};
	s->strikes -= away ? 0 : 1;
	return s->verdict;
}

static void ask(struct scene *s, size_t i, enum client_op op, json_t *args)
{
	char name[32];
	snprintf(name, sizeof(name), "event-%zu/rule/1", i);
	sim_ask(&s->sim, &s->a[i], op, "people", args, name);
}

/* N creates, N gets and N like changes, behind a hundred lists that use up the budget. */
static void set(struct scene *s)
{
	s->conf.people = 2 * N;
	s->conf.budget = "60/m";
	s->conf.allowance = "none";
	s->conf.before = before;
	s->conf.ctx = s;
	cr_assert(sim_open(&s->sim, &s->conf));
	for (int i = 0; i < 100; i++) {
		if (i == 60)
			sim_sleep(&s->sim, 1000);
		sim_ask(&s->sim, &s->spent[i], CLIENT_COUNT, "companies",
			json_pack("{s:{s:o}}", "where", "name", json_sprintf("spent %d", i)),
			"spend");
	}
	s->records_n = server_record_n(s->sim.server, "people");
	for (unsigned i = 0; i < N; i++) {
		char id[SERVER_ID_N];
		ask(s, i, CLIENT_CREATE,
			json_pack("{s:{s:o}}", "data", "jobTitle", json_sprintf("made %u.", i)));
		server_id("person", i, id);
		ask(s, N + i, CLIENT_GET, json_pack("{s:s}", "id", id));
		server_id("person", N + i, id);
		ask(s, 2 * N + i, CLIENT_UPDATE,
			json_pack("{s:s,s:{s:s}}", "id", id, "data", "jobTitle", "same"));
	}
}

static const char *title(const struct sim_answer *a)
{
	const char *t = json_string_value(json_object_get(a->value, "jobTitle"));
	return t != NULL ? t : "";
}

static void check(const struct scene *s, unsigned bad)
{
	for (unsigned i = 0; i < 3 * N; i++) {
		char want[40], id[SERVER_ID_N];
		const struct sim_answer *a = &s->a[i];
		cr_assert_eq(a->times, 1, "%u is answered %d times", i, a->times);
		if (i == bad)
			continue;
		cr_assert_eq(a->code, RC_OK, "%u: %s", i, a->message);
		snprintf(want, sizeof(want), "made %u.", i);
		server_id("person", i - N, id);
		if (i < N)
			cr_assert_str_eq(title(a), want);
		else if (i < 2 * N)
			cr_assert_str_eq(json_string_value(json_object_get(a->value, "id")), id);
		else
			cr_assert_str_eq(title(a), "same");
	}
	cr_assert_eq(
		server_record_n(s->sim.server, "people"), s->records_n + N - (bad < N ? 1 : 0));
}

static void clear(struct scene *s)
{
	sim_close(&s->sim);
	for (size_t i = 0; i < 3 * N; i++)
		sim_answer_done(&s->a[i]);
	for (size_t i = 0; i < 100; i++)
		sim_answer_done(&s->spent[i]);
}

static void end(struct scene *s, unsigned bad)
{
	cr_assert(sim_await(&s->sim, s->a, 3 * N, 5 * SIM_HOUR_MS));
	sim_sleep(&s->sim, 60000);
	check(s, bad);
	clear(s);
}

#define NOBODY (3 * N)

Test(sim_bundle_troubles, a_limit_makes_all_of_them_wait)
{
	static const char *const targets[] = {"/rest/batch/people", "filter=id"};
	for (int i = 0; i < 2; i++) {
		struct scene s = {.target = targets[i], .strikes = 3};
		s.verdict = (struct wire_verdict){.fate = WIRE_ANSWER,
			.status = 429,
			.headers = "Retry-After: 2\r\n",
			.body = "{\"statusCode\":429,\"messages\":[\"Limit reached\"]}"};
		set(&s);
		end(&s, NOBODY);
	}
}

Test(sim_bundle_troubles, a_broken_connection_is_no_loss)
{
	static const char *const targets[] = {"/rest/batch/people", "filter=id"};
	static const enum wire_fate fates[] = {WIRE_UNSENT, WIRE_BREAK_BEFORE, WIRE_BREAK_AFTER,
		WIRE_HANG_BEFORE, WIRE_HANG_AFTER};
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 5; k++) {
			struct scene s = {.target = targets[i], .strikes = 2};
			s.verdict = (struct wire_verdict){.fate = fates[k]};
			set(&s);
			end(&s, NOBODY);
		}
}

Test(sim_bundle_troubles, bundles_wait_while_twenty_is_away)
{
	static const struct wire_verdict verdicts[] = {{.fate = WIRE_UNSENT},
		{.fate = WIRE_BREAK_AFTER}, {.fate = WIRE_ANSWER, .status = 503, .body = "{}"}};
	for (int i = 0; i < 3; i++) {
		/* from the moment when the first of them goes out */
		struct scene s = {.away_ms = {40000, 1000000}, .verdict = verdicts[i]};
		set(&s);
		end(&s, NOBODY);
	}
}

Test(sim_bundle_troubles, a_row_that_breaks_the_server_fails_alone)
{
	struct scene s = {.target = "/rest/", .poison = "\"made 17.\"", .strikes = -1};
	s.verdict = (struct wire_verdict){.fate = WIRE_ANSWER, .status = 500, .body = "{}"};
	set(&s);
	cr_assert(sim_await(&s.sim, s.a, 3 * N, 5 * SIM_HOUR_MS));
	cr_assert_neq(s.a[17].code, RC_OK);
	fprintf(stderr, "a row that breaks the server: %zu requests\n", wire_request_n() - 100);
	cr_assert_leq(wire_request_n(), 100 + 200);
	end(&s, 17);
}

/* Some go while they wait, ride, or are being answered: the others do not notice. */
Test(sim_bundle_troubles, who_is_cancelled_leaves_the_others_alone)
{
	for (int64_t at_ms = 40000; at_ms < 46000; at_ms += 97) {
		struct scene s = {.strikes = 0};
		set(&s);
		sim_sleep(&s.sim, at_ms);
		for (unsigned i = 0; i < 3 * N; i += 3)
			if (!s.a[i].done) {
				client_cancel(s.sim.client, s.a[i].ticket);
				s.a[i].done = true;
			}
		cr_assert(sim_await(&s.sim, s.a, 3 * N, 5 * SIM_HOUR_MS));
		sim_sleep(&s.sim, 60000);
		for (unsigned i = 0; i < 3 * N; i++) {
			cr_assert_leq(s.a[i].times, 1);
			cr_assert(i % 3 == 0 || (s.a[i].times == 1 && s.a[i].code == RC_OK),
				"%u at %lld: %s", i, (long long)at_ms, s.a[i].message);
		}
		clear(&s);
	}
}

Test(sim_bundle_troubles, a_client_that_is_closed_does_not_deny_what_it_did)
{
	for (int64_t at_ms = 40000; at_ms < 46000; at_ms += 13) {
		struct scene s = {.strikes = 0};
		set(&s);
		sim_sleep(&s.sim, at_ms);
		client_free(s.sim.client);
		s.sim.client = NULL;
		size_t made = server_record_n(s.sim.server, "people") - s.records_n, told = 0;
		for (unsigned i = 0; i < 3 * N; i++) {
			const struct sim_answer *a = &s.a[i];
			cr_assert_eq(a->times, 1);
			cr_assert(a->code == RC_OK || a->code == RC_CLOSED);
			cr_assert(
				!a->unknown || i < N || i >= 2 * N, "nothing is unknown of reads");
			told += i < N && (a->code == RC_OK || a->unknown);
		}
		cr_assert_leq(made, told, "%lld ms", (long long)at_ms);
		clear(&s);
	}
}
