/* SPDX-License-Identifier: MIT */
/*
 * Kills: each process in turn, at any moment, under load. KILLS=n sets how many, SEED=n repeats.
 * What must hold: every acknowledged event takes effect once, and only what the sender still holds
 * is sent again.
 */
#include <signal.h>
#include <stdio.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "tests/crash/stage.h"

enum { KILLS_A_LIFE = 50 }; /* of one store: then everything is counted, and a new one begins */

static struct stage stage;

static void close_stage(void)
{
	stage_close(&stage);
}

TestSuite(crash_kills, .fini = close_stage);

struct tally {
	size_t kills[STAGE_ALL + 1], all;
	struct stage_count count;
	int64_t again, repeats;
	size_t gone, lives;
};

/* Half of the lives are long enough to do some work, the others end in the middle of the start. */
static int64_t life_ms(struct dice *dice)
{
	return dice_one_in(dice, 2) ? dice_below(dice, 60) : 60 + dice_below(dice, 340);
}

static void kill_one(struct stage *s, struct tally *t)
{
	enum stage_victim victim = (enum stage_victim)dice_below(&s->dice, STAGE_ALL + 1);
	if (!stage_kill(s, victim, SIGKILL))
		return;
	t->kills[victim]++;
	t->all++;
}

static void live(struct stage *s, struct tally *t, size_t kills)
{
	size_t until = t->all + kills;
	atomic_store(&s->stream.counts->rate, 400);
	while (t->all < until) {
		stage_pause_ms(life_ms(&s->dice));
		kill_one(s, t);
		/* At once half of the time: what it finds has not ended yet. */
		if (dice_one_in(&s->dice, 2))
			stage_pause_ms(dice_below(&s->dice, 20));
		(void)stage_start(s);
	}
}

static void print(const struct tally *t, uint64_t seed, int64_t took_ms)
{
	const struct stage_count *c = &t->count;
	fprintf(stderr, "crash: SEED=%llu: %zu kills (", (unsigned long long)seed, t->all);
	for (int i = 0; i <= STAGE_ALL; i++)
		fprintf(stderr, "%s%zu %s", i > 0 ? ", " : "", t->kills[i],
			stage_victim_name((enum stage_victim)i));
	fprintf(stderr,
		"), %zu events acknowledged, %lld sent again, %lld repeats known: %zu lost, %zu "
		"effects twice (%zu updates again), %zu out of order, %zu other effects, %zu "
		"events absent, %zu not "
		"done, %zu repeats not known, %zu daemons that gave up; %lld s\n",
		c->acked, (long long)t->again, (long long)t->repeats, c->lost, c->twice,
		c->updated_again, c->swaps, c->others, c->absent, c->not_done, c->forgotten,
		t->gone, (long long)took_ms / 1000);
}

static void one_life(struct dice *dice, size_t kills, struct tally *t)
{
	/* A server of the documented dialect knows no ids of ours to recognise a create by. */
	struct stage_conf conf = {
		.repeats = true, .dialect = t->lives++ % 4 == 3 ? "docs" : "core"};
	struct stage_count count;
	cr_assert(stage_open(&stage, &conf, *dice));
	live(&stage, t, kills);
	cr_assert(stage_settle(&stage, 60000));
	cr_assert(stage_count(&stage, &count));
	stage_count_add(&t->count, &count);
	t->again += atomic_load(&stage.stream.counts->again);
	t->gone += stage.gone;
	t->repeats += atomic_load(&stage.stream.counts->repeats);
	cr_assert_eq(atomic_load(&stage.stream.counts->wrong), 0);
	cr_expect_eq(stage.gone, 0, "a start right behind a death finds nobody in its way");
	cr_assert_eq(stage_count_wrong(&count), 0, "in %s", stage.house.dir);
	*dice = stage.dice;
	stage_close(&stage);
}

Test(crash_kills, whatever_is_killed_nothing_acknowledged_is_lost_and_no_effect_happens_twice)
{
	size_t kills = (size_t)stage_setting("KILLS", 30);
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	struct tally t = {.all = 0};
	int64_t from_ms = clock_mono_ms();
	fprintf(stderr, "crash: SEED=%llu\n", (unsigned long long)seed);
	while (t.all < kills) {
		size_t rest = kills - t.all;
		one_life(&dice, rest < KILLS_A_LIFE ? rest : KILLS_A_LIFE, &t);
		if (t.all % 500 == 0)
			print(&t, seed, clock_mono_ms() - from_ms);
	}
	print(&t, seed, clock_mono_ms() - from_ms);
	cr_expect_geq(t.count.acked, kills * 10);
}

/* --- a control -------------------------------------------------------------------------------- */

static void copy_work(bool back)
{
	char kept[192], live[192], path[200];
	snprintf(kept, sizeof(kept), "%.100s/work.kept", stage.house.dir);
	snprintf(live, sizeof(live), "%.100s/store/work.db", stage.house.dir);
	const char *argv[] = {"/bin/cp", back ? kept : live, back ? live : kept, NULL};
	struct process p = {.pid = 0};
	cr_assert_eq(process_run(&p, stage.house.dir, "cp", argv, NULL, 10000), 0);
	snprintf(path, sizeof(path), "%s-wal", live);
	cr_assert(remove(path) != 0, "it was closed in order");
}

static void send_some(void)
{
	atomic_store(&stage.stream.counts->rate, 400);
	stage_pause_ms(300);
	cr_assert(stage_settle(&stage, 30000));
	cr_assert_eq(house_stop(&stage.house), 0);
}

/* The journal of some runs is taken away: what they did before they do again. */
Test(crash_kills, control_effects_of_a_work_that_was_set_back_happen_twice_and_are_seen)
{
	struct stage_conf conf = {.quiet = true};
	struct stage_count count;
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	cr_assert(stage_open(&stage, &conf, dice));
	send_some();
	copy_work(false);
	cr_assert(stage_start(&stage));
	send_some();
	copy_work(true);
	cr_assert(stage_start(&stage));
	cr_assert(stage_settle(&stage, 30000));
	cr_assert(stage_count(&stage, &count));
	fprintf(stderr, "crash: work.db set back: %zu effects twice, %zu updates again\n",
		count.twice, count.updated_again);
	cr_expect_gt(count.twice + count.updated_again, 0);
	cr_expect_eq(count.lost + count.absent, 0);
}
