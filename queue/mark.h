/* SPDX-License-Identifier: MIT */
/*
 * A mark on a store that nobody may work on: it is being filled by `store copy`, or has moved away.
 * Part of queue.h. Receivers and runners are refused by it when they open the store; readers are
 * not.
 */
#ifndef MOONHOOK_QUEUE_MARK_H
#define MOONHOOK_QUEUE_MARK_H

#include <stdint.h>

#include "base/err.h"

struct queue;

enum queue_mark_kind {
	QUEUE_MARK_NONE,
	QUEUE_MARK_FILLING, /* a copy has begun and not been finished: half of the work is missing
			     */
	QUEUE_MARK_MOVED,   /* its work goes on in another store */
};

enum { QUEUE_MARK_OTHER_N = 640 };

struct queue_mark {
	enum queue_mark_kind kind;
	int64_t id;                     /* of the work: a store and its copy have the same */
	int64_t at_ms;                  /* wall */
	char other[QUEUE_MARK_OTHER_N]; /* the other store, as people name it */
};

/* RC_OK, or RC_DENIED with a sentence of why nobody may work on the store, and what to do. */
enum rc queue_mark_judge(const struct queue_mark *mark, struct err *err) must_check;
/* Any side. */
enum rc queue_mark_read(struct queue *q, struct queue_mark *ret_mark, struct err *err) must_check;

#endif
