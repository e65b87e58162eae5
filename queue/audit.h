/* SPDX-License-Identifier: MIT */
/*
 * Who had what done by hand: one row for each order that changes something. Part of queue.h.
 * Written by the runner within its transaction. Rows are never removed.
 */
#ifndef MOONHOOK_QUEUE_AUDIT_H
#define MOONHOOK_QUEUE_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct queue;

struct queue_audit {        /* BORROWS */
	int64_t seq;        /* out */
	int64_t at_ms;      /* wall */
	int64_t uid;        /* of the user who asked; -1: Moonhook itself */
	const char *what;   /* the order, as JSON */
	int64_t n;          /* how many things it changed; -1: it has not ended, or never will */
	const char *result; /* a sentence, or "" */
};

/* ret_seq: its number, for queue_audit_end. */
enum rc queue_audit_put(struct queue *q, const struct queue_audit *audit, int64_t *ret_seq,
	struct err *err) must_check;
/* What came of it. */
enum rc queue_audit_end(
	struct queue *q, int64_t seq, int64_t n, const char *result, struct err *err) must_check;
typedef enum rc (*queue_audit_fn)(void *ctx, const struct queue_audit *audit, struct err *err);
/* Any side; the newest `limit` (0: all), oldest first. */
enum rc queue_audit_each(
	struct queue *q, size_t limit, queue_audit_fn fn, void *ctx, struct err *err) must_check;

#endif
