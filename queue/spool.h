/* SPDX-License-Identifier: MIT */
/*
 * The spool: deliveries wait here, durably and in order, while the store is away. Part of queue.h.
 *
 * A folder of its own with one SQLite file, spool.db, as durable as an inbox: a put is on the disk
 * when it returns. What has reached the store is dropped from the front. Ids and dedupe keys are
 * kept, so that whoever carries a delivery twice stores it once.
 *
 * A file that is found damaged, at open or later, is set aside under another name in the folder;
 * what is readable of it goes on in a fresh one, at the same places, and an error line tells the
 * rest. While the disk has no room for that, nothing is taken or given (RC_FULL).
 */
#ifndef MOONHOOK_QUEUE_SPOOL_H
#define MOONHOOK_QUEUE_SPOOL_H

#include "queue/queue.h"

struct spool;

struct spool_sum {
	int64_t n, bytes; /* deliveries that wait, and what they count against the bound */
	int64_t last;     /* place of the youngest; it only grows while the spool is open */
};

/* Makes or opens it; a folder has one user (RC_BUSY). max_bytes: what all that wait may count.
 * GIVES (spool_close). RC_DENIED, RC_IO, RC_NOMEM. */
enum rc spool_open(const char *folder, int64_t max_bytes, struct spool **ret_spool,
	struct err *err) must_check;
void spool_close(struct spool *s); /* accepts NULL */

/* Stores n deliveries in one durable step; all or none. One whose key waits here already is a
 * repeat and gets that one's id. RC_FULL: the bound, or the disk. RC_IO: the spool cannot be
 * trusted any more. The writer's thread, as all but the next two. */
enum rc spool_put(
	struct spool *s, struct queue_delivery *deliveries, size_t n, struct err *err) must_check;
/* Removes everything up to this place. */
enum rc spool_drop(struct spool *s, int64_t last, struct err *err) must_check;
struct spool_sum spool_sum(struct spool *s);
/* A number that no other spool has, and that stays the same; > 0. */
int64_t spool_who(struct spool *s);

/* Up to max deliveries behind a place, in order; ret_last: the place of the last one. BORROWS until
 * the next call. None: ret_last says how far everything has been given or was lost. One thread,
 * which may be another one. */
enum rc spool_next(struct spool *s, int64_t after, size_t max,
	struct queue_delivery *ret_deliveries, size_t *ret_n, int64_t *ret_last,
	struct err *err) must_check;
/* As queue_checkpoint. Any thread, one at a time. */
enum rc spool_checkpoint(struct spool *s, struct err *err) must_check;

#endif
