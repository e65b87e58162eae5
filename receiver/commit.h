/* SPDX-License-Identifier: MIT */
/*
 * Group commit: whoever has a delivery leaves it here and is told when it is durable. One writer
 * thread owns the queue's handle; while one fsync runs the next deliveries gather, so no delay is
 * needed for batches to form.
 */
#ifndef MOONHOOK_RECEIVER_COMMIT_H
#define MOONHOOK_RECEIVER_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/place.h"

struct commit_item {                    /* owned by the caller, alive until it has been answered */
	struct queue_delivery delivery; /* id is made by the writer */
	enum rc rc;                     /* out: RC_OK, durable; else the store could not take it */
	struct commit_item *next;       /* the writer's */
};

struct commit_conf {
	struct queue_place place; /* BORROWED until commit_stop */
	const char *spool;        /* folder, of a store that may be away; BORROWED as above; NULL:
				     there is none, and the store is none that may be */
	int64_t spool_max_bytes;  /* 0: none */
	struct queue_retention keep;
	int64_t prune_every_ms;
	int wake_fd; /* an eventfd that learns of each commit; -1: none */
	int fail_fd; /* an eventfd that learns of a store that failed for good; -1: none */
	/* As in detour.h; NULL. */
	void (*said)(const char *why);
	/* Called in the writer thread, once for each item, which it may free or use again. */
	void (*answer)(struct commit_item *item);
};

struct commit;

/* Opens the store and starts the threads. One in a database may be away (detour.h). As queue_open
 * fails; RC_NOMEM. GIVES (commit_stop). */
enum rc commit_start(
	const struct commit_conf *conf, struct commit **ret_commit, struct err *err) must_check;
/* From now on deliveries are kept so. Any thread. */
void commit_keep(struct commit *c, const struct queue_retention *keep);
/* Leaves an item. False, and no answer comes, when the store has failed or commit_stop has begun.
 * Any thread; does not block on the store. */
bool commit_put(struct commit *c, struct commit_item *item) must_check;
/* Stores and answers what was left before, refuses what comes later. Blocks as long as that takes.
 */
void commit_drain(struct commit *c);
/* commit_drain, then closes the store and frees. Accepts NULL. */
void commit_stop(struct commit *c);
/* True once a write has failed for good: nothing is accepted any more. */
bool commit_failed(struct commit *c);

#endif
