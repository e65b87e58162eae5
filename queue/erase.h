/* SPDX-License-Identifier: MIT */
/*
 * Removing a person's data: everything that the store holds of one record, and what else names it.
 * Part of queue.h.
 *
 *   runner    queue_erase_step until !more, commit, queue_erase_wipe until it is done
 *   receiver  queue_scrub now and then: empties the deliveries that brought the record's events
 *
 * What stays: that there was an event, when and of what kind, how its runs ended; hashes of bodies,
 * by which a repeated delivery is known. Copies of the store (backup) are not reached.
 */
#ifndef MOONHOOK_QUEUE_ERASE_H
#define MOONHOOK_QUEUE_ERASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct queue;

struct queue_erased { /* how many of each were emptied or removed */
	int64_t events, deliveries, runs, calls, copies, writes, told, issues, kept,
		timers; /* kept: of rules' own values (kv.h) */
	int64_t open;   /* runs of the record that have not ended: nothing of theirs was touched */
};

struct queue_erase { /* the first four members BORROW and are the caller's; the rest zeroed */
	const char *record;
	const char *const *needles; /* texts by which others may name it: its id, its addresses */
	size_t needles_n;
	bool dry; /* only count */
	struct queue_erased sum;
	bool more;
	int phase;  /* the queue's own */
	int64_t at; /* the queue's own */
};

#define QUEUE_ERASURE_N 201 /* bytes of a record's id and its NUL */

/* Notes that a record has to be erased here; a second time changes nothing. Runner. RC_INVALID: no
 * id, or longer than 200. */
enum rc queue_erasure_put(struct queue *q, const char *record, struct err *err) must_check;
/* One of those. Runner. */
enum rc queue_erasure_first(struct queue *q, char ret_record[static QUEUE_ERASURE_N], bool *ret_any,
	struct err *err) must_check;
/* It is erased. Runner. */
enum rc queue_erasure_drop(struct queue *q, const char *record, struct err *err) must_check;

/* Does a bounded part. Runner. */
enum rc queue_erase_step(struct queue *q, struct queue_erase *erase, struct err *err) must_check;
/* After the commit: overwrites what was freed, a bounded part, and in the end empties the WAL, so
 * that the bytes are gone from the file. ret_done: all of it. Runner. PostgreSQL writes over what
 * was freed when it likes (its files, its log): nothing of ours can tell it to, so there it is
 * done. */
enum rc queue_erase_wipe(struct queue *q, bool *ret_done, struct err *err) must_check;
/* How many deliveries the receiver has still to empty. Runner. */
enum rc queue_erase_left(struct queue *q, int64_t *ret_n, struct err *err) must_check;
/* Empties deliveries that have to go, and overwrites what that freed; a bounded part. ret_more:
 * call it again soon. Receiver. */
enum rc queue_scrub(struct queue *q, bool *ret_more, struct err *err) must_check;

#endif
