/* SPDX-License-Identifier: MIT */
/*
 * Order across the spools of several receivers. Part of queue.h.
 *
 * A receiver that acknowledges into a spool (spool.h) tells the store what lies there, and routing
 * waits for it: nothing is routed that was received after the oldest of what may still lie in a
 * spool, and what has come by spools is routed in the order in which it was received. Where no
 * spool is in use deliveries are routed in the order in which the store took them.
 *
 * A sign that names no such time is a promise: from its moment on, for QUEUE_PROMISE_MS, nothing is
 * acknowledged from the spool. Routing goes on while each promise holds; of a receiver whose
 * promise is over, and who has not been heard since, anything may lie in its spool. So there is no
 * moment at which one acknowledges into its spool and the others are not held back.
 *
 * Nobody is waited for longer than QUEUE_HOLD_MS after its last sign that told something new. Only
 * time in which somebody leads counts: after an outage of the database all have that long to come
 * back. What one brings later is routed behind what overtook it.
 *
 * Moments of reception are by the wall clocks of the receivers: two deliveries are told apart by
 * them if they are further apart than these clocks are (with NTP some milliseconds). A spool that
 * the store has never heard of holds nobody back: that of a receiver that was started for the first
 * time, or again after an orderly end, while the store was away.
 */
#ifndef MOONHOOK_QUEUE_SIGN_H
#define MOONHOOK_QUEUE_SIGN_H

#include "queue/queue.h"

enum {
	QUEUE_PROMISE_MS = 2500, /* signs are given more than twice as often */
	QUEUE_HOLD_MS = 15000,   /* longer than it takes to come back to a store that is back */
};

struct queue_sign {
	int64_t who;        /* the spool (spool_who) */
	int64_t at_mono_ms; /* when it was given: a promise counts from there */
	int64_t from_ms;    /* wall; whatever follows one that lies in the spool was received
			       then or later; 0: nothing lies there, and the promise */
	int64_t promise_ms; /* as long as it holds */
	bool leaves;        /* the receiver ends, and leaves nothing in the spool */
};

/* Tells the store, durably; a store that only one receiver can have needs no sign. The first one on
 * a handle makes those of older handles void. ret_late: routing had not waited for this receiver
 * any more. Receiver. RC_IO: a handle for the same spool has been opened later, or as usual. */
enum rc queue_sign(
	struct queue *q, const struct queue_sign *sign, bool *ret_late, struct err *err) must_check;

#endif
