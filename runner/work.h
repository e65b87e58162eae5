/* SPDX-License-Identifier: MIT */
/* Claimed runs -> workers. */
#ifndef MOONHOOK_RUNNER_WORK_H
#define MOONHOOK_RUNNER_WORK_H

#include "queue/queue.h"
#include "runner/event.h"
#include "runner/pool.h"
#include "runner/run.h"

struct runner;
struct frame;

/* Takes up a run that was claimed at birth. TAKES q; takes a reference of event. */
void work_take(struct runner *r, struct queue_run *q, struct event *event);
/* Ends a claimed run that cannot even begin: a dead letter with its reason. TAKES q. */
void work_bury(struct runner *r, struct queue_run *q, enum rc code, const char *error);
/* Releases a claimed run for which there is no slot. TAKES q. */
void work_give_back(struct runner *r, struct queue_run *q);
/* Claims due runs of the store as far as there are slots. */
void work_claim(struct runner *r);
/* Gives pending runs to workers. */
void work_place(struct runner *r);
/* A frame about a run: a log line, a call, its end. */
void work_frame(struct runner *r, struct worker *worker, const struct frame *frame);
/* Tells a worker to forget what it holds for this run. */
void work_cancel(struct worker *worker, uint32_t slot, uint32_t generation);

#endif
