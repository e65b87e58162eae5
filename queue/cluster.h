/* SPDX-License-Identifier: MIT */
/*
 * Several processes on one store. Part of queue.h. A store of files or memory has one runner: it
 * leads for ever, nobody tells it anything, and all of this costs nothing.
 *
 * On a store that is shared (PostgreSQL) every runner holds a lease by the clock of the database
 * and renews it with each sign of life (queue_beat). One of them leads: it alone routes, fires
 * timers, fills gaps and prunes; where it gives no sign of life the lead moves on, and what it had
 * claimed is taken up by others. A runner whose lease was over can write nothing any more: its
 * handle is broken, and it begins anew.
 */
#ifndef MOONHOOK_QUEUE_CLUSTER_H
#define MOONHOOK_QUEUE_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct queue;

#define QUEUE_BEAT_MS 2000   /* between two signs of life */
#define QUEUE_LEASE_MS 10000 /* without one: it is over */
#define QUEUE_TELL_MS 10     /* nobody tells the others more often */

struct queue_beat {
	bool leads;
	int64_t until_mono_ms; /* CLOCK_MONOTONIC: from then on nothing may be sent to Twenty under
				  this lease; INT64_MAX: never */
	int runners_n;         /* alive, this one included */
	size_t rescued_n;      /* runs of dead runners that are due again by this call */
};

/* May others work on this store at the same time? */
bool queue_shared(const struct queue *q);
/* A sign of life, which also takes the lead where nobody has it, and, of the leader, takes back
 * what dead runners had claimed. Runner. Commits what is open. RC_IO: our own lease was over
 * before, or the store fails; the handle is broken. */
enum rc queue_beat(struct queue *q, struct queue_beat *ret_beat, struct err *err) must_check;
/* Gives up the lead, so that another may take it at once; nothing where it is not ours. Runner. */
enum rc queue_resign(struct queue *q, struct err *err) must_check;

/* Readable when somebody told everybody that there is something to do: deliveries have come, runs
 * have become due, a rule was paused. -1: nobody tells; polling finds all of it, too, and has to go
 * on: what is told may be lost, and what comes within QUEUE_TELL_MS of the last is not told. The
 * queue's own. */
int queue_wake_fd(struct queue *q);
/* Takes what was told; ret_any: something was. After each time it was readable. Runner. */
enum rc queue_woken(struct queue *q, bool *ret_any, struct err *err) must_check;

struct queue_peer {       /* a runner that works on the store; BORROWS */
	const char *name; /* "host:pid" */
	bool leads, ours;
	int64_t quiet_ms;  /* since its last sign of life */
	int64_t running_n; /* runs that it has claimed and not ended */
};
/* Of a store that is not shared: none. Any side. */
typedef enum rc (*queue_peer_fn)(void *ctx, const struct queue_peer *peer, struct err *err);
enum rc queue_peer_each(struct queue *q, queue_peer_fn fn, void *ctx, struct err *err) must_check;

#endif
