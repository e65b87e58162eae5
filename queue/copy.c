/* SPDX-License-Identifier: MIT */
/*
 * The door to last-seen copies, as queue.c is for the rest: side, arguments, then
 * the backend. Holds nothing.
 */
#include "queue/copy.h"

#include <string.h>

#include "queue/backend.h"

#define NAME_MAX_BYTES 200 /* of an object, of a record's id */

static bool name_fits(const char *name)
{
	return name[0] != '\0' && strlen(name) <= NAME_MAX_BYTES;
}

enum rc queue_copy_put(struct queue *q, const struct queue_copy *copy, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "keep copies in", err);
	if (rc != RC_OK)
		return rc;
	if (!name_fits(copy->object) || !name_fits(copy->record))
		return err_set(err, RC_INVALID, "a copy needs an object and a record's id");
	return q->backend->copy_put(q, copy, err);
}

enum rc queue_copy_find(struct queue *q, const char *object, const char *record,
	struct queue_copy *ret_copy, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->copy_find(q, object, record, ret_copy, err);
}

enum rc queue_copy_each(struct queue *q, const char *object, const char *after, size_t max,
	queue_copy_fn fn, void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->copy_each(q, object, after, max, fn, ctx, err);
}

enum rc queue_copy_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "erase copies from", err);
	return rc != RC_OK ? rc : q->backend->copy_erase(q, record, ret_n, err);
}
