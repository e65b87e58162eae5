/* SPDX-License-Identifier: MIT */
/*
 * The door to pauses, issues and what people did, as queue.c is for the rest: side, arguments, then
 * the backend. Holds nothing.
 */
#include "queue/pause.h"

#include <string.h>

#include "queue/backend.h"

/* --- pauses, issues, audit -------------------------------------------------------------------- */

#define RULE_NAME_MAX 200   /* bytes */
#define ISSUE_TEXT_MAX 8192 /* bytes */

enum rc queue_pause(
	struct queue *q, const struct queue_pause *pause, size_t *ret_n, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "pause rules in", err);
	if (rc != RC_OK)
		return rc;
	if (pause->rule[0] == '\0' || strlen(pause->rule) > RULE_NAME_MAX ||
		strlen(pause->why) > ISSUE_TEXT_MAX)
		return err_set(err, RC_INVALID, "a pause needs a rule's name, and a brief reason");
	return q->backend->pause(q, pause, ret_n, err);
}

enum rc queue_resume(struct queue *q, const char *rule, size_t *ret_n, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "resume rules in", err);
	return rc != RC_OK ? rc : q->backend->resume(q, rule, ret_n, err);
}

enum rc queue_pause_step(struct queue *q, size_t most, bool *ret_more, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "pause rules in", err);
	return rc != RC_OK ? rc : q->backend->pause_step(q, most, ret_more, err);
}

bool queue_paused(const struct queue *q, const char *rule)
{
	return q->side == QUEUE_RUNNER && q->backend->paused(q, rule);
}

enum rc queue_pause_each(struct queue *q, queue_pause_fn fn, void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->pause_each(q, fn, ctx, err);
}

enum rc queue_issue_put(struct queue *q, const struct queue_issue *issue, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "open issues in", err);
	if (rc != RC_OK)
		return rc;
	if (issue->kind[0] == '\0' || strlen(issue->kind) > 40 ||
		strlen(issue->about) > 2 * RULE_NAME_MAX || strlen(issue->text) > ISSUE_TEXT_MAX)
		return err_set(err, RC_INVALID, "an issue needs a kind, and brief texts");
	return q->backend->issue_put(q, issue, err);
}

enum rc queue_issue_acknowledge(
	struct queue *q, const char *kind, const char *about, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "acknowledge issues in", err);
	return rc != RC_OK ? rc : q->backend->issue_acknowledge(q, kind, about, err);
}

enum rc queue_issue_each(struct queue *q, queue_issue_fn fn, void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->issue_each(q, fn, ctx, err);
}

enum rc queue_audit_put(
	struct queue *q, const struct queue_audit *audit, int64_t *ret_seq, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "keep orders in", err);
	return rc != RC_OK ? rc : q->backend->audit_put(q, audit, ret_seq, err);
}

enum rc queue_audit_end(
	struct queue *q, int64_t seq, int64_t n, const char *result, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "keep orders in", err);
	return rc != RC_OK ? rc : q->backend->audit_end(q, seq, n, result, err);
}

enum rc queue_audit_each(
	struct queue *q, size_t limit, queue_audit_fn fn, void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->audit_each(q, limit, fn, ctx, err);
}
