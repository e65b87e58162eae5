/* SPDX-License-Identifier: MIT */
/*
 * The engine: lanes in, requests out.
 * From: client.c, calls. To: question.c, what we ask ourselves; bundle.h, calls that go together;
 * transport.c, requests, whose answers answer.c reads; life.c, calls on their way.
 * While the line is down, nothing but one probe at a time goes out.
 */
#include "client/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/answer.h"
#include "client/bundle.h"
#include "client/lane.h"
#include "client/life.h"
#include "client/question.h"
#include "client/schema.h"

#define GATHERED_A_TURN 8 /* each looks through all that wait: others want their turn, too */

void engine_count(struct engine *e, int64_t now)
{
	ration_take(&e->ration, now);
	e->requests++;
}

/* ---- going out ---- */

/* A call that would write a field which the server has just said not to know. True: it was told. */
static bool answer_lacking(struct engine *e, struct call *c, int64_t now)
{
	bool writes = c->share.kind == SHARE_UPDATE || c->share.kind == SHARE_CREATE;
	const char *message =
		writes ? lacks_find(&e->lacks, call_shared_object(c), c->share.item, now) : NULL;
	if (message == NULL)
		return false;
	struct reply reply = {.code = RC_REJECTED, .status = 400, .message = message};
	life_deliver(e, c, &reply);
	return true;
}

/* A request that changes something goes out, in the name of all these. */
static void note_acted(struct call *c)
{
	for (size_t i = 0; c->bundle != NULL && i < c->bundle->n; i++)
		note_acted(c->bundle->member[i]);
	c->acted_before = c->acted;
	for (struct call *up = c; up != NULL; up = up->parent)
		up->acted = true;
}

static void send_call(struct engine *e, struct call *c, int64_t now)
{
	if (c->bundle == NULL && answer_lacking(e, c, now))
		return;
	struct err err = {.code = RC_CLOSED, .msg = ""};
	enum rc rc = life_wanted(c) ? RC_OK : RC_CLOSED;
	if (rc == RC_OK && c->bundle != NULL && c->doubt == NULL) {
		rc = c->bundle->kind->prepare(c, &err);
		if (rc != RC_OK) /* each may still go alone */
			bundle_return_all(c);
	}
	if (rc == RC_OK)
		rc = transport_send(e->transport, &c->request, answer_came, c, &err);
	if (rc != RC_OK) {
		life_finish(e, c, rc, err.msg);
		return;
	}
	if (c->request.effect)
		note_acted(c);
	c->state = CALL_ON_WIRE;
	lane_put(&e->wire, c);
	c->requests++;
	if (c->started_us == 0)
		c->started_us = clock_mono_us();
	e->on_wire++;
	e->waiting -= c->bundle == NULL ? 1 : 0;
	engine_count(e, now);
}

/* Is there less budget than there are calls? */
static bool is_short(const struct engine *e, int64_t now)
{
	return e->ready_n > 1 && ration_short(&e->ration, now, e->ready_n);
}

bool engine_short(const struct engine *e)
{
	return is_short(e, clock_mono_ms());
}

static struct call *first_ready(struct engine *e)
{
	for (int i = 0; i < CLIENT_LANE_N; i++)
		if (e->ready[i].head != NULL)
			return e->ready[i].head;
	return NULL;
}

/* The same, where nothing may overtake what is on the wire. */
static struct call *first_clear(struct engine *e)
{
	json_t *busy = engine_busy(e);
	struct call *found = NULL;
	for (int i = 0; i < CLIENT_LANE_N && found == NULL && busy != NULL; i++)
		for (struct call *c = e->ready[i].head; c != NULL && found == NULL; c = c->next)
			if (!c->started || engine_clashes(busy, c))
				engine_note(busy, c); /* nor what waits for that */
			else
				found = c;
	json_decref(busy);
	return found;
}

/* The next call, or the carrier that goes in its place; it is in no lane. */
static struct call *take_ready(struct engine *e, int64_t now)
{
	if (!is_short(e, now)) {
		struct call *c = first_ready(e);
		life_unqueue(e, c);
		return c;
	}
	life_begin_all(e);
	struct call *head = first_clear(e);
	struct call *carrier = head != NULL ? bundle_gather(e, head) : NULL;
	if (head != NULL && carrier == NULL)
		life_unqueue(e, head);
	return carrier != NULL ? carrier : head;
}

/* Moves calls whose time has come back to their lanes; answers when the next one's comes. */
static int64_t wake_delayed(struct engine *e, int64_t now)
{
	int64_t next = INT64_MAX;
	for (struct call *c = e->delayed.head, *after; c != NULL; c = after) {
		after = c->next;
		if (c->not_before_ms > now) {
			next = c->not_before_ms < next ? c->not_before_ms : next;
			continue;
		}
		lane_drop(&e->delayed, c);
		life_queue(e, c);
	}
	return next;
}

/* Sends what may go. Answers when there is a reason to look again. */
static int64_t send_ready(struct engine *e, int64_t now)
{
	int64_t at;
	int gathered = 0;
	while (transport_in_flight(e->transport) < TRANSPORT_PARALLEL) {
		if (question_send(e, now, &at))
			return at;
		struct call *c = first_ready(e);
		if (c == NULL)
			return INT64_MAX;
		if (!c->started) {
			(void)life_begin(e, c);
			continue;
		}
		int64_t wait = ration_wait_ms(&e->ration, now, e->on_wire + e->probe.on_wire);
		if (wait > 0)
			return now + wait;
		if (is_short(e, now) && ++gathered > GATHERED_A_TURN)
			return now;
		c = take_ready(e, now);
		if (c == NULL)
			return INT64_MAX;
		send_call(e, c, now);
	}
	return INT64_MAX;
}

/* Asks for more of a budget that is shared, for what waits. */
static int64_t tend(struct engine *e, int64_t now)
{
	if (!e->ration.shared)
		return INT64_MAX;
	const struct call *first = first_ready(e);
	bool up = e->line.state == LINE_UP, question = question_due(e, now);
	int64_t n = (up ? e->ready_n : 0) + (question ? 1 : 0);
	return ration_tend(
		&e->ration, now, n, first != NULL && !question ? first->lane : CLIENT_LIVE);
}

static void arm_timer(struct engine *e, int64_t at_ms, int64_t now)
{
	if (at_ms == INT64_MAX || (e->timer_at_ms >= 0 && e->timer_at_ms <= at_ms))
		return;
	uint64_t loop_now = 0;
	sd_event_now(e->loop, CLOCK_MONOTONIC, &loop_now);
	uint64_t in_us = at_ms > now ? (uint64_t)(at_ms - now) * 1000 : 0;
	if (sd_event_source_set_time(e->timer, loop_now + in_us) >= 0 &&
		sd_event_source_set_enabled(e->timer, SD_EVENT_ONESHOT) >= 0)
		e->timer_at_ms = at_ms;
}

static void pump(struct engine *e)
{
	if (e->pumping || e->closing)
		return;
	e->pumping = true;
	int64_t now = clock_mono_ms();
	int64_t next = wake_delayed(e, now);
	hearing_expire(e, now);
	if (e->hearing.held_n > 0 && e->hearing.due_ms < next)
		next = e->hearing.due_ms;
	int64_t again = send_ready(e, now), ask = tend(e, now);
	again = ask < again ? ask : again;
	transport_kick(e->transport);
	arm_timer(e, again < next ? again : next, now);
	e->pumping = false;
}

static int on_wake(sd_event_source *source, void *ctx)
{
	(void)source;
	pump(ctx);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx)
{
	(void)source, (void)usec;
	struct engine *e = ctx;
	e->timer_at_ms = -1;
	pump(e);
	return 0;
}

static void on_idle(void *ctx)
{
	struct engine *e = ctx;
	if (e->pumping) /* from within a kick: what ended leaves room for more */
		engine_wake(e);
	else
		pump(e);
}

void engine_wake(struct engine *e)
{
	if (e->closing)
		return;
	if (sd_event_source_set_enabled(e->wake, SD_EVENT_ONESHOT) < 0)
		log_error(NULL, "the client's event loop is broken");
}

/* ---- from outside ---- */

static void enlist(struct engine *e, struct call *c)
{
	c->all_next = e->all;
	if (e->all != NULL)
		e->all->all_prev = c;
	e->all = c;
}

void engine_add(struct engine *e, struct call *c)
{
	c->engine = e;
	c->ticket = ++e->next_ticket;
	enlist(e, c);
	if (c->parent == NULL)
		e->calls++;
	e->waiting++;
	life_queue(e, c);
	engine_wake(e);
}

void engine_block(struct call *c)
{
	c->state = CALL_BLOCKED;
	c->started = false;
}

void engine_unblock(struct call *c)
{
	struct engine *e = c->engine;
	lane_drop(&e->blocked, c);
	life_queue(e, c);
	engine_wake(e);
}

struct call *engine_carrier(struct engine *e, const struct call *head)
{
	struct call *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	request_init(&c->request);
	c->op = head->op;
	c->lane = head->lane;
	c->ticket = head->ticket;
	c->engine = e;
	c->started = true;
	snprintf(c->object, sizeof(c->object), "%s", call_shared_object(head));
	enlist(e, c);
	return c;
}

void engine_ride(struct call *c)
{
	life_unqueue(c->engine, c);
}

void engine_reply(struct call *c, const struct reply *reply)
{
	life_deliver(c->engine, c, reply);
}

/* One that was cancelled on its way ends here. */
void engine_return(struct call *c)
{
	struct engine *e = c->engine;
	life_queue(e, c);
	engine_wake(e);
}

void engine_await(struct call *c)
{
	lane_put(&c->engine->blocked, c);
}

bool engine_own(struct engine *e, enum client_op op, const char *object, json_t *args,
	client_done_fn done, void *ctx)
{
	struct call *c = args != NULL ? calloc(1, sizeof(*c)) : NULL;
	char *name = strdup("");
	if (c == NULL || name == NULL) {
		free(c);
		free(name);
		json_decref(args);
		return false;
	}
	request_init(&c->request);
	c->op = op;
	c->args = args;
	c->name = name;
	c->done = done;
	c->ctx = ctx;
	snprintf(c->object, sizeof(c->object), "%s", object);
	engine_add(e, c);
	life_unqueue(e, c);
	c->ticket = 0;
	life_queue(e, c);
	return true;
}

void engine_cancel(struct engine *e, uint64_t ticket)
{
	struct call *c = e->all;
	while (c != NULL && (c->ticket != ticket || c->done == NULL))
		c = c->all_next;
	if (c == NULL)
		return;
	c->done = NULL;
	if (life_is_out(c))
		return;
	life_detach(e, c);
	life_finish(e, c, RC_CLOSED, "");
}

enum rc engine_open(
	struct engine *e, const struct engine_conf *settings, sd_event *loop, struct err *err)
{
	int64_t now = clock_mono_ms();
	uint64_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random = (uint64_t)clock_mono_us();
	*e = (struct engine){.loop = sd_event_ref(loop), .timer_at_ms = -1};
	e->coalesce = settings->coalesce;
	e->schema_due = true;
	ration_init(&e->ration, settings->per_hour, now);
	line_init(&e->line, now, random);
	probe_init(&e->probe, settings->dialect);
	e->key = strdup(settings->key);
	struct transport_conf conf = {.url = settings->url,
		.key = settings->key,
		.ca = settings->ca,
		.deadline_ms = settings->deadline_ms,
		.body_max = TRANSPORT_BODY_MAX};
	enum rc rc = transport_new(&conf, loop, on_idle, e, &e->transport, err);
	if (rc != RC_OK)
		return rc;
	if (e->key == NULL || sd_event_add_defer(loop, &e->wake, on_wake, e) < 0 ||
		sd_event_add_time(loop, &e->timer, CLOCK_MONOTONIC, UINT64_MAX, 1, on_timer, e) <
			0 ||
		sd_event_source_set_enabled(e->timer, SD_EVENT_OFF) < 0)
		return err_set(err, RC_NOMEM, "no memory for the client");
	return RC_OK;
}

/* Lets the members of a carrier go, to be answered each by itself. */
static void disband(struct call *carrier)
{
	bool out = carrier->state == CALL_ON_WIRE;
	while (carrier->bundle->n > 0) {
		struct call *member = carrier->bundle->member[0];
		bundle_leave(member);
		member->state = CALL_DONE;
		member->unknown = member->request.effect && (out || carrier->resent);
	}
}

void engine_close(struct engine *e)
{
	e->closing = true;
	transport_free(e->transport);
	e->transport = NULL;
	while (e->all != NULL) {
		struct call *c = e->all;
		if (c->bundle != NULL)
			disband(c);
		else if (life_is_out(c))
			c->unknown = c->request.effect || c->resent;
		life_detach(e, c);
		life_finish(e, c, RC_CLOSED, "the client was closed");
	}
	schema_free(e->schema);
	hearing_done(&e->hearing);
	probe_done(&e->probe);
	sd_event_source_disable_unref(e->wake);
	sd_event_source_disable_unref(e->timer);
	sd_event_unref(e->loop);
	if (e->key != NULL)
		explicit_bzero(e->key, strlen(e->key));
	free(e->key);
	*e = (struct engine){.timer_at_ms = -1};
}
