/* SPDX-License-Identifier: MIT */
/* How runs end: what the store is told, what people see, when it is tried again. */
#ifndef MOONHOOK_RUNNER_OUTCOME_H
#define MOONHOOK_RUNNER_OUTCOME_H

#include <jansson.h>

#include "base/err.h"
#include "runner/run.h"

struct runner;
struct frame;

/* A worker says that a run has ended. */
void outcome_end(struct runner *r, struct run *run, const struct frame *frame);
/* It failed with a code whose fate decides; detail may be NULL. */
void outcome_fail(
	struct runner *r, struct run *run, enum rc code, const char *error, const char *detail);
/* It was killed for the processor time it used. */
void outcome_killed(struct runner *r, struct run *run, const char *error);
/* It was alone in a worker that died. */
void outcome_died(struct runner *r, struct run *run, const char *error);
/* The store refused a write about it, its lease being lost: it is forgotten here and goes on
 * wherever it was claimed since. Said once; counts as no outcome. */
void outcome_abandon(struct runner *r, struct run *run);
/* A run whose end was put off, because effects of it were under way, ends where none is any more.
 */
void outcome_settle(struct runner *r, struct run *run);
/* Its event is the rule's own write coming back: it ends before it has begun. */
void outcome_echo(struct runner *r, struct run *run);
/* There is nothing for it to do, before it has begun. */
void outcome_skip(struct runner *r, struct run *run, const char *why);
/* A function of its rule failed: what a worker says, hostile. */
void outcome_error(struct runner *r, struct run *run, const json_t *error);
/* Goes back to the store before it has begun, for so long. */
void outcome_wait(struct runner *r, struct run *run, int64_t ms);
/* Its rule has been paused: it goes back to the store, using up no attempt, when its effects are
 * answered. */
void outcome_pause(struct runner *r, struct run *run);
/* Goes back to the store as it is, for the next start. */
void outcome_release(struct runner *r, struct run *run);

#endif
