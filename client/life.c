/* SPDX-License-Identifier: MIT */
/*
 * A call from its first step to its answer: which list it is in, what its steps left behind, who
 * hears of its end.
 * From: engine.c and answer.c, which move calls on; bundle.c and hearing.c, replies to calls that
 * did not travel alone. To: the steps of the operations; the caller's call back, or the parent.
 *
 * Invariant: a call is in exactly one place: a lane, delayed, blocked, riding, held, or on the
 * wire. Sends nothing, and never decides what is repeated.
 */
#include "client/life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/bundle.h"
#include "client/creation.h"
#include "client/doubt.h"
#include "client/lane.h"
#include "client/listing.h"
#include "client/operation.h"
#include "client/written.h"

#define KEY_PART_N 16 /* bytes of the key in a row that no message may hold */

/* Forgets what its steps have gathered. */
void life_reset(struct call *c)
{
	if (c->work_done != NULL && c->work != NULL)
		c->work_done(c->work);
	free(c->work);
	listing_free(c->listing);
	creation_free(c->creation);
	free(c->doubt);
	c->work = NULL;
	c->work_done = NULL;
	c->listing = NULL;
	c->creation = NULL;
	c->doubt = NULL;
}

void call_free(struct call *c)
{
	if (c == NULL)
		return;
	life_reset(c);
	bundle_free(c->bundle);
	json_decref(c->held);
	json_decref(c->share.item);
	request_done(&c->request);
	for (int i = 0; i < c->results_n; i++)
		json_decref(c->results[i].value);
	free(c->results);
	json_decref(c->args);
	json_decref(c->value);
	json_decref(c->also);
	free(c->name);
	free(c);
}

static void forget(struct engine *e, struct call *c)
{
	if (c->all_prev != NULL)
		c->all_prev->all_next = c->all_next;
	else
		e->all = c->all_next;
	if (c->all_next != NULL)
		c->all_next->all_prev = c->all_prev;
}

/* Does anybody wait for its answer? */
bool life_wanted(const struct call *c)
{
	return c->done != NULL || c->parent != NULL || (c->bundle != NULL && c->bundle->n > 0);
}

static void ready_put(struct engine *e, struct call *c)
{
	c->state = CALL_READY;
	e->ready_n++;
	lane_put(&e->ready[c->lane], c);
}

void life_unqueue(struct engine *e, struct call *c)
{
	e->ready_n--;
	lane_drop(&e->ready[c->lane], c);
}

void life_queue(struct engine *e, struct call *c)
{
	if (!life_wanted(c)) {
		life_finish(e, c, RC_CLOSED, "");
		return;
	}
	ready_put(e, c);
}

void life_delay(struct engine *e, struct call *c, int64_t ms)
{
	c->state = CALL_DELAYED;
	c->not_before_ms = clock_mono_ms() + ms;
	lane_put(&e->delayed, c);
}

/* The children of a call that ends before them: what is on the wire goes on, for nobody. */
static void orphan(struct engine *e, const struct call *parent)
{
	for (struct call *c = e->all, *next; c != NULL; c = next) {
		next = c->all_next;
		if (c->parent != parent)
			continue;
		c->parent = NULL;
		if (life_is_out(c))
			continue;
		life_detach(e, c);
		life_finish(e, c, RC_CLOSED, "");
	}
}

/* A carrier that ends with members left. */
static void desert(struct call *carrier, enum rc code, const char *message)
{
	struct reply reply = {.code = code != RC_OK ? code : RC_UPSTREAM,
		.message = code != RC_OK ? message : "Twenty's answer is not what was asked for",
		.unknown = carrier->resent};
	bundle_reply_all(carrier, &reply);
}

/* Notes what became of a child; the last one lets its parent go on. */
static void tell_parent(struct engine *e, const struct call *c, enum rc code, const char *message)
{
	struct call *parent = c->parent;
	struct call_result *result = &parent->results[c->place];
	*result = (struct call_result){.code = code, .status = c->status, .unknown = c->unknown};
	result->value = code == RC_OK ? json_incref(c->value) : NULL;
	snprintf(result->message, sizeof(result->message), "%s", message);
	parent->requests += c->requests;
	parent->wire_us += c->wire_us;
	parent->late = parent->late || c->late;
	if (parent->started_us == 0)
		parent->started_us = c->started_us;
	if (--parent->children > 0 || parent->state != CALL_BLOCKED)
		return;
	struct err err = {.code = RC_OK, .msg = ""};
	lane_drop(&e->blocked, parent);
	parent->armed = false;
	life_settle(e, parent, parent->children_done(parent, &err), &err);
}

/* Messages are shorter than most keys: a part of the key is enough. */
static bool shows_key(const char *key, const char *message)
{
	size_t n = key != NULL ? strlen(key) : 0, part = n < KEY_PART_N ? n : KEY_PART_N;
	for (size_t i = 0; part > 0 && i + part <= n; i++)
		if (memmem(message, strlen(message), key + i, part) != NULL)
			return true;
	return false;
}

/* With the answer goes what it shows to be written. */
static void tell(struct call *c, struct client_answer *answer)
{
	struct written written;
	written_read(c, answer->code, &written);
	answer->writes = written.p;
	answer->writes_n = written.n;
	c->done(c->ctx, answer);
	written_done(&written);
}

/* Gives the answer and the call back to nothing. It is in no list any more. */
void life_finish(struct engine *e, struct call *c, enum rc code, const char *message)
{
	if (c->children > 0)
		orphan(e, c);
	if (c->bundle != NULL)
		desert(c, code, message);
	c->state = CALL_DONE;
	forget(e, c);
	e->waiting -= c->bundle == NULL ? 1 : 0;
	struct client_answer answer = {
		.code = code,
		.value = code == RC_OK ? c->value : NULL,
		.status = c->status,
		.name = rc_name(code),
		.message = code == RC_OK ? "" : message,
		.retryable = code != RC_OK && rc_fate(code) != RC_FATE_DEAD,
		.unknown = c->unknown,
		.requests = c->requests,
		.started_us = c->started_us,
		.wire_us = c->wire_us,
	};
	if (shows_key(e->key, answer.message))
		answer.message = rc_text(code);
	if (c->done != NULL)
		tell(c, &answer);
	else if (c->parent != NULL)
		tell_parent(e, c, code, answer.message);
	call_free(c);
}

/* What a step left behind decides where the call goes. */
void life_settle(struct engine *e, struct call *c, enum rc rc, struct err *err)
{
	if (rc != RC_OK)
		life_finish(e, c, rc, err->msg);
	else if (c->ended)
		life_finish(e, c, RC_OK, "");
	else if (c->state == CALL_BLOCKED)
		lane_put(&e->blocked, c);
	else if (c->armed)
		life_queue(e, c);
	else
		life_finish(e, c, RC_INVALID, "the call came to no end");
}

void life_deliver(struct engine *e, struct call *c, const struct reply *reply)
{
	if (!life_wanted(c)) { /* what was on the wire has ended, and no more goes out */
		life_finish(e, c, RC_CLOSED, "");
		return;
	}
	struct err err = {.code = reply->code};
	snprintf(err.msg, sizeof(err.msg), "%s", rc_text(reply->code));
	if (reply->code == RC_OK && c->request.effect)
		c->resent = false;
	c->status = reply->status;
	if (reply->code == RC_OK && !c->resent) /* to have looked is not to have done */
		c->attempts = 0;
	c->armed = false;
	c->unknown = false;
	enum rc rc = c->step(c, reply, &err);
	/* an effect whose answer is nonsense: perhaps it was done */
	c->unknown |= rc == RC_UPSTREAM && reply->code == RC_OK && c->request.effect;
	life_settle(e, c, rc, &err);
}

/* The first step of a call in a lane: it costs nothing, and may end the call. One that wants to
 * send keeps its place. */
enum life_begun life_begin(struct engine *e, struct call *c)
{
	struct err err = {.code = RC_OK, .msg = ""};
	c->started = true;
	c->armed = false;
	enum rc rc = operations[c->op]->start(c, &err);
	if (rc == RC_OK && c->armed && !c->ended && c->state == CALL_READY)
		return LIFE_STAYS;
	bool waits = rc == RC_OK && c->state == CALL_BLOCKED;
	life_unqueue(e, c);
	life_settle(e, c, rc, &err);
	return waits ? LIFE_STAYS : LIFE_ENDED;
}

static struct call *first_unbegun(const struct lane *lane)
{
	struct call *c = lane->head;
	while (c != NULL && c->started)
		c = c->next;
	return c;
}

/* Begins the calls of a lane, as far as the end that it has now. A call that ends may make its
 * receiver cancel any other: then the search begins anew. */
static bool begin_lane(struct engine *e, const struct lane *lane)
{
	bool any = false;
	for (struct call *c = first_unbegun(lane), *next; c != NULL; c = next) {
		next = c->next;
		if (c->started)
			continue;
		any = true;
		if (life_begin(e, c) == LIFE_ENDED)
			next = first_unbegun(lane);
	}
	return any;
}

/* One that begins makes others, of its own or, where it ends, of its receiver's: in any lane. */
void life_begin_all(struct engine *e)
{
	bool any = true;
	while (any) {
		any = false;
		for (int i = 0; i < CLIENT_LANE_N; i++)
			any = begin_lane(e, &e->ready[i]) || any;
	}
}

/* Takes a call that waits out of the list it is in. */
void life_detach(struct engine *e, struct call *c)
{
	switch (c->state) {
	case CALL_READY:
		life_unqueue(e, c);
		break;
	case CALL_DELAYED:
		lane_drop(&e->delayed, c);
		break;
	case CALL_BLOCKED:
		lane_drop(&e->blocked, c);
		break;
	case CALL_HELD:
		hearing_drop(c); /* its row is still watched */
		break;
	case CALL_RIDING:
		bundle_leave(c);
		break;
	case CALL_ON_WIRE:
		lane_drop(&e->wire, c);
		break;
	case CALL_DONE:
		break;
	}
}

/* Is its request, or the one that it rides with, on its way? */
bool life_is_out(const struct call *c)
{
	const struct call *goes = c->state == CALL_RIDING ? c->carrier : c;
	return goes->state == CALL_ON_WIRE;
}
