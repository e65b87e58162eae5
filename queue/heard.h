/* SPDX-License-Identifier: MIT */
/*
 * Webhooks that another runner has routed, for one that waits to hear of its own writes. Part of
 * queue.h.
 *
 * On a store that is shared alone; where there is one runner, it routes all of them itself. Events
 * get their numbers one transaction after the other: what is behind a number that was read has not
 * been committed before.
 */
#ifndef MOONHOOK_QUEUE_HEARD_H
#define MOONHOOK_QUEUE_HEARD_H

#include "queue/queue.h"

#define QUEUE_HEARD_MAX 64 /* in one call */

struct queue_wanted {      /* BORROWS */
	int64_t after_seq; /* of events */
	const char *const *records;
	size_t records_n; /* those of these records */
	const char *const *objects;
	size_t objects_n; /* and those of these objects: "person" */
};
struct queue_heard { /* BORROWS during the call back */
	const char *id, *source;
	int64_t received_ms;
	struct slice headers, body; /* nothing in them: they are gone already */
};
typedef enum rc (*queue_heard_fn)(void *ctx, const struct queue_heard *heard, struct err *err);

/* Oldest first. ret_seq: up to where everything was looked at, the after_seq of the next call: that
 * of the newest event, except where QUEUE_HEARD_MAX were given. A call back must not ask the same
 * handle. Runner. */
enum rc queue_heard_each(struct queue *q, const struct queue_wanted *wanted, queue_heard_fn fn,
	void *ctx, int64_t *ret_seq, struct err *err) must_check;

#endif
