/* SPDX-License-Identifier: MIT */
/* How long a call waits for a store that is elsewhere. Part of queue.h. A store of files or memory
 * never keeps anybody waiting, and all of this does nothing there. */
#ifndef MOONHOOK_QUEUE_PATIENCE_H
#define MOONHOOK_QUEUE_PATIENCE_H

#include "queue/queue.h"

enum {
	QUEUE_BRIEF_MS = 1500, /* of a receiver at first: a sender waits, twice that at most */
	QUEUE_LONG_MS = 12000, /* nobody waits */
};

/* From here on a question that is not answered in so many ms breaks the handle. A runner waits for
 * no more than its lease (queue/cluster.h), whatever is said here. */
void queue_patience(struct queue *q, int64_t ms);
/* Has the handle failed? Then nothing but queue_close is left, and ret_why says why. */
bool queue_failed(struct queue *q, struct err *ret_why);
/* Breaks the handle; who waits in a call of it comes back soon, with RC_IO. Any thread. */
void queue_abandon(struct queue *q);

#endif
