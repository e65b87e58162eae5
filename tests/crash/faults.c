/* SPDX-License-Identifier: MIT */
/*
 * Faults of the disk: errors, short writes, interruptions of single operations, at any moment,
 * some of them followed by a cut of the power; and a disk that is full for a while. FAULTS=n sets
 * how many, SEED=n repeats. What must hold: what could not be made durable is not acknowledged, the
 * process that cannot go on says why and ends, its successor goes on, and nobody has to help.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "base/clock.h"
#include "tests/crash/stage.h"

enum { FAULTS_A_LIFE = 40 };

static struct stage stage;

static void close_stage(void)
{
	stage_close(&stage);
}

TestSuite(crash_faults, .fini = close_stage);

static const struct fault {
	const char *name;
	int ops, error;
} faults[] = {
	{"sync EIO", DISK_SYNC, EIO},
	{"sync ENOSPC", DISK_SYNC, ENOSPC},
	{"sync EINTR", DISK_SYNC, EINTR},
	{"write EIO", DISK_WRITE, EIO},
	{"write ENOSPC", DISK_WRITE, ENOSPC},
	{"write EINTR", DISK_WRITE, EINTR},
	{"short write", DISK_WRITE, 0},
	{"resize EIO", DISK_RESIZE, EIO},
	{"open EMFILE", DISK_OPEN, EMFILE},
};

struct tally {
	size_t all, hit[ARRAY_N(faults)], cuts;
	int64_t busy;
	struct stage_count count;
};

static bool has_failed(void *ctx)
{
	const struct stage *s = ctx;
	return atomic_load(&s->power.page->faults) > 0;
}

static void fail_one(struct stage *s, struct tally *t)
{
	size_t i = (size_t)dice_below(&s->dice, ARRAY_N(faults));
	int side = dice_one_in(&s->dice, 2) ? DISK_INBOX : DISK_WORK;
	atomic_store(&s->power.page->faults, 0);
	/* Files are made and cut to size when it starts, and hardly ever later. */
	bool at_start = (faults[i].ops & (DISK_RESIZE | DISK_OPEN)) != 0;
	power_fault(&s->power, faults[i].ops, side, faults[i].error,
		dice_below(&s->dice, at_start ? 2 : 25), 1 + dice_below(&s->dice, 3));
	if (at_start) {
		stage_kill_all(s);
		(void)stage_start(s);
	}
	t->hit[i] += process_await(has_failed, s, 400);
	t->all++;
	stage_pause_ms(dice_below(&s->dice, 200));
	power_fault_end(&s->power);
	if (!dice_one_in(&s->dice, 3))
		return;
	/* The successor may build on what the disk has never got. */
	stage_pause_ms(dice_below(&s->dice, 500));
	cr_assert(stage_cut(s, dice_one_in(&s->dice, 2) ? POWER_TORN : POWER_CLEAN));
	t->cuts++;
	(void)stage_start(s);
}

static void one_life(struct dice *dice, size_t n, struct tally *t)
{
	struct stage_conf conf = {.power = true, .repeats = true};
	struct stage_count count;
	cr_assert(stage_open(&stage, &conf, *dice));
	atomic_store(&stage.stream.counts->rate, 300);
	while (n-- > 0) {
		fail_one(&stage, t);
		(void)stage_start(&stage);
	}
	cr_assert(stage_settle(&stage, 60000));
	cr_assert(stage_count(&stage, &count));
	stage_count_add(&t->count, &count);
	t->busy += atomic_load(&stage.stream.counts->busy);
	cr_expect_eq(atomic_load(&stage.stream.counts->wrong), 0);
	cr_expect_eq(stage.gone, 0, "nobody has to start it again");
	cr_assert_eq(stage_count_wrong(&count), 0, "in %s", stage.house.dir);
	*dice = stage.dice;
	stage_close(&stage);
}

Test(crash_faults, whatever_the_disk_answers_nothing_acknowledged_is_lost_and_all_goes_on_by_itself)
{
	size_t n = (size_t)stage_setting("FAULTS", 12);
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	struct tally t = {.all = 0};
	int64_t from_ms = clock_mono_ms();
	fprintf(stderr, "crash: SEED=%llu\n", (unsigned long long)seed);
	while (t.all < n)
		one_life(&dice, n - t.all < FAULTS_A_LIFE ? n - t.all : FAULTS_A_LIFE, &t);
	fprintf(stderr, "crash: SEED=%llu: %zu faults (", (unsigned long long)seed, t.all);
	for (size_t i = 0; i < ARRAY_N(faults); i++)
		fprintf(stderr, "%s%zu %s", i > 0 ? ", " : "", t.hit[i], faults[i].name);
	fprintf(stderr,
		" hit), %zu cuts, %zu events acknowledged, %lld times 503: %zu effects lost, %zu "
		"twice (%zu updates again), %zu events absent, %zu not done; %lld s\n",
		t.cuts, t.count.acked, (long long)t.busy, t.count.lost, t.count.twice,
		t.count.updated_again, t.count.absent, t.count.not_done,
		(long long)(clock_mono_ms() - from_ms) / 1000);
}

/* --- syncs that fail -------------------------------------------------------------------------- */

/* Nothing is written: what is synced next is a batch of deliveries, and no checkpoint. */
static bool disk_rests(void *ctx)
{
	const struct stage *s = ctx;
	int64_t ops = atomic_load(&s->power.page->ops);
	stage_pause_ms(250);
	return house_ready(ctx) && atomic_load(&s->power.page->ops) == ops;
}

/* The repeat finds what the failed batch has left in the page cache, and it is not on the disk. The
 * power goes before a checkpoint has carried it there by another way. */
Test(crash_faults, what_a_failed_sync_has_left_behind_is_synced_before_it_is_acknowledged)
{
	struct stage_conf conf = {.power = true, .quiet = true};
	struct stage_count count;
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	cr_assert(stage_open(&stage, &conf, dice));
	for (int i = 0; i < 3; i++) {
		int64_t acked = atomic_load(&stage.stream.counts->acked);
		cr_assert(process_await(disk_rests, &stage, 10000));
		atomic_store(&stage.power.page->faults, 0);
		power_fault(&stage.power, DISK_SYNC, DISK_INBOX, EIO, 0, 1);
		atomic_store(&stage.stream.counts->rate, 50);
		cr_assert(process_await(has_failed, &stage, 5000));
		stage_kill_all(&stage); /* who comes next reads the log from its beginning */
		cr_assert(stage_start(&stage));
		cr_assert(stream_settle(&stage.stream, 10000));
		cr_assert_gt(atomic_load(&stage.stream.counts->acked), acked);
		cr_assert(stage_cut(&stage, POWER_CLEAN));
		cr_assert(stage_start(&stage));
	}
	cr_assert(stage_settle(&stage, 30000));
	cr_assert(stage_count(&stage, &count));
	cr_expect_eq(stage_count_wrong(&count), 0);
	char *log = process_read(stage.house.daemon.err);
	cr_expect(strstr(log, "nothing is acknowledged any more, because the store cannot be "
			      "written") != NULL,
		"%s", log);
	cr_expect(strstr(log, "check the disk and start again") != NULL, "%s", log);
	free(log);
}

static bool has_run_some(void *ctx)
{
	struct stage *s = ctx;
	return house_runs_n(&s->house, "done") > 0;
}

/* Without a receiver: nobody else brings the log of the inbox to the disk. */
static bool start_runner_alone(struct stage *s)
{
	const char *argv[] = {process_path("moonhook"), "serve", "--config", s->house.config,
		"--only", "runner", NULL};
	return process_start(&s->house.daemon, s->house.dir, "moonhook", argv, s->power.env);
}

/* Else its runs are known and its bytes are gone: the repeat would be a duplicate that nobody runs.
 */
Test(crash_faults, what_a_killed_receiver_has_not_synced_is_synced_before_it_is_routed)
{
	struct stage_conf conf = {.power = true, .quiet = true};
	struct stage_count count;
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	cr_assert(stage_open(&stage, &conf, dice));
	cr_assert(process_await(disk_rests, &stage, 10000));
	atomic_store(&stage.power.page->faults, 0);
	power_fault(&stage.power, DISK_SYNC, DISK_INBOX, EIO, 0, 1);
	atomic_store(&stage.stream.counts->rate, 50);
	cr_assert(process_await(has_failed, &stage, 5000));
	stage_kill_all(&stage);
	cr_assert(start_runner_alone(&stage));
	cr_assert(process_await(has_run_some, &stage, 10000));
	cr_assert_eq(atomic_load(&stage.stream.counts->acked), 0, "nobody has said so much");
	cr_assert(stage_cut(&stage, POWER_CLEAN));
	cr_assert(stage_start(&stage));
	cr_assert(stage_settle(&stage, 30000));
	cr_assert(stage_count(&stage, &count));
	cr_expect_eq(stage_count_wrong(&count), 0);
}

/* --- a full disk ------------------------------------------------------------------------------ */

static json_t *status_text(struct stage *s, const char *key)
{
	json_t *status = house_status(&s->house);
	json_t *value = json_incref(json_object_get(status, key));
	json_decref(status);
	return value;
}

static bool says_full(void *ctx)
{
	json_t *problem = status_text(ctx, "store_problem");
	const char *text = json_string_value(problem);
	bool full = text != NULL && strstr(text, "the disk of the store is full") != NULL;
	json_decref(problem);
	return full;
}

static bool says_nothing(void *ctx)
{
	json_t *problem = status_text(ctx, "store_problem");
	bool none = !json_is_string(problem);
	json_decref(problem);
	return none && house_ready(&((struct stage *)ctx)->house);
}

static bool is_refused(void *ctx)
{
	struct stage *s = ctx;
	return atomic_load(&s->stream.counts->busy) > 20;
}

/* For the same reason. Where the log can be written from its beginning again, some go in. */
static bool is_not_ready(void *ctx)
{
	const struct stage *s = ctx;
	struct http_answer a;
	char url[96];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/readyz", s->house.console_port);
	bool got = http_request("GET", url, NULL, NULL, 0, &a);
	bool told =
		got && a.status == 503 && strstr(a.body, "the disk of the store is full") != NULL;
	http_answer_done(&a);
	return told;
}

Test(crash_faults, a_full_disk_refuses_with_503_says_so_and_is_forgotten_once_there_is_room)
{
	struct stage_conf conf = {.power = true};
	struct stage_count count;
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	cr_assert(stage_open(&stage, &conf, dice));
	pid_t receiver = stage_find(&stage, STAGE_RECEIVER);
	atomic_store(&stage.stream.counts->rate, 400);
	stage_pause_ms(100);
	for (int i = 0; i < 2; i++) {
		atomic_store(&stage.stream.counts->busy, 0);
		power_room(&stage.power, 100000);
		cr_assert(process_await(is_refused, &stage, 20000), "it fills up");
		cr_expect(process_await(says_full, &stage, 5000));
		cr_expect(process_await(is_not_ready, &stage, 5000));
		power_room(&stage.power, -1);
		cr_expect(process_await(says_nothing, &stage, 10000));
		stage_pause_ms(200);
	}
	cr_expect_eq(stage_find(&stage, STAGE_RECEIVER), receiver, "it has not even ended");
	cr_assert(stage_settle(&stage, 30000));
	cr_assert(stage_count(&stage, &count));
	cr_expect_eq(stage_count_wrong(&count), 0);
	cr_expect_eq(atomic_load(&stage.stream.counts->late), 0, "refused, and at once");
	char *log = process_read(stage.house.daemon.err);
	cr_expect(strstr(log, "inbox.db is full; free space: it goes on by itself") != NULL, "%s",
		log);
	cr_expect(strstr(log, "deliveries are stored again") != NULL, "%s", log);
	free(log);
}
