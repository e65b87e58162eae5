/* SPDX-License-Identifier: MIT */
/*
 * From armed timers to events.
 * From: runner.c, every turn; local_timer.c. To: route.c, as births for one rule; the store, where
 * a timer is taken in the transaction that writes its event. What was cancelled or armed again in
 * between is not fired. A timer for a rule that is gone becomes an event that says so. Fails by
 * ending the process where the store fails.
 */
#include "runner/timer.h"

#include <string.h>

#include "base/clock.h"
#include "queue/timer.h"
#include "runner/dump.h"
#include "runner/event.h"
#include "runner/state.h"

#define BATCH 64
#define BODY_MAX (TIMER_PAYLOAD_MAX + (16u << 10))

static enum rc take(void *ctx, const struct birth *birth, bool *ret_was, struct err *err)
{
	struct runner *r = ctx;
	if (r->timers.births_n > 0)
		r->timers.births_n--;
	return queue_timer_take(r->queue, birth->number, ret_was, err);
}

static enum rc put_body(struct buf *body, const struct queue_timer *t)
{
	char at[CLOCK_TEXT_N];
	clock_format(t->due_ms, at);
	enum rc rc =
		buf_printf(body, "{\"eventName\":\"" EVENT_TIMER "\",\"at\":\"%s\",\"rule\":", at);
	if (rc == RC_OK)
		rc = dump_text(body, t->rule, strlen(t->rule));
	if (rc == RC_OK && t->object[0] != '\0') {
		rc = buf_put_text(body, ",\"object\":");
		rc = rc == RC_OK ? dump_text(body, t->object, strlen(t->object)) : rc;
	}
	if (rc == RC_OK && t->record[0] != '\0') {
		rc = buf_put_text(body, ",\"record\":{\"id\":");
		rc = rc == RC_OK ? dump_text(body, t->record, strlen(t->record)) : rc;
		rc = rc == RC_OK ? buf_put_text(body, "}") : rc;
	}
	if (rc == RC_OK)
		rc = buf_put_text(body, ",\"payload\":");
	if (rc == RC_OK)
		rc = buf_put(body, t->payload.p, t->payload.n);
	return rc == RC_OK ? buf_put_text(body, "}") : rc;
}

static enum rc bear(void *ctx, const struct queue_timer *t, struct err *err)
{
	struct runner *r = ctx;
	struct buf body;
	buf_init(&body, BODY_MAX);
	enum rc rc = put_body(&body, t);
	struct birth_new birth = {
		.via = EVENT_TIMER,
		.body = buf_slice(&body),
		.received_ms = clock_wall_ms(),
		.take = take,
		.ctx = r,
		.number = t->seq,
		.cause = t->run,
		.depth = t->depth,
	};
	rc = rc == RC_OK ? route_offer(r, &birth, err)
			 : err_set(err, rc, "the event of a timer is %s", rc_text(rc));
	r->timers.births_n += rc == RC_OK;
	buf_done(&body);
	return rc;
}

bool timer_step(struct runner *r)
{
	struct timers *t = &r->timers;
	struct err err = {0};
	enum rc rc = RC_OK;
	if (!r->rules.loaded || r->drain.on || !r->lead.on || t->births_n != 0 || r->fatal != RC_OK)
		return false;
	if (!t->known)
		rc = queue_timer_next(r->queue, &t->next_ms, &err);
	t->known = rc == RC_OK;
	if (rc == RC_OK && t->next_ms > jump_now_ms(r)) {
		if (t->next_ms != INT64_MAX)
			upkeep_expect(r, t->next_ms);
		return false;
	}
	if (rc == RC_OK)
		rc = queue_timer_due(r->queue, jump_now_ms(r), BATCH, bear, r, &err);
	t->known = false;
	if (rc != RC_OK)
		runner_fatal(r, &err);
	return rc == RC_OK && t->births_n != 0;
}

void timer_expect(struct runner *r, int64_t due_ms)
{
	struct timers *t = &r->timers;
	if (t->known && due_ms < t->next_ms)
		t->next_ms = due_ms;
	upkeep_expect(r, due_ms);
}

void timer_again(struct runner *r)
{
	r->timers.known = false;
}
