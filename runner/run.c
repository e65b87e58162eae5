/* SPDX-License-Identifier: MIT */
/*
 * The table of live runs and the only place where the state of one changes.
 * From: route.c and assign.c (claimed runs), outcome.c (ended ones). Fails where no slot is free; a
 * move the table does not know is a fault of the program and stops it. Does not speak to workers or
 * to the store.
 */
#include "runner/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runner/echo_tale.h"

static void set_state(struct run *run, enum run_state to)
{
	static const bool may[RUN_STATE_N][RUN_STATE_N] = {
		[RUN_FREE] = {[RUN_PENDING] = true},
		[RUN_PENDING] = {[RUN_ACTIVE] = true, [RUN_FREE] = true},
		[RUN_ACTIVE] = {[RUN_SUSPENDED] = true, [RUN_PENDING] = true, [RUN_FREE] = true},
		[RUN_SUSPENDED] = {[RUN_ACTIVE] = true, [RUN_PENDING] = true, [RUN_FREE] = true},
	};
	assert(may[run->state][to]);
	run->state = to;
}

static void link_into(struct run *run, struct run **at)
{
	run->next = *at;
	run->at = at;
	if (run->next != NULL)
		run->next->at = &run->next;
	*at = run;
}

static void leave_list(struct runs *runs, struct run *run)
{
	if (run->at == NULL)
		return;
	if (runs->pending_end == &run->next)
		runs->pending_end = run->at;
	*run->at = run->next;
	if (run->next != NULL)
		run->next->at = run->at;
	run->next = NULL;
	run->at = NULL;
}

static void join_pending(struct runs *runs, struct run *run)
{
	link_into(run, runs->pending_end);
	runs->pending_end = &run->next;
}

static void leave_worker(struct run *run)
{
	struct worker *w = run->worker;
	if (w == NULL)
		return;
	w->runs_n--;
	if (w->runs_n == 0)
		w->reserved = false;
	run->worker = NULL;
}

/* Counts the time from then to now, as far as it is not within the time counted last. */
static void count_from(struct run *run, int64_t then_us)
{
	int64_t now = clock_mono_us();
	if (then_us >= run->counted_us) {
		run->used_us += now - then_us;
		run->counted_from_us = then_us;
	} else {
		run->used_us += now - run->counted_us;
		if (then_us < run->counted_from_us) {
			run->used_us += run->counted_from_us - then_us;
			run->counted_from_us = then_us;
		}
	}
	run->counted_us = now;
}

static void stop_counting(struct run *run)
{
	if (run->counting_us != 0)
		count_from(run, run->counting_us);
	run->counting_us = 0;
}

void run_count(struct run *run, int64_t wire_us)
{
	if (run->counting_us != 0)
		count_from(run, run->counting_us);
	count_from(run, clock_mono_us() - wire_us);
}

enum rc runs_open(struct runs *runs, size_t max, struct err *err)
{
	*runs = (struct runs){.max = max, .wanted = max};
	runs->slots = calloc(RUN_SLOTS_MAX, sizeof(*runs->slots));
	if (runs->slots == NULL)
		return err_set(err, RC_NOMEM, "no memory for runs");
	runs->pending_end = &runs->pending;
	return RC_OK;
}

void runs_resize(struct runs *runs, size_t max)
{
	runs->wanted = max;
	runs->max = runs->live_n > max ? runs->live_n : max;
}

/* A slot that was used before, else the next one. NULL: there are max live runs already. */
static struct run *find_slot(struct runs *runs)
{
	if (runs->live_n >= runs->max)
		return NULL;
	if (runs->unused == NULL) {
		struct run *run = &runs->slots[runs->slots_n];
		run->slot = (uint32_t)runs->slots_n++;
		link_into(run, &runs->unused);
	}
	return runs->unused;
}

static void empty(struct run *run)
{
	queue_run_done(&run->q);
	event_unref(run->event);
	version_unref(run->source);
	journal_done(&run->journal);
	buf_done(&run->log);
	free(run->later);
	if (run->loop != NULL)
		echo_tale_done(run->loop);
	free(run->loop);
	free(run->rest);
	uint32_t slot = run->slot, generation = run->generation;
	*run = (struct run){.slot = slot, .generation = generation};
}

void runs_close(struct runs *runs)
{
	for (size_t i = 0; i < runs->slots_n; i++) {
		if (runs->slots[i].state != RUN_FREE)
			empty(&runs->slots[i]);
	}
	free(runs->slots);
	*runs = (struct runs){0};
}

struct run *run_new(struct runs *runs, struct queue_run *q, struct event *event,
	struct version *source, const struct run_limits *limits)
{
	struct run *run = find_slot(runs);
	if (run == NULL)
		return NULL;
	leave_list(runs, run);
	run->q = *q;
	*q = (struct queue_run){0};
	run->event = event;
	run->source = source;
	run->limits = *limits;
	run->started_ms = clock_wall_ms();
	run->suspect = run->q.deaths > 0;
	buf_init(&run->log, RUN_LOG_BYTES + 4096);
	set_state(run, RUN_PENDING);
	join_pending(runs, run);
	runs->live_n++;
	return run;
}

void run_free(struct runs *runs, struct run *run)
{
	assert(run->calls == NULL);
	leave_list(runs, run);
	leave_worker(run);
	set_state(run, RUN_FREE);
	empty(run);
	link_into(run, &runs->unused);
	runs->live_n--;
	runs_resize(runs, runs->wanted);
}

struct run *run_find(struct runs *runs, uint32_t slot, uint32_t generation)
{
	if (slot >= runs->slots_n)
		return NULL;
	struct run *run = &runs->slots[slot];
	bool here = run->state == RUN_ACTIVE || run->state == RUN_SUSPENDED;
	return here && run->generation == generation ? run : NULL;
}

void run_enter(struct runs *runs, struct run *run, struct worker *worker)
{
	set_state(run, RUN_ACTIVE);
	leave_list(runs, run);
	run->generation++;
	run->worker = worker;
	worker->runs_n++;
	worker->reserved = run->suspect;
	link_into(run, &worker->runs);
	run->counting_us = clock_mono_us();
}

void run_suspend(struct run *run)
{
	stop_counting(run);
	if (run->state != RUN_SUSPENDED)
		set_state(run, RUN_SUSPENDED);
}

void run_resume(struct run *run)
{
	if (run->state != RUN_ACTIVE)
		set_state(run, RUN_ACTIVE);
	if (run->counting_us == 0)
		run->counting_us = clock_mono_us();
}

void run_leave(struct runs *runs, struct run *run)
{
	stop_counting(run);
	set_state(run, RUN_PENDING);
	leave_list(runs, run);
	leave_worker(run);
	join_pending(runs, run);
}

void run_restart(struct runs *runs, struct run *run)
{
	run_leave(runs, run);
	journal_rewind(&run->journal);
	run->calls_n = run->logs_n = 0;
	run->unread_n = run->held_n = 0;
	buf_clear(&run->log);
	run->log_full = false;
	run->ended = false;
}

int64_t run_wall_ms(const struct run *run)
{
	int64_t us = run->used_us;
	int64_t from = run->counting_us > run->counted_us ? run->counting_us : run->counted_us;
	if (run->counting_us != 0)
		us += clock_mono_us() - from;
	return us / 1000;
}
