/* SPDX-License-Identifier: MIT */
/*
 * The budget against a server's own bucket, on a clock of the test: what is learned, how long it is
 * kept, and that nothing a server says makes us stop or go faster than configured.
 */
#include "client/budget.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/attr.h"

#define MINUTE 60000
#define HOUR 3600000

static const struct budget_notice silent = {-1, -1, -1, -1};

struct server { /* refills by whole requests since the last accepted one */
	int64_t limit, tokens, last_ms;
	bool says; /* its limit, in the message of a refusal */
	int64_t refused, accepted;
	int64_t jitter_ms; /* the way there takes up to that long */
	uint64_t seed;
};

static int64_t jitter(struct server *s)
{
	s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
	return s->jitter_ms > 0 ? (int64_t)((s->seed >> 33) % (uint64_t)s->jitter_ms) : 0;
}

static bool accepts(struct server *s, int64_t now)
{
	int64_t at = now + jitter(s);
	int64_t refill = at > s->last_ms ? (at - s->last_ms) * s->limit / MINUTE : 0;
	int64_t tokens = s->tokens + refill;
	tokens = tokens > s->limit ? s->limit : tokens;
	if (tokens < 1) {
		s->refused++;
		return false;
	}
	s->tokens = tokens - 1;
	s->last_ms = at;
	s->accepted++;
	return true;
}

/* One request after another, as fast as the budget lets them go, until a time. */
static int64_t run(struct budget *b, struct server *s, int64_t now, int64_t until)
{
	while (now < until) {
		int64_t wait = budget_wait_ms(b, now, 0);
		if (wait > 0) {
			now += wait;
			continue;
		}
		budget_take(b, now);
		if (accepts(s, now))
			budget_accepted(b, now + s->jitter_ms, 0, &silent);
		else
			budget_refused(b, now + s->jitter_ms, &silent, s->says ? s->limit : 0,
				s->says ? MINUTE : 0);
		now += s->jitter_ms;
	}
	return now;
}

Test(client_budget, at_the_configured_limit_nothing_is_ever_refused)
{
	struct budget b;
	struct server s = {.limit = 100, .tokens = 100, .says = true};
	budget_init(&b, 6000, 0);
	int64_t now = run(&b, &s, 0, 3 * HOUR);
	now = run(&b, &s, now + MINUTE / 2, now + HOUR); /* after a rest, too */
	cr_expect_eq(s.refused, 0, "%ld", (long)s.refused);
	cr_expect_geq(s.accepted, 23000, "%ld", (long)s.accepted);
}

Test(client_budget, a_smaller_limit_that_the_server_names_is_kept)
{
	struct budget b;
	struct server s = {.limit = 50, .tokens = 50, .says = true};
	budget_init(&b, 6000, 0);
	(void)run(&b, &s, 0, HOUR - MINUTE);
	cr_expect_eq(s.refused, 1, "one refusal tells it: %ld", (long)s.refused);
	cr_expect_float_eq(budget_rate(&b), 50, 0.1);
	cr_expect_geq(s.accepted, 2900, "%ld", (long)s.accepted);
}

Test(client_budget, a_limit_that_was_learned_is_tried_higher_ever_less_often)
{
	struct budget b;
	struct server s = {.limit = 50, .tokens = 50, .says = true};
	budget_init(&b, 6000, 0);
	(void)run(&b, &s, 0, 72 * (int64_t)HOUR);
	cr_expect_leq(s.refused, 8, "after 1, 2, 4, 8, 16, 24 hours: %ld", (long)s.refused);
	cr_expect_gt(s.refused, 2);
	cr_expect_geq(s.accepted, 72 * 2900, "%ld", (long)s.accepted);
}

Test(client_budget, a_limit_that_was_raised_again_is_found_within_hours)
{
	struct budget b;
	struct server s = {.limit = 50, .tokens = 50, .says = true};
	budget_init(&b, 6000, 0);
	int64_t now = run(&b, &s, 0, HOUR / 2);
	cr_expect_float_eq(budget_rate(&b), 50, 0.1);
	s.limit = 100;
	now = run(&b, &s, now, now + 5 * HOUR);
	cr_expect_float_eq(budget_rate(&b), 100, 0.1);
	cr_expect_eq(s.refused, 1);
	(void)run(&b, &s, now, now + 24 * (int64_t)HOUR);
	cr_expect_eq(s.refused, 1, "and then there is nothing to try");
}

Test(client_budget, a_smaller_limit_that_nobody_names_is_approached)
{
	struct budget b;
	struct server s = {.limit = 50, .tokens = 50};
	budget_init(&b, 6000, 0);
	int64_t now = run(&b, &s, 0, HOUR);
	int64_t first = s.refused;
	cr_expect_leq(first, 60, "%ld", (long)first);
	(void)run(&b, &s, now, now + 3 * HOUR);
	cr_expect_leq(s.refused - first, 20, "ever fewer: %ld", (long)(s.refused - first));
	cr_expect_geq(s.accepted, 4 * 2200, "%ld", (long)s.accepted);
}

/* Requests that arrive closer together than they were sent. */
Test(client_budget, a_way_that_takes_now_longer_now_shorter_is_allowed_for)
{
	struct budget b;
	struct server s = {.limit = 100, .tokens = 100, .says = true, .jitter_ms = 150, .seed = 7};
	int64_t now = 0, sent = 0, answer_ms = 0;
	bool on_wire = false, ok = false;
	budget_init(&b, 6000, 0);
	/* one is always on the wire when the next one goes: its answer is no hint */
	while (now < 2 * HOUR) {
		int64_t wait = budget_wait_ms(&b, now, on_wire);
		if (on_wire && (wait > 0 || now >= answer_ms)) {
			now = now > answer_ms ? now : answer_ms;
			if (ok)
				budget_accepted(&b, now, 1, &silent);
			else
				budget_refused(&b, now, &silent, 100, MINUTE);
			on_wire = false;
			continue;
		}
		if (wait > 0) {
			now += wait;
			continue;
		}
		budget_take(&b, now);
		ok = accepts(&s, now);
		answer_ms = now + 155;
		on_wire = true;
		sent++;
	}
	cr_expect_leq(s.refused * 50, sent, "%ld of %ld refused", (long)s.refused, (long)sent);
	cr_expect_geq(s.accepted, 2 * 60 * 70, "%ld", (long)s.accepted);
}

Test(client_budget, nobody_raises_it_above_the_configuration)
{
	struct budget b;
	budget_init(&b, 3000, 0); /* 50/m of a workspace that others use, too */
	struct budget_notice generous = {-1, 500, 400, 1000};
	budget_take(&b, 0);
	budget_accepted(&b, 10, 0, &generous);
	cr_expect_float_eq(budget_rate(&b), 50, 0.1);
	cr_expect_leq(budget_tokens(&b, 10), 50);
	budget_refused(&b, 20, &silent, 500, MINUTE);
	cr_expect_float_eq(budget_rate(&b), 50, 0.1);
	cr_expect_eq(b.raise_at_ms, 0);
}

Test(client_budget, header_lines_are_followed_down_and_up)
{
	struct budget b;
	budget_init(&b, 6000, 0);
	budget_take(&b, 0);
	budget_accepted(&b, 1, 0, &(struct budget_notice){-1, 40, 7, 30000});
	cr_expect_float_eq(budget_rate(&b), 40, 0.1);
	cr_expect_float_eq(budget_tokens(&b, 1), 7, 0.01);
	budget_take(&b, 2);
	budget_accepted(&b, 3, 0, &(struct budget_notice){-1, 100, 60, 30000});
	cr_expect_float_eq(budget_rate(&b), 100, 0.1);
	cr_expect_float_eq(budget_tokens(&b, 3), 60, 0.01);
	for (int i = 0; i < 3; i++)
		budget_take(&b, 4);
	budget_accepted(&b, 5, 2, &(struct budget_notice){-1, 100, 50, 30000});
	cr_expect_float_eq(budget_tokens(&b, 5), 48, 0.01, "two are on their way");
	budget_accepted(&b, 6, 1, &(struct budget_notice){-1, 100, 58, 30000});
	budget_accepted(&b, 7, 0, &(struct budget_notice){-1, 100, 57, 30000});
	cr_expect_float_eq(budget_tokens(&b, 7), 48, 0.01, "older news that came later");
	/* a newer server says it on the refusal only */
	budget_init(&b, 6000, 0);
	budget_refused(&b, 0, &(struct budget_notice){2000, 50, 0, 2000}, 0, 0);
	cr_expect_float_eq(budget_rate(&b), 50, 0.1);
	cr_expect_eq(budget_wait_ms(&b, 0, 0), 2000);
}

Test(client_budget, what_a_refusal_asks_for_and_what_is_waited)
{
	static const struct {
		int64_t retry_after_ms, reset_in_ms, least, most;
	} cases[] = {
		{-1, -1, 600, 620}, /* absent, rubbish, -1: one interval */
		{0, -1, 600, 620},
		{1000, -1, 1000, 1000},
		{59000, -1, 59000, 59000},
		{3600000, -1, 60000, 60000}, /* then one request asks again, each minute */
		{86400000, -1, 60000, 60000},
		{-1, 30000, 600, 620}, /* a bucket is not full, but has one again */
		{1000, 30000, 1000, 1000},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct budget b;
		budget_init(&b, 6000, 0);
		budget_refused(&b, 5,
			&(struct budget_notice){
				cases[i].retry_after_ms, -1, -1, cases[i].reset_in_ms},
			100, MINUTE);
		int64_t wait = budget_wait_ms(&b, 5, 0);
		cr_expect(wait >= cases[i].least && wait <= cases[i].most, "case %zu: %ld", i,
			(long)wait);
		cr_expect_eq(budget_wait_ms(&b, 5 + wait, 0), 0, "case %zu", i);
		cr_expect_gt(budget_wait_ms(&b, 5 + wait, 1), 0, "one at a time");
	}
}

Test(client_budget, a_server_that_always_refuses_gets_one_request_a_minute)
{
	struct budget b;
	int64_t now = 0, sent = 0;
	budget_init(&b, 6000, 0);
	while (now < 10 * HOUR) {
		int64_t wait = budget_wait_ms(&b, now, 0);
		now += wait;
		if (wait > 0)
			continue;
		budget_take(&b, now);
		budget_refused(&b, now, &(struct budget_notice){3600000, -1, -1, -1}, 0, 0);
		sent++;
	}
	cr_expect_leq(sent, 10 * 60 + 1, "%ld", (long)sent);
	cr_expect_geq(sent, 10 * 60 - 1, "%ld", (long)sent);
}

Test(client_budget, a_limit_of_one_a_day_does_not_stop_us)
{
	struct budget b;
	budget_init(&b, 6000, 0);
	budget_refused(&b, 0, &silent, 1, 86399999);
	cr_expect_leq(budget_wait_ms(&b, 0, 0), 2 * BUDGET_WAIT_MAX_MS);
	budget_init(&b, 6000, 0);
	budget_refused(&b, 0, &silent, INT64_MAX, INT64_MAX);
	cr_expect_float_eq(budget_rate(&b), 100, 0.1);
	cr_expect_leq(budget_wait_ms(&b, 0, 0), 1000);
}

Test(client_budget, a_configured_pace_slower_than_a_minute_is_kept)
{
	struct budget b;
	budget_init(&b, 10, 0); /* 10/h */
	budget_take(&b, 0);
	int64_t wait = budget_wait_ms(&b, 0, 0);
	cr_expect(wait >= 360000 && wait < 361000, "%ld", (long)wait);
	budget_accepted(&b, 1, 0, &(struct budget_notice){-1, 100, 99, 600});
	cr_expect_float_eq(budget_rate(&b), 1.0 / 6, 0.01);
}

Test(client_budget, without_a_budget_nothing_is_paced_but_refusals_are_obeyed)
{
	struct budget b;
	budget_init(&b, 0, 0);
	for (int i = 0; i < 10000; i++) {
		cr_assert_eq(budget_wait_ms(&b, 0, i), 0);
		budget_take(&b, 0);
	}
	budget_refused(&b, 0, &(struct budget_notice){7000, 100, 0, -1}, 100, MINUTE);
	cr_expect_eq(budget_wait_ms(&b, 0, 0), 7000);
	cr_expect_eq(budget_rate(&b), -1);
	cr_expect_eq(budget_wait_ms(&b, 7000, 0), 0);
	cr_expect_gt(budget_wait_ms(&b, 7000, 1), 0, "one asks whether it is over");
	budget_accepted(&b, 7100, 0, &silent);
	cr_expect_eq(budget_wait_ms(&b, 7100, 50), 0);
}

Test(client_budget, a_later_word_does_not_shorten_what_an_earlier_one_asked_for)
{
	struct budget b;
	struct budget_notice half_a_minute = {30000, -1, -1, -1};
	budget_init(&b, 6000, 0);
	budget_refused(&b, 1000, &half_a_minute, 0, 0);
	budget_refused(&b, 1001, &silent, 0, 0);
	cr_expect_eq(budget_wait_ms(&b, 1001, 0), 29999);
}
