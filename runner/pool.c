/* SPDX-License-Identifier: MIT */
/*
 * Worker processes and what each has been asked.
 * From: runner.c (life), assign.c, route.c, rules.c (frames to send). To: the owner's call backs,
 * frame by frame. A worker is started with posix_spawn of this program, with an empty environment
 * and no descriptor but its socket; it locks itself up. Fails by ending the worker: whatever is odd
 * about one costs its life, and its runs go on elsewhere. Does not know what runs are.
 */
#include "runner/pool.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runner/spawn.h"

#define START_MAX_MS 20000       /* until READY */
#define BACKLOG_BYTES (4u << 20) /* more unsent than this: no new runs */
#define SPARE_IDLE_MS 5000
#define LOAD_CPU_MS 1000 /* for reading one rule file */
#define BACKOFF_MS 100
#define BACKOFF_MAX_MS 5000

static void forget(struct worker *w)
{
	free(w->tasks);
	free(w->loaded);
	w->tasks = NULL;
	w->loaded = NULL;
	w->task_first = w->tasks_n = w->tasks_cap = 0;
	w->loaded_n = w->loaded_cap = 0;
	w->frame = NULL;
	w->runs = NULL;
	w->runs_n = 0;
	w->reserved = false;
}

const struct pool_task *pool_task_at(const struct worker *worker, size_t i)
{
	return &worker->tasks[(worker->task_first + i) % worker->tasks_cap];
}

const struct pool_task *pool_task(const struct worker *worker)
{
	return worker->tasks_n != 0 ? pool_task_at(worker, 0) : NULL;
}

static bool push_task(struct worker *w, const struct pool_task *task)
{
	if (w->tasks_n == w->tasks_cap) {
		size_t cap = w->tasks_cap != 0 ? w->tasks_cap * 2 : 64;
		struct pool_task *p = calloc(cap, sizeof(*p));
		if (p == NULL)
			return false;
		for (size_t i = 0; i < w->tasks_n; i++)
			p[i] = *pool_task_at(w, i);
		free(w->tasks);
		w->tasks = p;
		w->tasks_cap = cap;
		w->task_first = 0;
	}
	w->tasks[(w->task_first + w->tasks_n++) % w->tasks_cap] = *task;
	return true;
}

static bool answers(const struct pool_task *t, const struct frame *f)
{
	if (t->run != f->run || t->generation != f->generation)
		return false;
	switch (f->kind) {
	case FRAME_HEAD_OF_FILE:
		return t->kind == FRAME_LOAD;
	case FRAME_WHEN:
		return t->kind == FRAME_WHEN;
	default: /* CALL, END, BEAT */
		return t->kind == FRAME_START || t->kind == FRAME_RESUME;
	}
}

/* An answer ends its task and what was asked before it; one that answers no task ends nothing.
 * False: it left out a question, which somebody waits for. */
static bool end_tasks(struct worker *w, const struct frame *f)
{
	bool left_out = false;
	for (size_t i = 0; i < w->tasks_n; i++) {
		const struct pool_task *t = pool_task_at(w, i);
		if (!answers(t, f)) {
			left_out |= t->kind == FRAME_WHEN || t->kind == FRAME_LOAD;
			continue;
		}
		if (left_out)
			return false;
		w->task_first = (w->task_first + i + 1) % w->tasks_cap;
		w->tasks_n -= i + 1;
		w->ended_n++;
		if (w->state == WORKER_SILENT)
			w->state = WORKER_READY;
		return true;
	}
	return true;
}

static void on_ready(struct worker *w)
{
	if (w->state != WORKER_STARTING)
		return;
	w->state = WORKER_READY;
	w->failures = 0;
	w->idle_ms = clock_mono_ms();
	metrics_set(METRIC_WORKERS, (int64_t)pool_alive(w->pool));
	w->pool->owner.ready(w->pool->owner.ctx, w);
}

static void on_frame(void *ctx, const struct frame *f)
{
	struct worker *w = ctx;
	struct err err;
	switch (f->kind) {
	case FRAME_READY:
		on_ready(w);
		return;
	case FRAME_BEAT:
	case FRAME_HEAD_OF_FILE:
	case FRAME_WHEN:
	case FRAME_CALL:
	case FRAME_END:
		if (f->kind == FRAME_BEAT && f->generation == 0)
			return; /* a sign of life */
		if (end_tasks(w, f))
			break;
		err_set(&err, RC_PARSE, "it left out an answer");
		pool_kill(w, &err);
		return;
	case FRAME_LOG:
	case FRAME_SIDE: /* its run goes on: another frame is its answer */
		break;
	case FRAME_LOAD:
	case FRAME_DROP:
	case FRAME_START:
	case FRAME_RESUME:
	case FRAME_CANCEL:
	case FRAME_TEST:
	case FRAME_TOLD: /* it was not asked */
	case FRAME_KIND_END:
		err_set(&err, RC_PARSE, "it sent a frame that only the runner sends");
		w->frame = f;
		pool_kill(w, &err);
		return;
	}
	if (w->state != WORKER_READY && w->state != WORKER_SILENT)
		return;
	w->frame = f;
	w->pool->owner.frame(w->pool->owner.ctx, w, f);
	w->frame = NULL;
}

static void on_broken(void *ctx, const struct err *err)
{
	pool_kill(ctx, err);
}

static bool take_from_shelf(struct worker *w, int *ret_fd)
{
	struct spawn_shelf *shelf = w->pool->owner.shelf;
	if (shelf == NULL || shelf->pid == 0)
		return false;
	w->pid = shelf->pid;
	*ret_fd = shelf->fd;
	shelf->pid = 0;
	return true;
}

/* Only one that has nothing to do, nor anything to say: whoever takes it sees what it says then. */
static void put_on_shelf(struct worker *w)
{
	struct spawn_shelf *shelf = w->pool->owner.shelf;
	if (shelf == NULL || shelf->pid != 0 || w->state != WORKER_READY || w->tasks_n != 0 ||
		w->runs_n != 0 || channel_backlog(&w->channel) != 0)
		return;
	shelf->fd = channel_leave(&w->channel);
	shelf->pid = w->pid;
	w->pid = 0;
}

static enum rc start(struct worker *w, struct err *err)
{
	int fd = -1;
	bool taken = take_from_shelf(w, &fd);
	enum rc rc = taken ? RC_OK : spawn_worker(w->pool->exe, &w->pid, &fd, err);
	if (rc != RC_OK)
		return rc;
	struct channel_owner owner = {w, on_frame, on_broken};
	w->state = taken ? WORKER_READY : WORKER_STARTING;
	w->started_ms = w->idle_ms = clock_mono_ms();
	metrics_add(METRIC_WORKER_STARTS, 1);
	return channel_open(&w->channel, w->pool->loop, fd, &owner, err);
}

static void plan_start(struct worker *w)
{
	int64_t wait = 0;
	if (w->failures > 0)
		wait = (int64_t)BACKOFF_MS << (w->failures < 7 ? w->failures - 1 : 6);
	w->spawn_at_ms = clock_mono_ms() + (wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS);
}

static void try_start(struct worker *w)
{
	struct err err = {0};
	if (start(w, &err) == RC_OK)
		return;
	w->failures++;
	plan_start(w);
	log_error(NULL, "%s", err.msg);
	if (w->state != WORKER_NONE)
		pool_kill(w, &err);
}

static void end_process(struct worker *w)
{
	channel_close(&w->channel);
	spawn_end(w->pid);
	w->pid = 0;
}

void pool_kill(struct worker *worker, const struct err *why)
{
	bool was_starting = worker->state == WORKER_STARTING;
	if (worker->state == WORKER_NONE)
		return;
	end_process(worker);
	worker->state = WORKER_NONE;
	worker->failures = was_starting ? worker->failures + 1 : 0;
	plan_start(worker);
	if (was_starting)
		log_error(NULL, "a worker ended before it was ready: %s", why->msg);
	worker->pool->owner.gone(worker->pool->owner.ctx, worker, why);
	forget(worker);
	metrics_set(METRIC_WORKERS, (int64_t)pool_alive(worker->pool));
}

void pool_open(struct pool *pool, sd_event *loop, const char *exe, size_t base_n,
	const struct pool_owner *owner)
{
	*pool = (struct pool){.loop = loop, .exe = exe, .base_n = base_n, .owner = *owner};
	for (size_t i = 0; i < POOL_MAX; i++) {
		struct worker *w = &pool->workers[i];
		w->pool = pool;
		w->index = i;
		channel_init(&w->channel);
	}
	pool->n = base_n;
	pool_tend(pool);
}

void pool_close(struct pool *pool)
{
	pool->closing = true;
	for (size_t i = 0; i < pool->n; i++) {
		struct worker *w = &pool->workers[i];
		put_on_shelf(w);
		end_process(w);
		forget(w);
		w->state = WORKER_NONE;
	}
	metrics_set(METRIC_WORKERS, 0);
}

void pool_resize(struct pool *pool, size_t base_n)
{
	pool->base_n = base_n;
	if (pool->n < base_n)
		pool->n = base_n;
	pool_tend(pool);
}

void pool_grow(struct pool *pool)
{
	size_t most = pool->base_n * 2 + 2 < POOL_MAX ? pool->base_n * 2 + 2 : POOL_MAX;
	for (size_t i = 0; i < most; i++) {
		if (pool->workers[i].state == WORKER_STARTING)
			return;
	}
	for (size_t i = pool->base_n; i < most; i++) {
		if (pool->workers[i].state != WORKER_NONE)
			continue;
		if (pool->n <= i)
			pool->n = i + 1;
		try_start(&pool->workers[i]);
		return;
	}
}

static void tend_spare(struct worker *w, int64_t now)
{
	bool idle = w->state == WORKER_READY && w->runs_n == 0 && w->tasks_n == 0;
	if (!idle || w->reserved)
		w->idle_ms = now;
	else if (now - w->idle_ms > SPARE_IDLE_MS) {
		end_process(w);
		forget(w);
		w->state = WORKER_NONE;
		metrics_set(METRIC_WORKERS, (int64_t)pool_alive(w->pool));
	}
}

void pool_tend(struct pool *pool)
{
	int64_t now = clock_mono_ms();
	for (size_t i = 0; i < pool->n && !pool->closing; i++) {
		struct worker *w = &pool->workers[i];
		if (w->state == WORKER_STARTING && now - w->started_ms > START_MAX_MS) {
			struct err err;
			err_set(&err, RC_TIMEOUT, "it did not become ready in time");
			pool_kill(w, &err);
		}
		if (i >= pool->base_n)
			tend_spare(w, now);
		else if (w->state == WORKER_NONE && w->spawn_at_ms <= now)
			try_start(w);
	}
}

struct worker *pool_pick(struct pool *pool)
{
	struct worker *best = NULL;
	size_t least = SIZE_MAX;
	for (size_t i = 0; i < pool->n; i++) {
		struct worker *w = &pool->workers[i];
		if (w->state != WORKER_READY || w->reserved ||
			channel_backlog(&w->channel) > BACKLOG_BYTES)
			continue;
		size_t load = w->runs_n + 4 * w->tasks_n + (i >= pool->base_n ? 1000000 : 0);
		if (load < least) {
			least = load;
			best = w;
		}
	}
	return best;
}

struct worker *pool_pick_empty(struct pool *pool)
{
	for (size_t i = pool->n; i-- > 0;) {
		struct worker *w = &pool->workers[i];
		if (w->state == WORKER_READY && !w->reserved && w->runs_n == 0 && w->tasks_n == 0)
			return w;
	}
	return NULL;
}

static bool is_task(enum frame_kind kind)
{
	return kind == FRAME_LOAD || kind == FRAME_WHEN || kind == FRAME_START ||
	       kind == FRAME_RESUME;
}

enum rc pool_send(struct worker *worker, const struct frame *frame, int64_t cpu_ms, struct err *err)
{
	struct err why;
	if (worker->state == WORKER_NONE)
		return err_set(err, RC_CLOSED, "the worker is gone");
	if (frame->payload.n > FRAME_MAX - FRAME_HEAD)
		return err_set(
			err, RC_TOO_LARGE, "%zu bytes are too many for a worker", frame->payload.n);
	enum rc rc = channel_put(&worker->channel, frame);
	struct pool_task task = {frame->kind, frame->run, frame->generation, cpu_ms};
	if (rc == RC_OK && is_task(frame->kind)) {
		if (worker->tasks_n == 0) { /* its time starts now */
			worker->watched_us = worker->looked_us = clock_mono_us();
			worker->watched_cpu_us = -1;
		}
		if (!push_task(worker, &task))
			rc = RC_NOMEM;
	}
	if (rc == RC_OK)
		return RC_OK;
	err_set(&why, rc, "it does not read what it is sent");
	pool_kill(worker, &why);
	return err_set(err, RC_CLOSED, "the worker is gone");
}

static bool holds(const struct worker *w, const struct version *source)
{
	for (size_t i = 0; i < w->loaded_n; i++) {
		if (w->loaded[i] == source)
			return true;
	}
	return false;
}

static bool note_loaded(struct worker *w, const struct version *source)
{
	if (w->loaded_n == w->loaded_cap) {
		size_t cap = w->loaded_cap != 0 ? w->loaded_cap * 2 : 16;
		const struct version **p = realloc(w->loaded, cap * sizeof(const struct version *));
		if (p == NULL)
			return false;
		w->loaded = p;
		w->loaded_cap = cap;
	}
	w->loaded[w->loaded_n++] = source;
	return true;
}

enum rc pool_load_as(struct worker *worker, const struct version *source, uint32_t run,
	uint32_t generation, struct err *err)
{
	if (!holds(worker, source) && !note_loaded(worker, source))
		return err_set(err, RC_NOMEM, "no memory for a worker's rules");
	struct frame load = {FRAME_LOAD, run, generation, {source->load, source->load_n}};
	return pool_send(worker, &load, LOAD_CPU_MS, err);
}

enum rc pool_load(struct worker *worker, const struct version *source, struct err *err)
{
	return holds(worker, source) ? RC_OK : pool_load_as(worker, source, UINT32_MAX, 0, err);
}

void pool_drop(struct pool *pool, const struct version *source)
{
	char text[DIGEST_HEX_N + 16];
	int n = snprintf(text, sizeof(text), "{\"hash\":\"%s\"}", source->hash);
	struct frame drop = {FRAME_DROP, 0, 0, {text, (size_t)n}};
	for (size_t i = 0; i < pool->n; i++) {
		struct worker *w = &pool->workers[i];
		for (size_t k = 0; k < w->loaded_n; k++) {
			if (w->loaded[k] != source)
				continue;
			w->loaded[k] = w->loaded[--w->loaded_n];
			struct err err;
			if (pool_send(w, &drop, 0, &err) != RC_OK)
				break;
		}
	}
}

void pool_flush(struct pool *pool)
{
	for (size_t i = 0; i < pool->n; i++)
		channel_flush(&pool->workers[i].channel);
}

size_t pool_alive(const struct pool *pool)
{
	size_t n = 0;
	for (size_t i = 0; i < pool->n; i++)
		n += pool->workers[i].state == WORKER_READY ||
		     pool->workers[i].state == WORKER_SILENT;
	return n;
}
