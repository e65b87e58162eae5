/* SPDX-License-Identifier: MIT */
/*
 * The door to runs that stand for several events, and to limits of runs, as queue.c is for the
 * rest: side, arguments, then the backend. Holds nothing.
 */
#include "queue/join.h"

#include "queue/backend.h"

enum rc queue_joined_each(
	struct queue *q, int64_t run_seq, queue_joined_fn fn, void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->joined_each(q, run_seq, fn, ctx, err);
}

enum rc queue_joined_put(struct queue *q, int64_t run_seq, int64_t epoch, int64_t event_seq,
	const struct queue_cause *cause, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "write about runs of", err);
	return rc != RC_OK ? rc : q->backend->joined_put(q, run_seq, epoch, event_seq, cause, err);
}

enum rc queue_words_get(struct queue *q, int64_t run_seq, struct buf *out, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->words_get(q, run_seq, out, err);
}

enum rc queue_limits_put(
	struct queue *q, const struct queue_limit *limits, size_t n, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "limit runs of", err);
	return rc != RC_OK ? rc : q->backend->limits_put(q, limits, n, err);
}
