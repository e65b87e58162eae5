/* SPDX-License-Identifier: MIT */
/*
 * Effects of a runner before us whose answers it did not live to see: until the run has repeated
 * them and has been answered, they are under way (flight.h).
 */
#ifndef MOONHOOK_RUNNER_LOST_H
#define MOONHOOK_RUNNER_LOST_H

#include "queue/queue.h"
#include "runner/run.h"

struct runner;

/* Of a run that is taken up again: a call without an answer. RC_NOMEM. */
enum rc lost_add(struct runner *r, struct run *run, const struct queue_call *call,
	struct err *err) must_check;
/* The call at this path is answered. */
void lost_found(struct runner *r, struct run *run, const char *path);
/* The run leaves its slot. */
void lost_forget(struct runner *r, struct run *run);

#endif
