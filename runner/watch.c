/* SPDX-License-Identifier: MIT */
/*
 * Silent and dead workers.
 * From: upkeep.c's tick, pool.c. A worker that has executed one thing for 20 ms of its own
 * processor time gets nothing new, and what else it holds goes on elsewhere, replayed from the
 * journal; past the limit of what it executes it is killed. Processor time, not wall time, so that
 * a busy machine makes nobody guilty; a worker that does not run at all (stopped, swapped out) is
 * given seconds.
 *
 * Blame: a run that was executed when its worker died, or has seen three workers die, is a suspect
 * and goes on alone in a worker. Only a run that was alone is blamed for a death; three, and it is
 * quarantined. Where a worker is ended for what it says, the one of whom it says it counts as
 * executed. The other runs of a dead worker go on elsewhere at once.
 */
#include "runner/watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runner/assign.h"
#include "runner/outcome.h"
#include "runner/state.h"

#define SILENT_US 20000
#define GRACE_MS 250       /* for a polite end, behind the limit */
#define STOPPED_US 2000000 /* without using any processor time */
#define STOPPED_KILL_US 15000000
#define PAUSE_US 1000000 /* between two looks: the runner itself, or the machine, stood still */
#define DEATHS_SEEN_MAX 3

static struct run *run_of(struct runner *r, const struct pool_task *task)
{
	return task->run < ROUTE_SLOT ? run_find(&r->runs, task->run, task->generation) : NULL;
}

/* What the worker was asked behind the thing it executes goes to others. */
static void take_back(struct runner *r, struct worker *w)
{
	const struct pool_task *task = pool_task(w);
	struct run *guilty = task != NULL ? run_of(r, task) : NULL;
	struct run *next;
	for (size_t i = 1; i < w->tasks_n; i++) {
		const struct pool_task *t = pool_task_at(w, i);
		if (t->kind == FRAME_WHEN)
			route_take_back(r, t);
	}
	for (struct run *run = w->runs; run != NULL; run = next) {
		next = run->next;
		if (run == guilty || w->state == WORKER_NONE)
			continue;
		uint32_t slot = run->slot, generation = run->generation;
		run_restart(&r->runs, run);
		assign_cancel(w, slot, generation);
	}
}

/* code: whose fault it is; RC_WORKER: not that of what it executes. */
static void kill_worker(struct worker *w, enum rc code, const char *text)
{
	struct err err;
	err_set(&err, code, "%s", text);
	pool_kill(w, &err);
}

/* Time in which nobody could look is nobody's. */
static void skip_pause(struct worker *w, int64_t now)
{
	int64_t gap = now - w->looked_us;
	w->looked_us = now;
	if (gap > PAUSE_US)
		w->watched_us += gap;
}

static void look(struct runner *r, struct worker *w)
{
	const struct pool_task *task = pool_task(w);
	int64_t now = clock_mono_us(), cpu = clock_process_us(w->pid);
	skip_pause(w, now);
	if (task == NULL || w->watched_cpu_us < 0 || w->ended_n != w->watched_n) {
		w->watched_n = w->ended_n;
		w->watched_us = now;
		w->watched_cpu_us = cpu;
		return;
	}
	int64_t used = cpu - w->watched_cpu_us, passed = now - w->watched_us;
	char text[128];
	if (used / 1000 > task->cpu_ms + GRACE_MS) {
		snprintf(text, sizeof(text),
			"it used more than %" PRId64 " ms of processor time and did not stop",
			task->cpu_ms);
		kill_worker(w, RC_CPU, text);
		return;
	}
	if (passed > STOPPED_KILL_US + task->cpu_ms * 1000) {
		snprintf(text, sizeof(text), "it did not run for %" PRId64 " s", passed / 1000000);
		kill_worker(w, RC_WORKER, text);
		return;
	}
	if (w->state != WORKER_READY || (used < SILENT_US && passed < STOPPED_US))
		return;
	w->state = WORKER_SILENT;
	take_back(r, w);
}

void watch_step(struct runner *r)
{
	for (size_t i = 0; i < r->pool.n; i++) {
		struct worker *w = &r->pool.workers[i];
		if (w->state == WORKER_READY || w->state == WORKER_SILENT)
			look(r, w);
	}
}

static void tell_gone(const struct worker *w, const struct run *head, const struct err *why)
{
	struct log_fields f = {0};
	size_t n = w->runs_n - (head != NULL);
	if (head != NULL) {
		f.rule = head->q.rule;
		f.run = head->q.id.text;
		f.event = head->q.event.text;
	}
	log_warn(&f, "a worker ended: %s (%zu run%s on elsewhere)", why->msg, n,
		n == 1 ? " goes" : "s go");
}

static void judge(struct runner *r, struct run *run, bool head, bool alone, const struct err *why)
{
	char text[320];
	run->deaths_seen++;
	if (head && why->code == RC_CPU) {
		snprintf(text, sizeof(text), "the worker was killed: %s", why->msg);
		outcome_killed(r, run, text);
	} else if (alone && (head || run->suspect)) {
		snprintf(text, sizeof(text), "the run ended its worker: %s", why->msg);
		outcome_died(r, run, text);
	} else {
		run->suspect |= head || run->deaths_seen >= DEATHS_SEEN_MAX;
		run_restart(&r->runs, run);
	}
}

/* What the worker is ended for: what it says right now, whose task may be off its list already,
 * else what it executes. Which of the two a frame for a head is, its number tells. */
static const struct pool_task *blamed_task(const struct worker *w, struct pool_task *ret_said)
{
	const struct frame *f = w->frame;
	if (f == NULL)
		return pool_task(w);
	enum frame_kind kind = f->run >= RULES_SLOT   ? FRAME_LOAD
			       : f->run >= ROUTE_SLOT ? FRAME_WHEN
						      : FRAME_START;
	*ret_said = (struct pool_task){kind, f->run, f->generation, 0};
	return ret_said;
}

static void tell_owner(
	struct runner *r, const struct pool_task *task, bool blamed, const struct err *why)
{
	if (task->run >= RULES_SLOT && task->kind == FRAME_LOAD)
		rules_gone(r, task, blamed, why);
	else if (task->kind == FRAME_WHEN)
		route_gone(r, task, blamed, why);
}

void watch_gone(struct runner *r, struct worker *worker, const struct err *why)
{
	struct pool_task said;
	const struct pool_task *first = blamed_task(worker, &said);
	struct run *head = first != NULL ? run_of(r, first) : NULL;
	struct run *next;
	if (head != NULL && head->worker != worker)
		head = NULL;
	bool alone = worker->runs_n == 1;
	tell_gone(worker, head, why);
	if (first == &said)
		tell_owner(r, first, true, why);
	for (size_t i = 0; i < worker->tasks_n; i++) {
		const struct pool_task *t = pool_task_at(worker, i);
		if (first != &said || t->run != said.run || t->generation != said.generation)
			tell_owner(r, t, t == first, why);
	}
	for (struct run *run = worker->runs; run != NULL; run = next) {
		next = run->next;
		judge(r, run, run == head, alone, why);
	}
}
