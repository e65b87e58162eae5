/* SPDX-License-Identifier: MIT */
/*
 * The record of an event, read again before its run starts: of a rule with `fresh`, and of timers.
 *
 *   pending --> reading --> answered --> START, with that record in the event
 *                               \--> there is none: skipped      \--> failed: as any failed call
 *
 * It is the run's first call, at path 0 of its journal: a replay gives the same record, an attempt
 * without an effect behind it reads anew. Waiting for it is no time at work.
 */
#ifndef MOONHOOK_RUNNER_FRESH_H
#define MOONHOOK_RUNNER_FRESH_H

#include <stdbool.h>

struct runner;
struct run;

#define FRESH_PATH "0"

/* Before the start of a pending run. True: it may start, with what was read in its event, or there
 * is nothing to read. False: it waits for the answer, or has ended. */
bool fresh_settle(struct runner *r, struct run *run);

#endif
