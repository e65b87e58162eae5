/* SPDX-License-Identifier: MIT */
/*
 * Effects that other runners have under way: written down, not answered. Part of queue.h. An event
 * that may be the work of one of them cannot be told from other people's until the answer is there.
 *
 * On a store that is shared alone; each runner knows its own.
 */
#ifndef MOONHOOK_QUEUE_FLIGHT_H
#define MOONHOOK_QUEUE_FLIGHT_H

#include "queue/queue.h"

struct queue_flight { /* BORROWS during the call back */
	const char *method, *object;
	struct slice request; /* JSON; its arguments */
	int64_t began_ms;     /* wall, of the machine of that runner */
};
typedef enum rc (*queue_flight_fn)(void *ctx, const struct queue_flight *flight, struct err *err);

/* Those of runs at work, and of runs that will be taken up again after their runner died. What is
 * not among them is answered: what it wrote is in the ledger. An event that was read before this
 * call can be held against them. A call back must not ask the same handle. Any side. */
enum rc queue_flight_each(
	struct queue *q, queue_flight_fn fn, void *ctx, struct err *err) must_check;

#endif
