/* SPDX-License-Identifier: MIT */
/*
 * The door to timers and ticks, as queue.c is for the rest: side, arguments, then the backend.
 * From: the runner; the command, which lists them. To: sql/timer.c, memory/timer.c. Holds
 * nothing.
 */
#include "queue/timer.h"

#include <inttypes.h>
#include <string.h>

#include "queue/backend.h"

#define NAME_MAX_BYTES 200

static bool name_fits(const char *name)
{
	return name[0] != '\0' && strlen(name) <= NAME_MAX_BYTES;
}

static enum rc check(const struct queue_timer *t, struct err *err)
{
	size_t n = strlen(t->key);
	if (!name_fits(t->rule))
		return err_set(err, RC_INVALID, "a timer needs the name of a rule");
	if (n == 0)
		return err_set(err, RC_INVALID, "the key is empty");
	if (n > TIMER_KEY_MAX)
		return err_set(
			err, RC_INVALID, "the key has %zu bytes, it may have %d", n, TIMER_KEY_MAX);
	if (strlen(t->object) > NAME_MAX_BYTES || strlen(t->record) > NAME_MAX_BYTES)
		return err_set(err, RC_INVALID, "the record has no name that can be kept");
	if (t->payload.n > TIMER_PAYLOAD_MAX)
		return err_set(err, RC_TOO_LARGE, "the payload has %zu bytes, it may have %u",
			t->payload.n, TIMER_PAYLOAD_MAX);
	return RC_OK;
}

enum rc queue_timer_full(const char *rule, int64_t most, struct err *err)
{
	return err_set(
		err, RC_QUOTA, "%" PRId64 " timers are armed for \"%.100s\" already", most, rule);
}

enum rc queue_timer_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_timer *timer, int64_t most, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "arm timers in", err);
	if (rc == RC_OK)
		rc = check(timer, err);
	if (rc != RC_OK)
		return rc;
	q->about = run_seq;
	rc = q->backend->timer_put(q, run_seq, epoch, timer, most, err);
	q->about = 0;
	return rc;
}

enum rc queue_timer_drop(
	struct queue *q, const char *rule, const char *key, bool *ret_was, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "cancel timers of", err);
	return rc != RC_OK ? rc : q->backend->timer_drop(q, rule, key, ret_was, err);
}

enum rc queue_timer_take(struct queue *q, int64_t seq, bool *ret_was, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "fire timers of", err);
	return rc != RC_OK ? rc : q->backend->timer_take(q, seq, ret_was, err);
}

enum rc queue_timer_due(struct queue *q, int64_t now_wall_ms, size_t max, queue_timer_fn fn,
	void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->timer_due(q, now_wall_ms, max, fn, ctx, err);
}

enum rc queue_timer_each(struct queue *q, const char *rule, size_t max, queue_timer_fn fn,
	void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->timer_each(q, rule, max, fn, ctx, err);
}

enum rc queue_timer_next(struct queue *q, int64_t *ret_wall_ms, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->timer_next(q, ret_wall_ms, err);
}

enum rc queue_timer_count(
	struct queue *q, const char *rule, int64_t *ret_n, int64_t *ret_next_ms, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->timer_count(q, rule, ret_n, ret_next_ms, err);
}

enum rc queue_timer_move(struct queue *q, const char *from, const char *to, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "move timers in", err);
	if (rc == RC_OK && strcmp(from, to) == 0)
		return RC_OK;
	if (rc == RC_OK && (!name_fits(from) || !name_fits(to)))
		rc = err_set(err, RC_INVALID, "timers move from one rule to another");
	return rc != RC_OK ? rc : q->backend->timer_move(q, from, to, err);
}

enum rc queue_tick_put(struct queue *q, const struct queue_tick *tick, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "keep ticks in", err);
	if (rc == RC_OK && !name_fits(tick->rule))
		rc = err_set(err, RC_INVALID, "a tick needs the name of a rule");
	return rc != RC_OK ? rc : q->backend->tick_put(q, tick, err);
}

enum rc queue_tick_each(struct queue *q, queue_tick_fn fn, void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->tick_each(q, fn, ctx, err);
}

enum rc queue_event_over(struct queue *q, const char *event_id, bool *ret_over, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->event_over(q, event_id, ret_over, err);
}
