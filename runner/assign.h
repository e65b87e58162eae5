/* SPDX-License-Identifier: MIT */
/* Claimed runs -> workers. */
#ifndef MOONHOOK_RUNNER_ASSIGN_H
#define MOONHOOK_RUNNER_ASSIGN_H

#include "queue/queue.h"
#include "runner/event.h"
#include "runner/pool.h"
#include "runner/run.h"

struct runner;
struct frame;

enum assign_when {
	ASSIGN_NOW,
	ASSIGN_DECIDED, /* when it has been found out whether its event is an echo */
	ASSIGN_HELD,    /* after a silence (duel.h) */
};
/* Takes up a run that was claimed at birth, to be started when it may. TAKES q; takes a reference
 * of event. */
void assign_take(
	struct runner *r, struct queue_run *q, const struct event *event, enum assign_when when);
/* Ends a claimed run that cannot even begin: a dead letter with its reason; detail may be NULL.
 * TAKES q. */
void assign_bury(
	struct runner *r, struct queue_run *q, enum rc code, const char *error, const char *detail);
/* Releases a claimed run for which there is no slot. TAKES q. */
void assign_give_back(struct runner *r, struct queue_run *q);
/* Claims due runs of the store as far as there are slots. */
void assign_claim(struct runner *r);
/* Gives pending runs to workers. */
void assign_place(struct runner *r);
/* A frame about a run: a log line, a call, its end, nothing. */
/* A worker says what it thinks of `when`, of a run that stands for several events. */
void assign_when(struct runner *r, struct worker *worker, const struct frame *frame);
void assign_frame(struct runner *r, struct worker *worker, const struct frame *frame);
/* Tells a worker to forget what it holds for this run. */
void assign_cancel(struct worker *worker, uint32_t slot, uint32_t generation);

#endif
