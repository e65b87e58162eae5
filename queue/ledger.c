/* SPDX-License-Identifier: MIT */
/*
 * The door to the ledger of our own writes, to causes, and to how much a rule wrote, as queue.c is
 * for the rest: side, arguments, then the backend. Holds nothing.
 */
#include "queue/ledger.h"

#include <string.h>

#include "queue/backend.h"

enum rc queue_spend_add(
	struct queue *q, const char *rule, int64_t slot_ms, int64_t n, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "count writes in", err);
	if (rc == RC_OK && rule[0] == '\0')
		rc = err_set(err, RC_INVALID, "what is written needs a rule");
	return rc != RC_OK ? rc : q->backend->spend_add(q, rule, slot_ms, n, err);
}

enum rc queue_spend_each(struct queue *q, const char *rule, int64_t since_ms, queue_spend_fn fn,
	void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->spend_each(q, rule, since_ms, fn, ctx, err);
}

enum rc queue_spend_clear(struct queue *q, const char *rule, int64_t before_ms, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "forget writes of", err);
	return rc != RC_OK ? rc : q->backend->spend_clear(q, rule, before_ms, err);
}

enum rc queue_write_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_write *write, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "record writes in", err);
	if (rc != RC_OK)
		return rc;
	q->about = run_seq;
	rc = q->backend->write_put(q, run_seq, epoch, write, err);
	q->about = 0;
	return rc;
}

enum rc queue_write_each(struct queue *q, const char *record, const struct queue_span *span,
	queue_write_fn fn, void *ctx, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "look for writes in", err);
	return rc != RC_OK ? rc : q->backend->write_each(q, record, span, fn, ctx, err);
}

enum rc queue_write_prune(
	struct queue *q, int64_t before_wall_ms, int64_t keep_n, size_t *ret_n, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "prune", err);
	return rc != RC_OK ? rc : q->backend->write_prune(q, before_wall_ms, keep_n, ret_n, err);
}

enum rc queue_write_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "erase from", err);
	return rc != RC_OK ? rc : q->backend->write_erase(q, record, ret_n, err);
}

enum rc queue_cause_find(
	struct queue *q, int64_t run_seq, struct queue_cause *ret_cause, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->cause_find(q, run_seq, ret_cause, err);
}

enum rc queue_cause_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_cause *cause, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "record causes in", err);
	return rc != RC_OK ? rc : q->backend->cause_put(q, run_seq, epoch, cause, err);
}

enum rc queue_step_get(
	struct queue *q, int64_t run_seq, struct queue_step *ret_step, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->step_get(q, run_seq, ret_step, err);
}
