/* SPDX-License-Identifier: MIT */
/* The door to what other runners have under way; a store that nobody shares has no others. */
#include "queue/flight.h"

#include "queue/backend.h"

enum rc queue_flight_each(struct queue *q, queue_flight_fn fn, void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK || q->backend->flight_each == NULL
		       ? rc
		       : q->backend->flight_each(q, fn, ctx, err);
}
