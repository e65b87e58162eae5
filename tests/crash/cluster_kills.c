/* SPDX-License-Identifier: MIT */
/*
 * Kills among many: receivers, runners, the leader, whole machines and the database in turn, at any
 * moment, under load. CLUSTER=n sets how many, SEED=n repeats, SPOOLS=1 lets receivers keep what
 * comes while the database is away.
 * What must hold: every acknowledged event takes effect once, those of a record in the order in
 * which they were sent; and the death of a leader costs seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "base/clock.h"
#include "queue/cluster.h"
#include "queue/sign.h"
#include "tests/crash/cluster.h"

enum { KILLS_A_LIFE = 60 }; /* of one store: then everything is counted, and a new one begins */
enum { OUTAGES_MAX = 1024, OUTAGE_LIMIT_MS = 30000, RATE = 120 };
enum { TRIES = 100 }; /* for one that runs at this moment */

static struct cluster cluster;

static void close_cluster(void)
{
	cluster_close(&cluster);
}

TestSuite(crash_cluster, .fini = close_cluster);

struct outage {           /* of a leader that was killed, or stands still */
	int64_t from_ms;  /* monotonic; 0: nobody is watched */
	int64_t moved_ms; /* monotonic; another leads since then; 0: nobody does */
	int64_t routed;   /* events in the store when another led */
	pid_t before;     /* who led */
};

struct times {
	int64_t ms[OUTAGES_MAX];
	size_t n;
};

struct tally {
	size_t kills[CLUSTER_VICTIM_N], all, gone, rescued;
	struct stage_count count;
	int64_t again, repeats, late;
	struct outage outage;
	struct times vacant; /* the lead was nobody's */
	struct times still;  /* nothing was routed */
};

/* --- what a leader's death costs -------------------------------------------------------------- */

static int64_t routed_n(const struct queue_counts *counts)
{
	int64_t n = 0;
	for (int state = 0; state < QUEUE_STATE_N; state++)
		n += counts->events[state];
	return n;
}

static void watch_begin(struct tally *t, pid_t before)
{
	t->outage = (struct outage){.from_ms = clock_mono_ms(), .before = before};
}

static void times_put(struct times *times, int64_t from_ms, int64_t to_ms)
{
	if (times->n < OUTAGES_MAX)
		times->ms[times->n++] = to_ms - from_ms;
}

/* Another leads, or the same anew, and events go on being routed. Who is dead or stands still
 * leads nothing, though the lead is its own until its lease ends. */
static void watch(struct cluster *c, struct tally *t)
{
	struct outage *o = &t->outage;
	struct queue_counts counts;
	struct member *leader = NULL;
	if (o->from_ms == 0 || !cluster_look(c, &counts, &leader))
		return;
	if (leader == NULL || c->leader == o->before)
		return;
	if (o->moved_ms == 0) {
		o->moved_ms = clock_mono_ms();
		o->routed = routed_n(&counts);
	} else if (routed_n(&counts) > o->routed) {
		times_put(&t->vacant, o->from_ms, o->moved_ms);
		times_put(&t->still, o->from_ms, clock_mono_ms());
		o->from_ms = 0;
	}
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* --- lives ------------------------------------------------------------------------------------ */

/* Leaders die more often than others: their death is the one that costs. */
static enum cluster_victim pick_victim(struct dice *dice)
{
	return dice_one_in(dice, 6) ? CLUSTER_LEADER
				    : (enum cluster_victim)dice_below(dice, CLUSTER_VICTIM_N);
}

static void await(struct cluster *c, struct tally *t, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;
	do {
		cluster_tend(c);
		watch(c, t);
		stage_pause_ms(10);
	} while (clock_mono_ms() < end);
}

static bool kill_one(struct cluster *c, struct tally *t, enum cluster_victim victim)
{
	if (!cluster_kill(c, victim))
		return false;
	t->kills[victim]++;
	t->all++;
	if (victim == CLUSTER_LEADER || victim == CLUSTER_FREEZE_LEADER)
		watch_begin(t, c->leader);
	else if (c->dark_ms != 0)
		t->outage.from_ms = 0; /* it would be that of the database */
	return true;
}

/* Nobody is killed before it is known what the last leader's death has cost. */
static void await_leader(struct cluster *c, struct tally *t)
{
	for (int i = 0; i < OUTAGE_LIMIT_MS / 50 && t->outage.from_ms != 0; i++)
		await(c, t, 50);
}

static void live(struct cluster *c, struct tally *t, size_t kills)
{
	size_t until = t->all + kills;
	atomic_store(&c->stream.counts->rate, (int)stage_setting("RATE", RATE));
	while (t->all < until) {
		await(c, t,
			dice_one_in(&c->dice, 2) ? dice_below(&c->dice, 200)
						 : dice_below(&c->dice, 1500));
		(void)kill_one(c, t, pick_victim(&c->dice));
		await_leader(c, t);
	}
}

/* The short form: one of each that matters, while one stands still past its lease. */
static void live_briefly(struct cluster *c, struct tally *t)
{
	static const enum cluster_victim victims[] = {CLUSTER_FREEZE_LEADER, CLUSTER_RECEIVER,
		CLUSTER_LEADER, CLUSTER_RUNNER, CLUSTER_MACHINE, CLUSTER_CONNECTION,
		CLUSTER_DATABASE};
	atomic_store(&c->stream.counts->rate, (int)stage_setting("RATE", 2 * RATE));
	for (size_t i = 0; i < ARRAY_N(victims); i++) {
		await(c, t, 100 + dice_below(&c->dice, 300));
		for (int k = 0; k < TRIES && !kill_one(c, t, victims[i]); k++)
			await(c, t, 50);
		if (victims[i] == CLUSTER_FREEZE_LEADER)
			await_leader(c, t);
	}
}

static void print_times(const char *what, struct times *times)
{
	size_t n = times->n;
	qsort(times->ms, n, sizeof(times->ms[0]), compare);
	fprintf(stderr, "; %s %.1f s in the median of %zu, %.1f s at most", what,
		n > 0 ? (double)times->ms[n / 2] / 1000 : 0, n,
		n > 0 ? (double)times->ms[n - 1] / 1000 : 0);
}

static void print(struct tally *t, uint64_t seed, int64_t took_ms)
{
	const struct stage_count *c = &t->count;
	fprintf(stderr, "cluster: SEED=%llu: %zu kills (", (unsigned long long)seed, t->all);
	for (int i = 0; i < CLUSTER_VICTIM_N; i++)
		fprintf(stderr, "%s%zu %s", i > 0 ? ", " : "", t->kills[i],
			cluster_victim_name((enum cluster_victim)i));
	fprintf(stderr,
		"), %zu events acknowledged, %lld sent again, %lld repeats known: %zu lost, %zu "
		"absent, %zu effects twice (%zu updates again), %zu inversions, %zu other effects, "
		"%zu not done, %zu repeats not known, %zu daemons that gave up, %lld answers later "
		"than 5 s; %zu runs rescued",
		c->acked, (long long)t->again, (long long)t->repeats, c->lost, c->absent, c->twice,
		c->updated_again, c->swaps, c->others, c->not_done, c->forgotten, t->gone,
		(long long)t->late, t->rescued);
	print_times("after the end of a leader the lead was nobody's for", &t->vacant);
	print_times("nothing was routed for", &t->still);
	fprintf(stderr, "; %lld s\n", (long long)took_ms / 1000);
}

/* What one receiver has in its spool the other does not know: it may take the same event under
 * another id, of which one is kept. Where nothing is kept in spools that may not happen. */
static void forgive(struct stage_count *count)
{
	count->absent = count->forgotten = 0;
}

static void one_life(struct dice *dice, size_t kills, struct tally *t)
{
	struct cluster_conf conf = {.brief = kills == 0, .spools = stage_setting("SPOOLS", 0) != 0};
	struct stage_count count, control;
	cr_assert(cluster_open(&cluster, &conf, *dice));
	if (kills == 0)
		live_briefly(&cluster, t);
	else
		live(&cluster, t, kills);
	cr_assert(cluster_settle(&cluster, 120000));
	cr_assert(cluster_count(&cluster, false, &count));
	cr_assert(cluster_count(&cluster, true, &control));
	stage_count_add(&t->count, &count);
	t->again += atomic_load(&cluster.stream.counts->again);
	t->repeats += atomic_load(&cluster.stream.counts->repeats);
	t->late += atomic_load(&cluster.stream.counts->late);
	t->gone += cluster.gone;
	t->rescued += cluster_rescued(&cluster);
	cr_expect_eq(atomic_load(&cluster.stream.counts->wrong), 0);
	cr_expect_eq(cluster.gone, 0, "what can be over in a moment ends no daemon");
	if (conf.spools)
		forgive(&count);
	cr_assert_eq(stage_count_wrong(&count), 0, "in %s", cluster.house.dir);
	cr_expect_gt(control.swaps, 0, "the same count finds inversions where there is no order");
	*dice = cluster.dice;
	cluster_close(&cluster);
}

Test(crash_cluster, whoever_of_many_is_killed_nothing_is_lost_or_done_twice_or_out_of_order)
{
	size_t kills = (size_t)stage_setting("CLUSTER", 0);
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	struct tally t = {.all = 0};
	int64_t from_ms = clock_mono_ms();
	fprintf(stderr, "cluster: SEED=%llu\n", (unsigned long long)seed);
	do {
		size_t rest = kills - t.all;
		one_life(&dice, rest < KILLS_A_LIFE ? rest : KILLS_A_LIFE, &t);
		print(&t, seed, clock_mono_ms() - from_ms);
	} while (t.all < kills);
	cr_expect_gt(t.count.acked, t.all * 5);
	cr_expect_gt(t.all, 3);
}

/* --- spools ----------------------------------------------------------------------------------- */

/* What receivers tell of their spools arrives as if nothing lay there, ever; one of them takes its
 * time. */
static const char mute[] =
	"SET search_path = moonhook;"
	"CREATE FUNCTION mute() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
	" IF NEW.spool_from > 0 AND NEW.id = (SELECT min(id) FROM moonhook.receiver) THEN"
	" PERFORM pg_sleep(1); END IF;"
	" NEW.spool_from := NULL; NEW.spool_to := 0; NEW.promised := 'infinity'; RETURN NEW; END "
	"$$;"
	"CREATE TRIGGER mute BEFORE UPDATE ON receiver FOR EACH ROW EXECUTE FUNCTION mute()";

/* For longer than a promise holds: then spools are acknowledged from. */
static void lose_the_database(struct tally *t)
{
	atomic_store(&cluster.stream.counts->rate, (int)stage_setting("RATE", 2 * RATE));
	await(&cluster, t, 500);
	if (kill_one(&cluster, t, CLUSTER_DATABASE))
		cluster.dark_ms = clock_mono_ms() + 2 * QUEUE_PROMISE_MS;
	await(&cluster, t, 3 * QUEUE_PROMISE_MS);
}

Test(crash_cluster, control_where_nothing_is_told_of_spools_later_events_go_ahead)
{
	struct cluster_conf conf = {.brief = true, .spools = true, .quiet = true};
	struct stage_count count = {.swaps = 0};
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	struct tally t = {.all = 0};
	if (stage_setting("SPOOLS", 0) == 0)
		cr_skip("with SPOOLS=1");
	cr_assert(cluster_open(&cluster, &conf, dice));
	cr_assert(cluster_sql(&cluster, mute));
	for (int i = 0; i < 10 && count.swaps == 0; i++) {
		lose_the_database(&t);
		cr_assert(cluster_settle(&cluster, 120000));
		cr_assert(cluster_count(&cluster, false, &count));
	}
	fprintf(stderr, "cluster: spools that nobody knows of: %zu inversions of %zu\n",
		count.swaps, count.acked);
	cr_expect_gt(count.swaps, 0);
	cluster_close(&cluster);
}

/* --- controls --------------------------------------------------------------------------------- */

static bool is_done_again(void *ctx)
{
	struct stage_count count = {.acked = 0}, *before = ctx;
	return cluster_count(&cluster, false, &count) &&
	       count.twice + count.updated_again > before->twice + before->updated_again;
}

/* Who takes a refusal for an acknowledgement loses events, and whose journal is taken away does
 * things twice: both are seen. */
Test(crash_cluster, control_what_is_lost_or_done_twice_is_seen)
{
	struct cluster_conf conf = {.careless = true, .quiet = true};
	struct stage_count count;
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	struct tally t = {.all = 0};
	cr_assert(cluster_open(&cluster, &conf, dice));
	atomic_store(&cluster.stream.counts->rate, RATE);
	for (int i = 0; i < 3; i++) {
		await(&cluster, &t, 300);
		cluster_lose_requests(&cluster);
	}
	cr_assert(cluster_settle(&cluster, 60000));
	cr_assert(cluster_count(&cluster, false, &count));
	fprintf(stderr, "cluster: a careless sender: %zu of %zu lost\n", count.lost, count.acked);
	cr_expect_gt(count.lost + count.absent, 0);
	cr_expect_eq(count.twice + count.updated_again, 0);
	cr_assert(cluster_sql(&cluster, "SET search_path = moonhook; DELETE FROM journal;"
					" UPDATE run SET state = 0 WHERE rule = 'note'"));
	cr_expect(process_await(is_done_again, &count, 60000));
}
