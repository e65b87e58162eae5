/* SPDX-License-Identifier: MIT */
/*
 * Restarts of the receiver under load, by SIGKILL and SIGTERM. RESTARTS=n sets how many, SEED=n
 * repeats. What must hold: the socket stays open, so that no connection is ever refused; nobody
 * waits longer than a sender of webhooks does; nothing is lost.
 */
#include <signal.h>
#include <stdio.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "tests/crash/stage.h"

enum { RESTARTS_A_LIFE = 250 };

static struct stage stage;

static void close_stage(void)
{
	stage_close(&stage);
}

TestSuite(crash_restarts, .fini = close_stage);

struct tally {
	size_t restarts, told;
	struct stage_count count;
	int64_t again, broken, refused, late;
};

static bool restart(struct stage *s, struct tally *t)
{
	bool told = dice_one_in(&s->dice, 2);
	stage_pause_ms(20 + dice_below(&s->dice, 500));
	if (!stage_kill(s, STAGE_RECEIVER, told ? SIGTERM : SIGKILL))
		return false;
	t->restarts++;
	t->told += told;
	return true;
}

static void one_life(struct dice *dice, size_t restarts, struct tally *t)
{
	struct stage_conf conf = {.repeats = true};
	struct stage_count count;
	cr_assert(stage_open(&stage, &conf, *dice));
	atomic_store(&stage.stream.counts->rate, 300);
	for (size_t n = 0; n < restarts;)
		n += restart(&stage, t);
	cr_assert(stage_settle(&stage, 60000));
	cr_assert(stage_count(&stage, &count));
	stage_count_add(&t->count, &count);
	const struct stream_counts *c = stage.stream.counts;
	t->again += atomic_load(&c->again);
	t->broken += atomic_load(&c->broken);
	t->refused += atomic_load(&c->refused);
	t->late += atomic_load(&c->late);
	cr_expect_eq(atomic_load(&c->wrong), 0);
	cr_expect_eq(stage.starts, 1, "the supervisor has lived through it all");
	cr_assert_eq(stage_count_wrong(&count), 0, "in %s", stage.house.dir);
	*dice = stage.dice;
	stage_close(&stage);
}

Test(crash_restarts, however_often_the_receiver_restarts_no_connection_is_refused_and_nothing_lost)
{
	size_t restarts = (size_t)stage_setting("RESTARTS", 10);
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	struct tally t = {.restarts = 0};
	int64_t from_ms = clock_mono_ms();
	fprintf(stderr, "crash: SEED=%llu\n", (unsigned long long)seed);
	while (t.restarts < restarts) {
		size_t rest = restarts - t.restarts;
		one_life(&dice, rest < RESTARTS_A_LIFE ? rest : RESTARTS_A_LIFE, &t);
	}
	fprintf(stderr,
		"crash: SEED=%llu: %zu restarts of the receiver (%zu by SIGTERM), %zu events "
		"acknowledged: %lld connections refused, %lld broken off, %lld answers later than "
		"5 s, %lld requests sent again, %zu events absent, %zu effects lost, %zu twice; "
		"%lld s\n",
		(unsigned long long)seed, t.restarts, t.told, t.count.acked, (long long)t.refused,
		(long long)t.broken, (long long)t.late, (long long)t.again, t.count.absent,
		t.count.lost, t.count.twice, (long long)(clock_mono_ms() - from_ms) / 1000);
	cr_expect_eq(t.refused, 0);
	cr_expect_eq(t.late, 0);
}
