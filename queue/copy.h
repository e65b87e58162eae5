/* SPDX-License-Identifier: MIT */
/*
 * What was last seen of each record: the newest copy, compressed. Part of queue.h. Written by the
 * runner within its transaction, in the step that writes the event which brought it. Age does not
 * remove a copy, and its bytes do not count against retain.size: as long as the record is there,
 * the next event needs it.
 */
#ifndef MOONHOOK_QUEUE_COPY_H
#define MOONHOOK_QUEUE_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct queue;

enum queue_copy_state { /* stores hold the numbers */
	QUEUE_COPY_LIVE,
	QUEUE_COPY_DELETED, /* restorable */
	QUEUE_COPY_GONE,    /* destroyed: the text is empty */
};

struct queue_copy {                  /* BORROWS when put; as queue_copy_find says when found */
	const char *object, *record; /* "person", its id */
	int64_t updated_ms;          /* its updatedAt, by Twenty's clock; 0: not known */
	int64_t seen_ms;             /* wall: when it was written here */
	enum queue_copy_state state;
	struct slice text; /* the record as JSON, in the shape rules see */
};

/* Takes the place of the copy before. Runner. RC_INVALID (no object or id, or longer than 200),
 * RC_TOO_LARGE (past 16 MiB), RC_NOMEM, and as the
 * database fails. */
enum rc queue_copy_put(struct queue *q, const struct queue_copy *copy, struct err *err) must_check;
/* Any side. The text BORROWS until the next call on this handle; object and record are the
 * caller's. RC_NOT_FOUND (err is not set then); RC_PARSE with a sentence that names the record: its
 * copy is damaged, the next one that is put heals it; RC_NOMEM. */
enum rc queue_copy_find(struct queue *q, const char *object, const char *record,
	struct queue_copy *ret_copy, struct err *err) must_check;
/* Copies of an object, at most max of them, behind the record `after` (NULL: from the first on);
 * object NULL: of all, by object, from the first on. The order is that of the ids; those that are
 * no UUIDs stand where the store likes. text is left empty. fn may not write, nor walk copies. Any
 * side. */
typedef enum rc (*queue_copy_fn)(void *ctx, const struct queue_copy *copy, struct err *err);
enum rc queue_copy_each(struct queue *q, const char *object, const char *after, size_t max,
	queue_copy_fn fn, void *ctx, struct err *err) must_check;
/* Forgets a record, whatever its object. ret_n: how many copies there were. Runner. */
enum rc queue_copy_erase(
	struct queue *q, const char *record, size_t *ret_n, struct err *err) must_check;

#endif
