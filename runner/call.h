/* SPDX-License-Identifier: MIT */
/* Calls of rules: journaled, sent, answered. */
#ifndef MOONHOOK_RUNNER_CALL_H
#define MOONHOOK_RUNNER_CALL_H

#include <jansson.h>

#include "runner/run.h"

/* Calls over the quota that are answered with an error, before the run is ended. */
#define CALL_QUOTA_PATIENCE 100

struct runner;
struct frame;

/* A run asks. What cannot be a call of an honest worker ends the worker. */
void call_take(struct runner *r, struct run *run, const struct frame *frame);
/*
 * A read of the runner's own for a run that has no worker: journaled at this path as any call, its
 * answer is in the journal when it has come. args: BORROWED. The run may be gone afterwards.
 */
void call_own_read(
	struct runner *r, struct run *run, const char *path, const char *object, json_t *args);
/* An effect of the run is under way. */
bool call_effect(const struct run *run);
/* The run is over: its calls are forgotten, those on the wire go on. */
void call_forget(struct runner *r, struct run *run);

/* A branch asks for the whole run to be tried later: notes where, so that what it has read behind
 * its last effect is read anew then (replay.h). A path that is none is left out. False: as below.
 */
bool call_later(struct runner *r, struct run *run, const char *path);
/* Effects of a run that is released, of which nothing has gone out, are noted as not done, so that
 * its next attempt need not ask whether they were. False: the run is gone, or all is over. */
bool call_withdraw(struct runner *r, struct run *run);

#endif
