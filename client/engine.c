/* SPDX-License-Identifier: MIT */
/*
 * The engine: lanes in, requests out, replies back to the steps.
 * From: client.c, calls. To: transport.c, requests; back to the calls, replies that are final.
 *
 * What is repeated here, without the operation knowing: what never reached the server; what it
 * refused with 429; reads; effects whose repeat does no harm (an operation says so by leaving `ask`
 * empty). Everything else goes to the operation's `ask`, which looks before it repeats.
 * While the line is down, attempts are not counted and nothing but one probe at a time goes out.
 *
 * Invariant: a call is in exactly one place: a lane, delayed, blocked, or on the wire.
 */
#include "client/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "client/bundle.h"
#include "client/creation.h"
#include "client/doubt.h"
#include "client/lane.h"
#include "client/listing.h"
#include "client/operation.h"
#include "client/scan.h"
#include "client/schema.h"

#define ATTEMPTS_MAX 6 /* of one request while the line is up */
#define RETRY_MS 250
#define RETRY_MAX_MS 20000
#define SCHEMA_MS 5000         /* it is not read again sooner than that */
#define SCHEMA_AGAIN_MS 300000 /* when it could not be read */
#define SCAN_FROM 262144       /* smaller answers cannot grow large when parsed */
#define SCAN_DEPTH 100
#define SCAN_PARTS 2000000

static void finish(struct engine *e, struct call *c, enum rc code, const char *message);
static void settle(struct engine *e, struct call *c, enum rc rc, struct err *err);
static void detach(struct engine *e, struct call *c);
static bool is_out(const struct call *c);

/* ---- one call ---- */

/* Forgets what its steps have gathered. */
static void call_reset(struct call *c)
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
	call_reset(c);
	bundle_free(c->bundle);
	json_decref(c->held);
	json_decref(c->share.item);
	request_done(&c->request);
	for (int i = 0; i < c->results_n; i++)
		json_decref(c->results[i].value);
	free(c->results);
	json_decref(c->args);
	json_decref(c->value);
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
static bool is_wanted(const struct call *c)
{
	return c->done != NULL || c->parent != NULL || (c->bundle != NULL && c->bundle->n > 0);
}

static void ready_put(struct engine *e, struct call *c)
{
	c->state = CALL_READY;
	e->ready_n++;
	lane_put(&e->ready[c->lane], c);
}

static void ready_drop(struct engine *e, struct call *c)
{
	e->ready_n--;
	lane_drop(&e->ready[c->lane], c);
}

static void to_lane(struct engine *e, struct call *c)
{
	if (!is_wanted(c)) {
		finish(e, c, RC_CLOSED, "");
		return;
	}
	ready_put(e, c);
}

static void to_delayed(struct engine *e, struct call *c, int64_t ms)
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
		if (is_out(c))
			continue;
		detach(e, c);
		finish(e, c, RC_CLOSED, "");
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
	if (parent->started_us == 0)
		parent->started_us = c->started_us;
	if (--parent->children > 0 || parent->state != CALL_BLOCKED)
		return;
	struct err err = {.code = RC_OK, .msg = ""};
	lane_drop(&e->blocked, parent);
	parent->armed = false;
	settle(e, parent, parent->children_done(parent, &err), &err);
}

/* Gives the answer and the call back to nothing. It is in no list any more. */
static void finish(struct engine *e, struct call *c, enum rc code, const char *message)
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
	if (e->key != NULL && strstr(answer.message, e->key) != NULL)
		answer.message = rc_text(code);
	if (c->done != NULL)
		c->done(c->ctx, &answer);
	else if (c->parent != NULL)
		tell_parent(e, c, code, answer.message);
	call_free(c);
}

/* What a step left behind decides where the call goes. */
static void settle(struct engine *e, struct call *c, enum rc rc, struct err *err)
{
	if (rc != RC_OK)
		finish(e, c, rc, err->msg);
	else if (c->ended)
		finish(e, c, RC_OK, "");
	else if (c->state == CALL_BLOCKED)
		lane_put(&e->blocked, c);
	else if (c->armed)
		to_lane(e, c);
	else
		finish(e, c, RC_INVALID, "the call came to no end");
}

static void deliver(struct engine *e, struct call *c, const struct reply *reply)
{
	if (!is_wanted(c)) { /* what was on the wire has ended, and no more goes out */
		finish(e, c, RC_CLOSED, "");
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
	settle(e, c, rc, &err);
}

/* The first step of a call in a lane: it costs nothing, and may end the call. One that wants to
 * send keeps its place. */
static void begin(struct engine *e, struct call *c)
{
	struct err err = {.code = RC_OK, .msg = ""};
	c->started = true;
	c->armed = false;
	enum rc rc = operations[c->op]->start(c, &err);
	if (rc == RC_OK && c->armed && !c->ended && c->state == CALL_READY)
		return;
	ready_drop(e, c);
	settle(e, c, rc, &err);
}

static void begin_all(struct engine *e)
{
	for (int i = 0; i < CLIENT_LANE_N; i++)
		for (struct call *c = e->ready[i].head, *next; c != NULL; c = next) {
			next = c->next;
			if (!c->started)
				begin(e, c);
		}
}

/* ---- replies ---- */

/* A request that came to nothing, or to an effect nobody knows the outcome of. */
static void retry(struct engine *e, struct call *c, struct reply *reply)
{
	metrics_add(METRIC_API_FAILED, 1);
	bool up = e->line.state == LINE_UP || e->line.state == LINE_DOUBT;
	if (!is_wanted(c) || (up && ++c->attempts >= ATTEMPTS_MAX)) {
		reply->unknown = c->request.effect || c->resent;
		deliver(e, c, reply);
		return;
	}
	int64_t ms = line_back_off_ms(
		&e->line, c->attempts > 0 ? c->attempts - 1 : 0, RETRY_MS, RETRY_MAX_MS);
	if (c->request.effect)
		c->resent = true;
	if (c->request.effect && c->ask != NULL) {
		struct err err = {.code = RC_OK, .msg = ""};
		c->armed = false;
		enum rc rc = c->ask(c, &err);
		if (rc != RC_OK || !c->armed) {
			settle(e, c, rc, &err);
			return;
		}
	}
	to_delayed(e, c, ms);
}

static json_t *parse(struct slice body)
{
	if (body.n == 0 || (body.n > SCAN_FROM && !scan_json(body, SCAN_DEPTH, SCAN_PARTS)))
		return NULL;
	return json_loadb(body.p, body.n, JSON_DECODE_ANY, NULL);
}

/* The name in quotes that a message complains about. */
static bool name_in(const char *message, char *ret_name, size_t name_n)
{
	const char *at = strchr(message, '"');
	size_t n = at != NULL ? strcspn(at + 1, "\"") : 0;
	if (n == 0 || at[n + 1] != '"' || n >= name_n)
		return false;
	memcpy(ret_name, at + 1, n);
	ret_name[n] = '\0';
	return true;
}

/* A refusal that names an unknown field: what we know of the workspace may be old. True: the call
 * begins anew when that has been read again. */
static bool begins_anew(struct engine *e, struct call *c, struct fault *fault, int64_t now)
{
	char name[FIELD_PATH_MAX], near[128];
	if (fault->code != RC_REJECTED || e->probe.dialect != &dialect_core ||
		!schema_names_unknown(fault->message))
		return false;
	if (now - e->schema_ms >= SCHEMA_MS)
		e->schema_due = true;
	if (e->schema_due && c->bundle == NULL && c->requests == 1 && !c->anew) {
		c->anew = true;
		c->started = false;
		call_reset(c);
		to_lane(e, c);
		return true;
	}
	size_t n = strlen(fault->message);
	if (name_in(fault->message, name, sizeof(name)) &&
		schema_suggest(e->schema, c->object, name, near, sizeof(near)))
		snprintf(fault->message + n, sizeof(fault->message) - n, " (%s)", near);
	return false;
}

static void answered_badly(struct engine *e, struct call *c, int status, const json_t *body,
	struct budget_notice *notice)
{
	int64_t now = clock_mono_ms();
	struct fault fault;
	e->probe.dialect->read_fault(status, body, &fault);
	if (status == 429) {
		metrics_add(METRIC_API_LIMITED, 1);
		budget_refused(&e->budget, now, notice, fault.limit, fault.window_ms);
		to_lane(e, c);
		return;
	}
	struct reply reply = {
		.code = fault.code, .status = status, .body = body, .message = fault.message};
	if (status >= 500) {
		char problem[80];
		snprintf(problem, sizeof(problem), "it answers with status %d", status);
		line_failed(&e->line, now, LINE_LOST, problem);
		retry(e, c, &reply);
		return;
	}
	budget_accepted(&e->budget, now, e->on_wire, notice);
	line_worked(&e->line, now);
	if (fault.code == RC_UPSTREAM && body == NULL && status >= 400) { /* cut off, or a proxy */
		retry(e, c, &reply);
		return;
	}
	if (fault.key && !c->denied) {
		c->denied = true;
		line_doubt(&e->line, now);
		to_lane(e, c);
		return;
	}
	if (begins_anew(e, c, &fault, now))
		return;
	if (fault.code == RC_NOT_FOUND && !doubt_read(c, &fault, &reply))
		to_lane(e, c);
	else
		deliver(e, c, &reply);
}

static void answered(struct engine *e, struct call *c, const struct transport_answer *a)
{
	struct budget_notice notice = a->notice;
	json_t *body = parse(a->body);
	if (a->status < 200 || a->status > 299) {
		answered_badly(e, c, a->status, body, &notice);
		json_decref(body);
		return;
	}
	int64_t now = clock_mono_ms();
	budget_accepted(&e->budget, now, e->on_wire, &notice);
	struct reply reply = {.code = RC_OK, .status = a->status, .body = body, .message = ""};
	if (body == NULL) {
		reply.code = RC_UPSTREAM;
		reply.message = "Twenty's answer cannot be read";
		retry(e, c, &reply);
		return;
	}
	line_worked(&e->line, now);
	doubt_answered(c);
	deliver(e, c, &reply);
	json_decref(body);
}

static void call_answered(void *ctx, const struct transport_answer *a)
{
	struct call *c = ctx;
	struct engine *e = c->engine;
	lane_drop(&e->wire, c);
	e->on_wire--;
	e->waiting += c->bundle == NULL ? 1 : 0;
	c->wire_us += a->wire_us;
	struct reply reply = {.code = RC_UPSTREAM, .message = a->problem};
	switch (a->end) {
	case TRANSPORT_ANSWERED:
		answered(e, c, a);
		break;
	case TRANSPORT_UNSENT:
		metrics_add(METRIC_API_FAILED, 1);
		line_failed(&e->line, clock_mono_ms(), LINE_UNSENT, a->problem);
		to_lane(e, c);
		break;
	case TRANSPORT_LOST:
		reply.code = a->late ? RC_TIMEOUT : RC_UPSTREAM;
		line_failed(&e->line, clock_mono_ms(), LINE_LOST, a->problem);
		retry(e, c, &reply);
		break;
	case TRANSPORT_EXCESS:
		reply.code = RC_TOO_LARGE;
		reply.unknown = c->request.effect;
		deliver(e, c, &reply);
		break;
	}
}

/* ---- the probe ---- */

static void probe_answered(void *ctx, const struct transport_answer *a)
{
	struct engine *e = ctx;
	int64_t now = clock_mono_ms();
	e->probe.on_wire = false;
	struct budget_notice notice = a->notice;
	if (a->end != TRANSPORT_ANSWERED) {
		metrics_add(METRIC_API_FAILED, 1);
		line_failed(&e->line, now, LINE_UNSENT, a->problem);
		return;
	}
	json_t *body = parse(a->body);
	struct fault fault;
	char problem[200] = "it answers with an error";
	switch (probe_understand(&e->probe, a->status, body, problem, sizeof(problem))) {
	case PROBE_KNOWN:
		budget_accepted(&e->budget, now, e->on_wire, &notice);
		line_proved(&e->line, now);
		if (a->status == 200)
			objects_note(&e->objects, "people", OBJECT_THERE, now);
		break;
	case PROBE_REFUSED:
		line_refused(&e->line, now);
		break;
	case PROBE_LIMITED:
		metrics_add(METRIC_API_LIMITED, 1);
		dialect_core.read_fault(a->status, body, &fault);
		budget_refused(&e->budget, now, &notice, fault.limit, fault.window_ms);
		break;
	case PROBE_FAILING:
		metrics_add(METRIC_API_FAILED, 1);
		line_failed(&e->line, now, LINE_UNSENT, problem);
		break;
	case PROBE_STRANGE:
		line_unusable(&e->line, now, problem);
		break;
	}
	json_decref(body);
}

static void schema_answered(void *ctx, const struct transport_answer *a)
{
	struct engine *e = ctx;
	struct err err;
	struct schema *schema = NULL;
	e->probe.on_wire = false;
	if (a->end != TRANSPORT_ANSWERED || a->status != 200)
		return;
	json_t *body = parse(a->body);
	if (schema_read(body, &schema, &err) == RC_OK) {
		schema_free(e->schema);
		e->schema = schema;
	}
	json_decref(body);
}

static void abilities_answered(void *ctx, const struct transport_answer *a)
{
	struct engine *e = ctx;
	int status = a->end == TRANSPORT_ANSWERED ? a->status : 0;
	e->probe.on_wire = false;
	if (status == 200)
		probe_read_schema(&e->probe, a->body);
	else if (probe_miss_schema(&e->probe, status))
		e->probe.schema_asked = false;
}

static void webhooks_answered(void *ctx, const struct transport_answer *a)
{
	struct engine *e = ctx;
	e->probe.on_wire = false;
	json_t *body = a->end == TRANSPORT_ANSWERED && a->status == 200 ? parse(a->body) : NULL;
	hearing_read(e, body);
	json_decref(body);
}

static void count_request(struct engine *e, int64_t now)
{
	budget_take(&e->budget, now);
	e->requests++;
}

/* What the engine asks on its own account, one question at a time. */
static const struct question {
	enum rc (*ask)(struct engine *e, struct err *err);
	transport_done_fn answered;
	bool free; /* not limited by the budget */
} questions[];

enum { ASK_NOTHING = -1, ASK_DIALECT, ASK_SCHEMA, ASK_ABILITIES, ASK_WEBHOOKS };

static enum rc ask_dialect(struct engine *e, struct err *err)
{
	return probe_ask(&e->probe, err);
}

static enum rc ask_schema(struct engine *e, struct err *err)
{
	e->schema_due = false;
	e->schema_ms = clock_mono_ms();
	return schema_ask(&e->probe.request, err);
}

static enum rc ask_abilities(struct engine *e, struct err *err)
{
	e->probe.schema_asked = true;
	return probe_ask_schema(&e->probe, err);
}

static enum rc ask_webhooks(struct engine *e, struct err *err)
{
	e->hearing.asked = true;
	return hearing_ask(&e->probe.request, err);
}

static const struct question questions[] = {
	[ASK_DIALECT] = {ask_dialect, probe_answered, false},
	[ASK_SCHEMA] = {ask_schema, schema_answered, true},
	[ASK_ABILITIES] = {ask_abilities, abilities_answered, false},
	[ASK_WEBHOOKS] = {ask_webhooks, webhooks_answered, true},
};

/* The next question; calls wait for all but the last one. */
static int next_question(const struct engine *e, bool up, int64_t now)
{
	bool lacks = e->schema == NULL && now - e->schema_ms > SCHEMA_AGAIN_MS;
	if (!up)
		return ASK_DIALECT;
	if (e->probe.dialect != &dialect_core)
		return ASK_NOTHING;
	if (e->schema_due || lacks)
		return ASK_SCHEMA;
	if (!e->probe.schema_asked)
		return ASK_ABILITIES;
	bool echoes = e->coalesce.upsert && !e->budget.unlimited;
	return echoes && !e->hearing.asked ? ASK_WEBHOOKS : ASK_NOTHING;
}

static void send_question(struct engine *e, int64_t now, int which)
{
	struct err err;
	enum rc rc = questions[which].ask(e, &err);
	if (rc == RC_OK)
		rc = transport_send(
			e->transport, &e->probe.request, questions[which].answered, e, &err);
	if (rc != RC_OK) {
		line_failed(&e->line, now, LINE_UNSENT, err.msg);
		return;
	}
	e->probe.on_wire = true;
	e->asking = which;
	if (questions[which].free)
		e->requests++;
	else
		count_request(e, now);
}

/* ---- going out ---- */

static void send_call(struct engine *e, struct call *c, int64_t now)
{
	struct err err = {.code = RC_CLOSED, .msg = ""};
	enum rc rc = is_wanted(c) ? RC_OK : RC_CLOSED;
	if (rc == RC_OK && c->bundle != NULL && c->doubt == NULL) {
		rc = c->bundle->kind->prepare(c, &err);
		if (rc != RC_OK) /* each may still go alone */
			bundle_return_all(c);
	}
	if (rc == RC_OK)
		rc = transport_send(e->transport, &c->request, call_answered, c, &err);
	if (rc != RC_OK) {
		finish(e, c, rc, err.msg);
		return;
	}
	c->state = CALL_ON_WIRE;
	lane_put(&e->wire, c);
	c->requests++;
	if (c->started_us == 0)
		c->started_us = clock_mono_us();
	e->on_wire++;
	e->waiting -= c->bundle == NULL ? 1 : 0;
	count_request(e, now);
}

/* Is there less budget than there are calls? */
static bool is_short(const struct engine *e, int64_t now)
{
	double tokens = budget_tokens(&e->budget, now);
	return e->ready_n > 1 && tokens >= 0 && tokens < (double)e->ready_n;
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
			found = engine_clashes(busy, c) ? NULL : c;
	json_decref(busy);
	return found;
}

/* The next call, or the carrier that goes in its place; it is in no lane. */
static struct call *take_ready(struct engine *e, int64_t now)
{
	if (!is_short(e, now)) {
		struct call *c = first_ready(e);
		ready_drop(e, c);
		return c;
	}
	begin_all(e);
	struct call *head = first_clear(e);
	struct call *carrier = head != NULL ? bundle_gather(e, head) : NULL;
	if (head != NULL && carrier == NULL)
		ready_drop(e, head);
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
		to_lane(e, c);
	}
	return next;
}

/* Before any call: the engine's own questions. True: calls have to wait, and *ret_at is when to
 * look again. */
static bool send_own(struct engine *e, int64_t now, int64_t *ret_at)
{
	bool up = e->line.state == LINE_UP;
	*ret_at = INT64_MAX;
	if (e->probe.on_wire)
		return !up || e->asking != ASK_WEBHOOKS;
	int which = next_question(e, up, now);
	if (which == ASK_NOTHING)
		return false;
	*ret_at = e->line.probe_at_ms;
	if (!up && e->line.probe_at_ms > now)
		return true;
	int64_t wait = questions[which].free ? 0 : budget_wait_ms(&e->budget, now, e->on_wire);
	*ret_at = wait > 0 ? now + wait : INT64_MAX;
	if (wait > 0)
		return true;
	send_question(e, now, which);
	if (!e->probe.on_wire)
		*ret_at = e->line.probe_at_ms;
	return which != ASK_WEBHOOKS;
}

/* Sends what may go. Answers when there is a reason to look again. */
static int64_t send_ready(struct engine *e, int64_t now)
{
	int64_t at;
	while (transport_in_flight(e->transport) < TRANSPORT_PARALLEL) {
		if (send_own(e, now, &at))
			return at;
		struct call *c = first_ready(e);
		if (c == NULL)
			return INT64_MAX;
		if (!c->started) {
			begin(e, c);
			continue;
		}
		int64_t wait = budget_wait_ms(&e->budget, now, e->on_wire + e->probe.on_wire);
		if (wait > 0)
			return now + wait;
		c = take_ready(e, now);
		if (c == NULL)
			return INT64_MAX;
		send_call(e, c, now);
	}
	return INT64_MAX;
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
	int64_t again = send_ready(e, now);
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
	to_lane(e, c);
	engine_wake(e);
}

void engine_block(struct call *c)
{
	c->state = CALL_BLOCKED;
	c->started = false;
}

void engine_unblock(struct call *c)
{
	lane_drop(&c->engine->blocked, c);
	to_lane(c->engine, c);
	engine_wake(c->engine);
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
	ready_drop(c->engine, c);
}

void engine_reply(struct call *c, const struct reply *reply)
{
	deliver(c->engine, c, reply);
}

void engine_return(struct call *c)
{
	to_lane(c->engine, c);
	engine_wake(c->engine);
}

void engine_await(struct call *c)
{
	lane_put(&c->engine->blocked, c);
}

void engine_own(
	struct engine *e, enum client_op op, const char *object, json_t *args, client_done_fn done)
{
	struct call *c = args != NULL ? calloc(1, sizeof(*c)) : NULL;
	char *name = strdup("");
	if (c == NULL || name == NULL) {
		free(c);
		free(name);
		json_decref(args);
		log_error(NULL, "no memory for a call");
		return;
	}
	request_init(&c->request);
	c->op = op;
	c->args = args;
	c->name = name;
	c->done = done;
	snprintf(c->object, sizeof(c->object), "%s", object);
	engine_add(e, c);
}

/* Takes a call that waits out of the list it is in. */
static void detach(struct engine *e, struct call *c)
{
	switch (c->state) {
	case CALL_READY:
		ready_drop(e, c);
		break;
	case CALL_DELAYED:
		lane_drop(&e->delayed, c);
		break;
	case CALL_BLOCKED:
		lane_drop(&e->blocked, c);
		break;
	case CALL_HELD:
		hearing_leave(c);
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
static bool is_out(const struct call *c)
{
	const struct call *goes = c->state == CALL_RIDING ? c->carrier : c;
	return goes->state == CALL_ON_WIRE;
}

void engine_cancel(struct engine *e, uint64_t ticket)
{
	struct call *c = e->all;
	while (c != NULL && (c->ticket != ticket || c->done == NULL))
		c = c->all_next;
	if (c == NULL)
		return;
	c->done = NULL;
	if (is_out(c))
		return;
	detach(e, c);
	finish(e, c, RC_CLOSED, "");
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
	budget_init(&e->budget, settings->per_hour, now);
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
		else if (is_out(c))
			c->unknown = c->request.effect || c->resent;
		detach(e, c);
		finish(e, c, RC_CLOSED, "the client was closed");
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
