/* SPDX-License-Identifier: MIT */
/*
 * Cuts of the power, under load, at any moment and at any write. CUTS=n sets how many, SEED=n
 * repeats. What was not synced is gone, or, torn into sectors, partly there. The controls show that
 * this finds what it looks for: with synchronous=OFF and NORMAL events are lost.
 */
#include <stdio.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "tests/crash/stage.h"

enum { CUTS_A_LIFE = 50 };

static struct stage stage;

static void close_stage(void)
{
	stage_close(&stage);
}

TestSuite(crash_cuts, .fini = close_stage);

struct tally {
	size_t cuts, torn;
	struct stage_count count;
};

/* Either at some moment, or at one of the next operations on the disk. */
static void await_cut(struct stage *s)
{
	int64_t end = clock_mono_ms() + 2000;
	if (dice_one_in(&s->dice, 2)) {
		stage_pause_ms(20 + dice_below(&s->dice, 300));
		return;
	}
	atomic_store(&s->power.page->cut_at,
		atomic_load(&s->power.page->ops) + 1 + dice_below(&s->dice, 1500));
	while (!power_is_off(&s->power) && clock_mono_ms() < end)
		stage_pause_ms(1);
}

static void cut_one(struct stage *s, struct tally *t)
{
	bool torn = dice_one_in(&s->dice, 2);
	await_cut(s);
	cr_assert(stage_cut(s, torn ? POWER_TORN : POWER_CLEAN), "in %s", s->house.dir);
	t->cuts++;
	t->torn += torn;
	(void)stage_start(s);
}

static void print(const struct tally *t, uint64_t seed, int64_t took_ms)
{
	const struct stage_count *c = &t->count;
	fprintf(stderr,
		"crash: SEED=%llu: synchronous=FULL: %zu cuts (%zu torn), %zu events acknowledged: "
		"%zu effects lost, %zu twice (%zu updates again), %zu out of order, %zu other, %zu "
		"events absent, %zu "
		"not done, %zu repeats not known; %lld s\n",
		(unsigned long long)seed, t->cuts, t->torn, c->acked, c->lost, c->twice,
		c->updated_again, c->swaps, c->others, c->absent, c->not_done, c->forgotten,
		(long long)took_ms / 1000);
}

/* One store: so many cuts, then everything is counted. */
static void one_life(struct dice *dice, size_t cuts, struct tally *t)
{
	struct stage_conf conf = {.power = true, .repeats = true};
	struct stage_count count;
	cr_assert(stage_open(&stage, &conf, *dice));
	atomic_store(&stage.stream.counts->rate, 500);
	while (cuts-- > 0)
		cut_one(&stage, t);
	cr_assert(stage_settle(&stage, 60000));
	cr_assert(stage_count(&stage, &count));
	stage_count_add(&t->count, &count);
	cr_assert_eq(stage_count_wrong(&count), 0, "in %s", stage.house.dir);
	*dice = stage.dice;
	stage_close(&stage);
}

Test(crash_cuts, whenever_the_power_goes_nothing_acknowledged_is_lost_and_no_effect_happens_twice)
{
	size_t cuts = (size_t)stage_setting("CUTS", 30);
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	struct tally t = {.cuts = 0};
	int64_t from_ms = clock_mono_ms();
	fprintf(stderr, "crash: SEED=%llu\n", (unsigned long long)seed);
	while (t.cuts < cuts) {
		size_t rest = cuts - t.cuts;
		one_life(&dice, rest < CUTS_A_LIFE ? rest : CUTS_A_LIFE, &t);
		if (t.cuts % 500 == 0)
			print(&t, seed, clock_mono_ms() - from_ms);
	}
	print(&t, seed, clock_mono_ms() - from_ms);
	cr_expect_geq(t.count.acked, cuts * 10);
}

/* One store, one cut. Has something been lost? A store that is damaged has lost everything. */
static bool loses(struct dice *dice, const char *synchronous, struct tally *t)
{
	struct stage_conf conf = {.power = true, .synchronous = synchronous, .quiet = true};
	struct stage_count count = {0};
	cr_assert(stage_open(&stage, &conf, *dice));
	atomic_store(&stage.stream.counts->rate, 500);
	stage_pause_ms(100);
	cut_one(&stage, t);
	bool rests = stage_settle(&stage, 4000);
	bool lost = !rests || !stage_count(&stage, &count) || count.absent + count.lost > 0;
	*dice = stage.dice;
	stage_close(&stage);
	return lost;
}

/* The same cuts, the same counting; it must find losses. */
static void control(const char *synchronous, bool all)
{
	size_t rounds = (size_t)stage_setting("CONTROLS", 2), lost = 0;
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	struct tally t = {.cuts = 0};
	for (size_t i = 0; i < rounds; i++)
		lost += loses(&dice, synchronous, &t);
	fprintf(stderr, "crash: SEED=%llu: synchronous=%s: %zu of %zu cuts lost events\n",
		(unsigned long long)seed, synchronous, lost, rounds);
	cr_expect(all ? lost == rounds : lost > 0, "the harness has not seen what is lost");
}

Test(crash_cuts, control_with_synchronous_off_events_are_lost)
{
	control("OFF", true);
}

Test(crash_cuts, control_with_synchronous_normal_events_are_lost)
{
	control("NORMAL", false);
}
