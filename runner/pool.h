/* SPDX-License-Identifier: MIT */
/*
 * The worker processes: started, fed, watched, replaced.
 *
 *   a worker:  none --spawn--> starting --READY--> ready <--> silent
 *                ^                 |                 |          |
 *                +---- back-off ---+----- gone ------+----------+
 *
 * A worker does one thing at a time, in the order it was asked: the earliest input without an
 * answer is what it executes.
 */
#ifndef MOONHOOK_RUNNER_POOL_H
#define MOONHOOK_RUNNER_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/err.h"
#include "runner/channel.h"
#include "runner/spawn.h"
#include "runner/version.h"

#define POOL_MAX 128 /* workers, spare ones included */

enum worker_state {
	WORKER_NONE,     /* no process; perhaps waiting for its back-off */
	WORKER_STARTING, /* started, has not said READY */
	WORKER_READY,
	WORKER_SILENT, /* executes something for too long: gets nothing new */
};

struct pool_task {            /* one input without an answer yet */
	enum frame_kind kind; /* LOAD, WHEN, START, RESUME */
	uint32_t run, generation;
	int64_t cpu_ms; /* what it may use */
};

struct run;

struct worker {
	struct pool *pool;
	size_t index;
	enum worker_state state;
	pid_t pid;
	struct channel channel;
	struct pool_task *tasks; /* ring: oldest at task_first */
	size_t task_first, tasks_n, tasks_cap;
	const struct frame *frame; /* what it says right now: blamed for a kill; NULL: nothing */
	const struct version **loaded; /* rule files it holds */
	size_t loaded_n, loaded_cap;
	struct run *runs; /* that live in it; run.c's list */
	size_t runs_n;
	bool reserved;               /* holds one run that is under suspicion, and nothing else */
	int64_t started_ms, idle_ms; /* mono */
	int64_t spawn_at_ms;         /* mono; of a worker that is to be started */
	int failures;                /* in a row before READY */
	uint64_t ended_n;            /* tasks, whatever else it says meanwhile */
	uint64_t watched_n;          /* ended_n when the watch last saw it move */
	int64_t watched_us, watched_cpu_us; /* since then: mono, and its processor time */
	int64_t looked_us;                  /* mono: the watch looked last, or it got a task */
};

struct pool_owner { /* BORROWS */
	void *ctx;
	void (*frame)(void *ctx, struct worker *worker, const struct frame *frame);
	/* The process is dead; tasks and runs are still listed, and forgotten afterwards. */
	void (*gone)(void *ctx, struct worker *worker, const struct err *why);
	void (*ready)(void *ctx, struct worker *worker);
	/* For an owner that comes and goes: its first worker is from here, and one that is idle at
	 * the end goes back. NULL: as a daemon does. */
	struct spawn_shelf *shelf;
};

struct pool {
	sd_event *loop;
	const char *exe; /* program to start as a worker */
	size_t base_n;   /* workers that are always there */
	struct worker workers[POOL_MAX];
	size_t n; /* highest index in use + 1 */
	struct pool_owner owner;
	bool closing;
};

/* exe: STATIC. Starts base_n workers; a start that fails is tried again with back-off. */
void pool_open(struct pool *pool, sd_event *loop, const char *exe, size_t base_n,
	const struct pool_owner *owner);
/* Ends every worker and waits for it. */
void pool_close(struct pool *pool);
/* Changes how many there are; the superfluous ones end when they are empty. */
void pool_resize(struct pool *pool, size_t base_n);
/* One more for a while, because the others are busy; nothing where there are many already. */
void pool_grow(struct pool *pool);
/* Starts what is due, ends spare workers that are idle. Call it every now and then. */
void pool_tend(struct pool *pool);

/* The worker to give a run, least loaded first; NULL: none can take one. */
struct worker *pool_pick(struct pool *pool);
/* An empty one, for a run that must be alone. */
struct worker *pool_pick_empty(struct pool *pool);

/* Sends a frame; LOAD, WHEN, START and RESUME become tasks. RC_TOO_LARGE: the frame is; RC_CLOSED:
 * the worker had to be ended (`gone` was called). */
enum rc pool_send(struct worker *worker, const struct frame *frame, int64_t cpu_ms,
	struct err *err) must_check;
/* Makes the worker hold the source, if it does not yet. As pool_send. */
enum rc pool_load(struct worker *worker, const struct version *source, struct err *err) must_check;
/* The same, and its HEAD comes back under run and generation. */
enum rc pool_load_as(struct worker *worker, const struct version *source, uint32_t run,
	uint32_t generation, struct err *err) must_check;
/* Tells all workers that hold it to forget a source. */
void pool_drop(struct pool *pool, const struct version *source);
/* What it executes; NULL: it waits for input. */
const struct pool_task *pool_task(const struct worker *worker);
/* The i-th task, oldest first. */
const struct pool_task *pool_task_at(const struct worker *worker, size_t i);
/* Kills it, waits for its end, calls `gone` with why. */
void pool_kill(struct worker *worker, const struct err *why);
/* At the end of a turn of the loop. */
void pool_flush(struct pool *pool);
size_t pool_alive(const struct pool *pool);

#endif
