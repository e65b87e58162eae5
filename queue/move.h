/* SPDX-License-Identifier: MIT */
/*
 * A running installation moves to another store: SQLite, PostgreSQL, in any direction. Part of
 * queue.h.
 *
 *   queue_move   while the daemon works on FROM: TO gets what is there, and is marked as unfinished
 *   queue_move   the daemon has been stopped: what has changed since; FROM is marked as moved
 *
 * Either can be broken off at any point and done again: what is in TO is compared, what is missing
 * is brought, what is there no more goes. Nobody can work on a store with a mark (queue/mark.h), so
 * that at no point two stores do the same work. FROM is only read, but for its mark.
 */
#ifndef MOONHOOK_QUEUE_MOVE_H
#define MOONHOOK_QUEUE_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/place.h"

enum { QUEUE_MOVE_OTHER_N = 640 };

struct queue_move {
	bool finished;  /* all is there, and FROM is marked as moved */
	bool already;   /* it had been finished before; nothing was done */
	char busy[160]; /* who still works on FROM, where it is not finished */
	int64_t rows_n; /* brought now */
	int64_t same_n; /* that were there, from before */
	int64_t gone_n; /* taken out: changed or removed since */
	int64_t deliveries_n, events_n, runs_n; /* in TO now */
	int64_t repaired_n;                     /* bytes of texts that were not UTF-8 */
};

/* From time to time. table: the one at work; rows_n, same_n: of the whole, so far. */
typedef void (*queue_move_fn)(void *ctx, const char *table, int64_t rows_n, int64_t same_n);

/* Blocks as long as it takes. RC_DUPLICATE: TO holds other work; RC_BUSY: somebody works on TO, or
 * does not let go of FROM; RC_DENIED: FROM has moved elsewhere, or is itself unfinished; else as
 * the stores fail. */
enum rc queue_move(const struct queue_place *from, const struct queue_place *to, queue_move_fn fn,
	void *ctx, struct queue_move *ret_move, struct err *err) must_check;

/* A store that has moved may be worked on again: for the case that the other one never ran and is
 * gone. RC_NOT_FOUND: it has not moved; RC_DENIED: it is an unfinished copy. ret_other: where it
 * had moved. */
enum rc queue_move_release(const struct queue_place *place, char *ret_other, size_t other_n,
	struct err *err) must_check;

/* Is every row of one in the other, and as it is there? For tests. Neither may be worked on.
 * ret_table: STATIC, the first where they differ; NULL: nowhere. */
enum rc queue_move_compare(
	const char *a, const char *b, const char **ret_table, struct err *err) must_check;

#endif
