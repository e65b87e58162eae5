/* SPDX-License-Identifier: MIT */
/*
 * Programs that answer us, and programs that only seem to: simulated, in their own time.
 * From: a rule of ours that answers each change after OURS_MS. To: runner/duel.c.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "runner/duel.h"

#define OURS_MS 80

struct game {
	struct duels duels;
	int64_t now_ms, own_at_ms;
	int64_t until_ms; /* when ours comes; 0: none is due */
	int ours, holds;
};

TestSuite(runner_duel, .timeout = 30);

/* Ours that is due by now. */
static void answer(struct game *g, int64_t now_ms)
{
	if (g->until_ms == 0 || g->until_ms > now_ms)
		return;
	duel_go_on(&g->duels, "rule", "record");
	g->own_at_ms = g->until_ms;
	g->until_ms = 0;
	g->ours++;
}

/* One of theirs comes now. True: the rule is stopped. */
static bool theirs(struct game *g)
{
	answer(g, g->now_ms);
	struct duel_event e = {"rule", "record", 7, g->now_ms, g->own_at_ms};
	int64_t ours_ms = OURS_MS;
	switch (duel_judge(&g->duels, &e)) {
	case DUEL_LOOP:
		return true;
	case DUEL_HOLD:
		ours_ms += DUEL_HOLD_MS;
		g->holds++;
		break;
	case DUEL_FIRE:
		break;
	}
	if (g->until_ms == 0) /* else ours to this one comes behind it, and is the same */
		g->until_ms = g->now_ms + ours_ms;
	return false;
}

/* After how many of ours a program that answers in ms is stopped. */
static int stopped_after(int64_t (*pace)(int i))
{
	struct game g = {.now_ms = 1000000, .until_ms = 1000000};
	for (int i = 0; i < 50; i++) {
		answer(&g, g.until_ms); /* the first is ours, to what a member did */
		g.now_ms = g.own_at_ms + pace(i);
		if (theirs(&g)) {
			duels_done(&g.duels);
			return g.ours;
		}
	}
	duels_done(&g.duels);
	return 1000;
}

static int64_t fast(int i)
{
	return 60 + i * 7 % 40;
}

static int64_t slow(int i)
{
	return 2000 + i * 131 % 500;
}

Test(runner_duel, who_answers_us_is_stopped_after_four_of_each)
{
	cr_assert_eq(stopped_after(fast), 4);
	cr_assert_eq(stopped_after(slow), 4);
}

/* An importer that comes every so often, whatever we do; jitter in percent. */
static int held_against_importer(int64_t period_ms, int jitter, unsigned seed)
{
	struct game g = {.now_ms = 1000000};
	int64_t next = g.now_ms;
	for (int i = 0; i < 300; i++) {
		g.now_ms = next;
		seed = seed * 1103515245u + 12345u;
		int64_t swing = period_ms * jitter / 100;
		next = g.now_ms + period_ms - swing / 2 +
		       (swing > 0 ? (int64_t)(seed >> 8) % swing : 0);
		cr_assert(!theirs(&g), "an importer every %d ms was taken for an answer",
			(int)period_ms);
	}
	duels_done(&g.duels);
	return g.holds;
}

Test(runner_duel, an_importer_is_let_be_whatever_its_pace)
{
	for (int64_t period = 100; period < 12000; period += 37) {
		cr_expect_leq(held_against_importer(period, 0, 1), 2, "%d", (int)period);
		cr_expect_leq(held_against_importer(period, 20, (unsigned)period), 3);
	}
}

Test(runner_duel, other_fields_are_another_matter)
{
	struct duels duels = {0};
	for (int i = 0; i < 100; i++) {
		struct duel_event e = {
			"rule", "record", (uint64_t)(i % 2), 1000 + i * 200, 1000 + i * 200 - 100};
		cr_assert_eq(duel_judge(&duels, &e), DUEL_FIRE);
	}
	duels_done(&duels);
}

Test(runner_duel, many_records_are_watched_and_the_oldest_are_forgotten)
{
	struct duels duels = {0};
	char record[40];
	for (int i = 0; i < 3 * DUEL_N; i++) {
		snprintf(record, sizeof(record), "record %d", i);
		struct duel_event e = {"rule", record, 7, 1000 + i * 200, 1000 + i * 200 - 100};
		cr_assert_eq(duel_judge(&duels, &e), DUEL_FIRE);
	}
	duels_done(&duels);
}
