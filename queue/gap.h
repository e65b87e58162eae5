/* SPDX-License-Identifier: MIT */
/*
 * Filling gaps: how far each object has been looked through, and which changes were told of without
 * their webhook. Part of queue.h. Written by the runner within its transaction, in the step that
 * writes the events.
 */
#ifndef MOONHOOK_QUEUE_GAP_H
#define MOONHOOK_QUEUE_GAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct queue;

struct queue_gap {           /* BORROWS when put, and during the call back */
	const char *object;  /* "person" */
	int64_t first_ms;    /* by Twenty's clock: nothing from before becomes an event */
	int64_t from_ms;     /* by Twenty's clock: what was changed before is known */
	int64_t asked_ms;    /* wall: when it was last looked through to the end; 0: never */
	int64_t swept_ms;    /* wall: when all its records were; 0: never */
	const char *problem; /* why it cannot be looked through; "": it can */
};

/* Takes the place of what was known of the object. Runner. RC_INVALID (no object, or longer than
 * 200). */
enum rc queue_gap_put(struct queue *q, const struct queue_gap *gap, struct err *err) must_check;
/* Forgets the object; nothing where it is not known. Runner. */
enum rc queue_gap_drop(struct queue *q, const char *object, struct err *err) must_check;
/* In the order of the objects' names. fn may not write. Any side. */
typedef enum rc (*queue_gap_fn)(void *ctx, const struct queue_gap *gap, struct err *err);
enum rc queue_gap_each(struct queue *q, queue_gap_fn fn, void *ctx, struct err *err) must_check;

/* All that happened to a record up to until_ms (its updatedAt, by Twenty's clock; INT64_MAX: it is
 * destroyed) was told of by asking: a webhook about it that comes later is too late. The larger
 * until_ms counts. Runner. RC_INVALID as above. */
enum rc queue_told_put(struct queue *q, const char *object, const char *record, int64_t until_ms,
	int64_t now_wall_ms, struct err *err) must_check;
/* Any side. RC_NOT_FOUND (err is not set then). */
enum rc queue_told_find(struct queue *q, const char *object, const char *record,
	int64_t *ret_until_ms, struct err *err) must_check;
/* Forgets what was told before that; a bounded number per call, ret_n. Runner. */
enum rc queue_told_prune(
	struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err) must_check;
/* Forgets a record, whatever its object. Runner. */
enum rc queue_told_erase(
	struct queue *q, const char *record, size_t *ret_n, struct err *err) must_check;

#endif
