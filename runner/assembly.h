/* SPDX-License-Identifier: MIT */
/*
 * The start of a run that stands for several events (queue/join.h, session.h):
 *
 *   claimed --> its events are read, our own writes left out, the rest put together
 *           --> `when` of the whole: a predicate here, a function in a worker (WHEN)
 *           --> is it a loop? --> START
 *
 * A retry reads the same events and puts them together the same way.
 */
#ifndef MOONHOOK_RUNNER_ASSEMBLY_H
#define MOONHOOK_RUNNER_ASSEMBLY_H

#include <stdbool.h>

#include <jansson.h>

struct runner;
struct run;

/* It is taken up from the store. */
void assembly_take(struct runner *r, struct run *run);
/* Before its start: the event that its rule sees. True: it may go on. False: it waits, or has
 * ended. */
bool assembly_decide(struct runner *r, struct run *run);
/* What a worker says to `when`; answer: as WHEN, hostile. */
void assembly_when(struct runner *r, struct run *run, const json_t *answer);
/* The last step: would it be a loop? As assembly_decide. */
bool assembly_guard(struct runner *r, struct run *run);

#endif
