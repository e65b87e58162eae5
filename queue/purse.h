/* SPDX-License-Identifier: MIT */
/*
 * A few bytes that all runners of a store share, with a version: the one API budget
 * (client/purse.h). Part of queue.h. A store with one runner has none: it keeps its budget itself.
 *
 * Nothing here waits: the question goes out on a connection of its own, the answer is there when
 * the descriptor says so. What was confirmed is durable, as everything else: a server that crashes
 * forgets no place that was given, and so lets nobody send it twice. Where the answer is lost with
 * its connection the store is asked what came of it.
 */
#ifndef MOONHOOK_QUEUE_PURSE_H
#define MOONHOOK_QUEUE_PURSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct queue;

#define QUEUE_PURSE_MAX 4096 /* bytes */

struct queue_purse_answer { /* BORROWS until the next call */
	bool swapped;
	int64_t version;    /* not swapped: what is there, 0: nothing; */
	struct slice state; /* empty: new */
	int64_t now_ms;     /* by the clock of the store */
};

/* Readable when queue_purse_step has something to do. -1: a store of one runner, or no memory. The
 * queue's own. Runner. */
int queue_purse_fd(struct queue *q);
/* Puts state in the place of that version and raises it by one; another version: changes nothing.
 * One at a time. Only where there is a descriptor. */
void queue_purse_swap(struct queue *q, int64_t version, struct slice state);
/* When it is readable, and now and then: a lost connection is made again. ret_any: the answer is
 * there. RC_BUSY with a sentence: for the moment there is no connection, it is tried again. RC_IO:
 * the server refuses; the process should begin anew. */
enum rc queue_purse_step(struct queue *q, struct queue_purse_answer *ret_answer, bool *ret_any,
	struct err *err) must_check;

#endif
