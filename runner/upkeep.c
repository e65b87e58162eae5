/* SPDX-License-Identifier: MIT */
/*
 * The ticks of the runner.
 * From: runner.c. Every 10 ms while a worker has something to do: the watch; every 250 ms: work
 * that no wake told of; every second: gauges; every ten: pruning, of rule files that nobody needs,
 * too. A thread moves the WAL into the
 * database every 150 ms when something was written, because that waits for the disk. Fails by
 * ending the process where the store fails.
 */
#include "runner/upkeep.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/link.h"
#include "base/log.h"
#include "base/metrics.h"
#include "queue/erase.h"
#include "queue/kv.h"
#include "queue/pause.h"
#include "runner/state.h"
#include "runner/watch.h"

#define POLL_US 250000
#define BEAT_MS 1000
#define WATCH_US 10000
#define ACCURACY_US 1000
#define COUNT_MS 1000
#define COUNT_SHARE 100 /* counting may take a hundredth of the time */
#define PRUNE_MS 10000
#define PRUNE_MORE_MS 200
#define PRUNE_MOST 500
#define SOURCE_KEPT_MS 3600000 /* a version of a rule file that is live no more and unused */
/* An echo may be found by asking, much later. */
#define WRITES_KEPT_MS (INT64_C(72) * 3600 * 1000)
#define WRITES_KEPT_N 500000
#define CHECKPOINT_MS 150

static enum rc count_issue(void *ctx, const struct queue_issue *issue, struct err *err)
{
	(void)err;
	*(int64_t *)ctx += issue->acknowledged ? 0 : 1;
	return RC_OK;
}

static enum rc count_pause(void *ctx, const struct queue_pause *pause, struct err *err)
{
	(void)err;
	*(int64_t *)ctx += pause->ending ? 0 : 1;
	return RC_OK;
}

/* What somebody should look at. */
static enum rc count_bad(struct runner *r, const struct queue_counts *counts, struct err *err)
{
	int64_t issues = 0, pauses = 0;
	enum rc rc = queue_issue_each(r->queue, count_issue, &issues, err);
	if (rc == RC_OK)
		rc = queue_pause_each(r->queue, count_pause, &pauses, err);
	metrics_set(METRIC_DEAD_LETTERS, counts->runs[QUEUE_DEAD]);
	metrics_set(METRIC_QUARANTINE_RUNS, counts->runs[QUEUE_QUARANTINED]);
	metrics_set(METRIC_QUARANTINE_EVENTS, counts->events[QUEUE_QUARANTINED]);
	metrics_set(METRIC_ISSUES, issues);
	metrics_set(METRIC_RULES_PAUSED, pauses);
	return rc;
}

static void count(struct runner *r)
{
	struct queue_counts counts;
	struct err err = {0};
	int64_t from = clock_mono_ms();
	if (from < r->upkeep.count_at_ms)
		return;
	enum rc rc = queue_count(r->queue, &counts, &err);
	if (rc == RC_OK)
		rc = count_bad(r, &counts, &err);
	if (rc != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	int64_t took = clock_mono_ms() - from;
	r->upkeep.count_at_ms = from + COUNT_MS + took * COUNT_SHARE;
	int64_t depth =
		counts.runs[QUEUE_DUE] + counts.runs[QUEUE_WAITING] + counts.runs[QUEUE_RUNNING];
	int64_t age_ms = counts.oldest_open_ms != 0 ? clock_wall_ms() - counts.oldest_open_ms : 0;
	metrics_set(METRIC_QUEUE_DEPTH, depth);
	metrics_set(METRIC_QUEUE_AGE, age_ms > 0 ? age_ms / 1000 : 0);
}

/* As METRIC_API_DIALECT counts them. */
static int64_t dialect_number(const char *dialect)
{
	if (strcmp(dialect, "core") == 0)
		return 1;
	return strcmp(dialect, "docs") == 0 ? 2 : 0;
}

void upkeep_look(struct runner *r)
{
	struct client_status now;
	struct upkeep *u = &r->upkeep;
	client_status(r->client, &now);
	metrics_add(METRIC_API_CALLS, (uint64_t)(now.calls - u->told.calls));
	metrics_add(METRIC_API_REQUESTS, (uint64_t)(now.requests - u->told.requests));
	metrics_set(METRIC_API_TOKENS, (int64_t)now.tokens);
	metrics_set(METRIC_API_WAITING, now.waiting);
	waiting_look(&u->waiting, &now, clock_mono_ms());
	metrics_set(METRIC_API_DIALECT, dialect_number(now.dialect));
	metrics_set(METRIC_API_REFUSED, now.refused);
	metrics_set(METRIC_API_UNREACHABLE, !now.reachable && now.problem[0] != '\0');
	if (strcmp(now.problem, u->told.problem) != 0)
		runner_tell(r, "problem", now.problem);
	u->told = now;
}

static void prune(struct runner *r)
{
	struct err err = {0};
	size_t n = 0;
	int64_t now = clock_mono_ms();
	if (now < r->upkeep.prune_at_ms)
		return;
	int64_t wall = clock_wall_ms();
	size_t sources_n = 0, writes_n = 0, kv_n = 0;
	int64_t scrubs_n = 0;
	enum rc rc = queue_prune(r->queue, &r->settings.keep, wall, PRUNE_MOST, &n, &err);
	if (rc == RC_OK)
		rc = queue_source_prune(r->queue, wall - SOURCE_KEPT_MS, &sources_n, &err);
	if (rc == RC_OK)
		rc = queue_write_prune(
			r->queue, wall - WRITES_KEPT_MS, WRITES_KEPT_N, &writes_n, &err);
	if (rc == RC_OK)
		rc = queue_kv_prune(r->queue, wall, &kv_n, &err);
	if (rc == RC_OK) /* forgets which deliveries the receiver has emptied */
		rc = queue_erase_left(r->queue, &scrubs_n, &err);
	if (rc != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	gate_wrote(&r->gate);
	bool more = n == PRUNE_MOST || writes_n >= QUEUE_WRITES_PRUNED || kv_n >= PRUNE_MOST;
	more = inbox_prune(r) || more;
	r->upkeep.prune_at_ms = now + (more ? PRUNE_MORE_MS : PRUNE_MS);
}

/* Tells the supervisor that the loop turns. */
static void beat(struct runner *r)
{
	int64_t now = clock_mono_ms();
	if (r->link_fd < 0 || now < r->upkeep.beat_at_ms)
		return;
	r->upkeep.beat_at_ms = now + BEAT_MS;
	link_beat(r->link_fd);
}

static void again(sd_event_source *source, uint64_t us)
{
	(void)sd_event_source_set_time_relative(source, us);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* A burst is over: what it took is given back. */
static void trim(struct runner *r)
{
	bool idle = r->runs.live_n == 0 && !r->route.open;
	if (!idle)
		r->upkeep.busy = true;
	else if (r->upkeep.busy) {
		r->upkeep.busy = false;
		malloc_trim(1 << 20);
	}
}

/* A rule may have been paused by somebody else than an order. */
static void look_for_pauses(struct runner *r)
{
	struct err err = {0};
	bool more = false;
	if (!r->lead.on)
		return;
	if (queue_pause_step(r->queue, 0, &more, &err) != RC_OK)
		runner_fatal(r, &err);
	r->orders.pausing = r->orders.pausing || more;
}

static int on_poll(sd_event_source *source, uint64_t at_us, void *ctx)
{
	struct runner *r = ctx;
	(void)at_us;
	r->route.wanted = true;
	r->route.backlog = true;
	r->ticks.look = true;
	look_for_pauses(r);
	beat(r);
	pool_tend(&r->pool);
	count(r);
	upkeep_look(r);
	gap_tick(r);
	inspect_look(r);
	trim(r);
	notify_look(r);
	erasure_look(r);
	if (!r->drain.on && r->lead.on)
		prune(r);
	again(source, POLL_US);
	return 0;
}

static bool at_work(const struct runner *r)
{
	for (size_t i = 0; i < r->pool.n; i++) {
		if (r->pool.workers[i].tasks_n != 0)
			return true;
	}
	return false;
}

static int on_watch(sd_event_source *source, uint64_t at_us, void *ctx)
{
	struct runner *r = ctx;
	(void)at_us;
	watch_step(r);
	if (at_work(r))
		again(source, WATCH_US);
	else
		r->upkeep.watching = false;
	return 0;
}

void upkeep_watch(struct runner *r)
{
	if (r->upkeep.watching || !at_work(r))
		return;
	r->upkeep.watching = true;
	again(r->upkeep.watch, WATCH_US);
}

static int on_due(sd_event_source *source, uint64_t at_us, void *ctx)
{
	struct runner *r = ctx;
	struct err err = {0};
	int64_t next = INT64_MAX;
	(void)source;
	(void)at_us;
	r->route.backlog = true;
	r->upkeep.due_ms = INT64_MAX;
	if (queue_next_due(r->queue, &next, &err) != RC_OK)
		runner_fatal(r, &err);
	else if (next > jump_now_ms(r))
		upkeep_expect(r, next);
	return 0;
}

void upkeep_expect(struct runner *r, int64_t wall_ms)
{
	int64_t now = jump_now_ms(r);
	if (wall_ms >= r->upkeep.due_ms)
		return;
	r->upkeep.due_ms = wall_ms;
	int64_t wait = wall_ms > now ? wall_ms - now : 0;
	again(r->upkeep.due, (uint64_t)wait * 1000 + 500);
}

void upkeep_again(struct runner *r)
{
	(void)on_due(r->upkeep.due, 0, r);
}

/* True when the thread has to end; waits for it. */
static bool stopped(struct upkeep *u)
{
	struct timespec at;
	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += CHECKPOINT_MS * 1000000L;
	at.tv_sec += at.tv_nsec / 1000000000L;
	at.tv_nsec %= 1000000000L;
	return sem_clockwait(&u->stop, CLOCK_MONOTONIC, &at) == 0;
}

static void *checkpoint(void *ctx)
{
	struct runner *r = ctx;
	bool told = false;
	while (!stopped(&r->upkeep)) {
		struct err err = {0};
		if (!atomic_exchange(&r->upkeep.dirty, false))
			continue;
		enum rc rc = queue_checkpoint(r->queue, &err);
		if (rc != RC_OK && !told)
			log_warn(NULL, "the write-ahead log stays where it is: %s", err.msg);
		told = rc != RC_OK;
	}
	return NULL;
}

void upkeep_wrote(struct runner *r)
{
	atomic_store(&r->upkeep.dirty, true);
}

static enum rc add_timer(
	struct runner *r, sd_event_source **source, sd_event_time_handler_t fn, struct err *err)
{
	int n = sd_event_add_time_relative(r->loop, source, CLOCK_MONOTONIC, 0, ACCURACY_US, fn, r);
	if (n < 0)
		return err_set_errno(err, RC_NOMEM, -n, "cannot make a timer");
	return RC_OK;
}

enum rc upkeep_start(struct runner *r, struct err *err)
{
	r->upkeep.due_ms = INT64_MAX;
	r->upkeep.prune_at_ms = clock_mono_ms() + PRUNE_MS;
	enum rc rc = add_timer(r, &r->upkeep.poll, on_poll, err);
	if (rc == RC_OK)
		rc = add_timer(r, &r->upkeep.watch, on_watch, err);
	if (rc == RC_OK)
		rc = add_timer(r, &r->upkeep.due, on_due, err);
	if (rc != RC_OK)
		return rc;
	(void)sem_init(&r->upkeep.stop, 0, 0);
	int n = pthread_create(&r->upkeep.checkpointer, NULL, checkpoint, r);
	if (n != 0)
		return err_set_errno(err, RC_NOMEM, n, "cannot start the checkpoint thread");
	r->upkeep.running = true;
	return RC_OK;
}

void upkeep_stop(struct runner *r)
{
	if (r->upkeep.running) {
		(void)sem_post(&r->upkeep.stop);
		pthread_join(r->upkeep.checkpointer, NULL);
		(void)sem_destroy(&r->upkeep.stop);
	}
	r->upkeep.running = false;
	r->upkeep.poll = sd_event_source_disable_unref(r->upkeep.poll);
	r->upkeep.watch = sd_event_source_disable_unref(r->upkeep.watch);
	r->upkeep.due = sd_event_source_disable_unref(r->upkeep.due);
}
