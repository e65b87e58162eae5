/* SPDX-License-Identifier: MIT */
/*
 * The way of deliveries to a store that is elsewhere, and may be away: straight, or by a spool.
 *
 *   writer --put--> store                          straight
 *   writer --put--> spool --carrier--> store       while it is away, and until what waits has
 * arrived
 *
 * Whatever the store does not take within seconds goes to the spool and counts as stored. As long
 * as anything waits there, everything goes behind it: deliveries reach the store in the order in
 * which they came. A batch whose commit nobody has confirmed is carried again, with the same ids.
 *
 * The store is told what may lie in the spool, so that no other receiver brings what follows it
 * past it (queue/sign.h). The first deliveries of an outage are stored at once and acknowledged
 * when the store has been told, or when it knows by itself that it has not: within three seconds.
 */
#ifndef MOONHOOK_RECEIVER_DETOUR_H
#define MOONHOOK_RECEIVER_DETOUR_H

#include "base/err.h"
#include "queue/place.h"

struct detour_conf {
	struct queue_place place; /* what it refers to: BORROWED until detour_stop */
	const char *spool;        /* folder; BORROWED until detour_start returns */
	int64_t spool_max_bytes;  /* 0: nothing is kept; what the store does not take is refused */
	int64_t promise_ms;       /* queue/sign.h; 0: QUEUE_PROMISE_MS */
	int64_t wait_ms;          /* for a killed predecessor to let go of the spool */
	/* Why the store takes nothing at the moment, "" once it does. Any thread; NULL. */
	void (*said)(void *ctx, const char *why);
	void (*stored)(void *ctx); /* something has reached the store; the carrier's thread */
	void *ctx;
};

struct detour;

/* Opens the spool and, where it answers, the store. A store that is away is said and is no failure;
 * one that wants a person is: RC_DENIED, RC_INVALID, RC_UNSUPPORTED; but where the
 * spool has worked with this very store before, RC_DENIED counts as away, too. GIVES (detour_stop).
 */
enum rc detour_start(
	const struct detour_conf *conf, struct detour **ret_detour, struct err *err) must_check;
/* Stores n deliveries durably, here or there; as queue_inbox_put. RC_FULL: the store is away and
 * the spool full. RC_IO: the spool cannot be trusted any more. The writer's thread, as the next
 * two. */
enum rc detour_put(
	struct detour *d, struct queue_delivery *deliveries, size_t n, struct err *err) must_check;
/* Once a second or more: goes straight again when it can. RC_IO as above. */
enum rc detour_tend(struct detour *d, struct err *err) must_check;
/* The store, where the way is straight; else NULL. BORROWS until the next call. Once it has failed
 * it is enough to tell detour_tend. */
struct queue *detour_straight(struct detour *d);
/* As queue_checkpoint. Any thread, one at a time. */
enum rc detour_checkpoint(struct detour *d, struct err *err) must_check;
/* What waits in the spool stays there for the next start. Blocks for some seconds at most, however
 * long the store is silent. Accepts NULL. */
void detour_stop(struct detour *d);

#endif
