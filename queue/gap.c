/* SPDX-License-Identifier: MIT */
/*
 * The door to how far gaps are filled, as queue.c is for the rest: side, arguments, then
 * the backend. Holds nothing.
 */
#include "queue/gap.h"

#include <string.h>

#include "queue/backend.h"

#define NAME_MAX_BYTES 200 /* of an object, of a record's id */

static bool name_fits(const char *name)
{
	return name[0] != '\0' && strlen(name) <= NAME_MAX_BYTES;
}

enum rc queue_gap_put(struct queue *q, const struct queue_gap *gap, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "keep gaps in", err);
	if (rc == RC_OK && !name_fits(gap->object))
		rc = err_set(err, RC_INVALID, "a gap needs an object");
	return rc != RC_OK ? rc : q->backend->gap_put(q, gap, err);
}

enum rc queue_gap_drop(struct queue *q, const char *object, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "forget gaps of", err);
	return rc != RC_OK ? rc : q->backend->gap_drop(q, object, err);
}

enum rc queue_gap_each(struct queue *q, queue_gap_fn fn, void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->gap_each(q, fn, ctx, err);
}

enum rc queue_told_put(struct queue *q, const char *object, const char *record, int64_t until_ms,
	int64_t now_wall_ms, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "keep what was told in", err);
	if (rc == RC_OK && (!name_fits(object) || !name_fits(record)))
		rc = err_set(err, RC_INVALID, "what was told needs an object and a record's id");
	return rc != RC_OK ? rc
			   : q->backend->told_put(q, object, record, until_ms, now_wall_ms, err);
}

enum rc queue_told_find(struct queue *q, const char *object, const char *record,
	int64_t *ret_until_ms, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->told_find(q, object, record, ret_until_ms, err);
}

enum rc queue_told_prune(struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "prune", err);
	return rc != RC_OK ? rc : q->backend->told_prune(q, before_wall_ms, ret_n, err);
}

enum rc queue_told_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "erase what was told from", err);
	return rc != RC_OK ? rc : q->backend->told_erase(q, record, ret_n, err);
}
