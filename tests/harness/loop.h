/* SPDX-License-Identifier: MIT */
/* Rules that may set each other off, watched from outside: has it come to rest, and how? */
#ifndef MOONHOOK_TESTS_HARNESS_LOOP_H
#define MOONHOOK_TESTS_HARNESS_LOOP_H

#include <stdbool.h>

#include "tests/harness/house.h"

#define LOOP_HOPS_MAX 8

/* Waits until nothing is to be done and nothing has come for a while. False: it goes on and on. */
bool loop_await_quiet(struct house *h);
/* Runs that ended well after they had made a call: a hop is a run that wrote. */
long loop_hops(struct house *h);
/* Requests that changed something, as the twin's own log has them. -1: it cannot be asked. */
long loop_writes(struct house *h);
/* The error of the dead letter that tells of the loop; "" for none. BORROWS until the next call. */
const char *loop_error(struct house *h);
/* The chain that is drawn in the issue, "" for none. BORROWS likewise. */
const char *loop_chain(struct house *h);
/* Pauses and issues because of loops. -1: the store cannot be read. */
int loop_stopped_n(struct house *h);

#endif
