/* SPDX-License-Identifier: MIT */
/*
 * What came of a request, and whether it goes out again.
 * From: transport.c. To: the call's step, with a reply that is final (life.c); line.c and ration.c.
 *
 * What is repeated here, without the operation knowing: what never reached the server; what it
 * refused with 429; reads; effects whose repeat does no harm (an operation says so by leaving `ask`
 * empty). Everything else goes to the operation's `ask`, which looks before it repeats. While the
 * line is down, attempts are not counted.
 */
#include "client/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "client/doubt.h"
#include "client/lane.h"
#include "client/life.h"
#include "client/scan.h"
#include "client/schema.h"

#define ATTEMPTS_MAX 6 /* of one request while the line is up */
#define RETRY_MS 250
#define RETRY_MAX_MS 20000
#define SCHEMA_MS 5000   /* it is not read again sooner than that */
#define SCAN_FROM 262144 /* smaller answers cannot grow large when parsed */
#define SCAN_DEPTH 100
#define SCAN_PARTS 2000000

json_t *answer_parse(struct slice body)
{
	if (body.n == 0 || (body.n > SCAN_FROM && !scan_json(body, SCAN_DEPTH, SCAN_PARTS)))
		return NULL;
	return json_loadb(body.p, body.n, JSON_DECODE_ANY, NULL);
}

/* A request that came to nothing, or to an effect nobody knows the outcome of. */
static void retry(struct engine *e, struct call *c, struct reply *reply)
{
	metrics_add(METRIC_API_FAILED, 1);
	bool up = e->line.state == LINE_UP || e->line.state == LINE_DOUBT;
	if (!life_wanted(c) || (up && ++c->attempts >= ATTEMPTS_MAX)) {
		reply->unknown = c->request.effect || c->resent;
		life_deliver(e, c, reply);
		return;
	}
	int64_t ms = line_back_off_ms(
		&e->line, c->attempts > 0 ? c->attempts - 1 : 0, RETRY_MS, RETRY_MAX_MS);
	if (c->request.effect)
		c->resent = c->late = true;
	if (c->request.effect && c->ask != NULL) {
		struct err err = {.code = RC_OK, .msg = ""};
		c->armed = false;
		enum rc rc = c->ask(c, &err);
		if (rc != RC_OK || !c->armed) {
			life_settle(e, c, rc, &err);
			return;
		}
	}
	life_delay(e, c, ms);
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
		life_reset(c);
		life_queue(e, c);
		return true;
	}
	if (!name_in(fault->message, name, sizeof(name)))
		return false;
	size_t n = strlen(fault->message);
	if (schema_suggest(e->schema, c->object, name, near, sizeof(near)))
		snprintf(fault->message + n, sizeof(fault->message) - n, " (%s)", near);
	lacks_note(&e->lacks, c->object, name, fault->message, now);
	return false;
}

/* The request has changed nothing, that is sure. */
static void undone(struct call *c)
{
	if (c->bundle == NULL && c->parent == NULL)
		c->acted = c->acted_before;
}

static void answered_badly(struct engine *e, struct call *c, int status, const json_t *body,
	struct budget_notice *notice)
{
	int64_t now = clock_mono_ms();
	struct fault fault;
	e->probe.dialect->read_fault(status, body, &fault);
	if (status == 429) {
		undone(c);
		metrics_add(METRIC_API_LIMITED, 1);
		ration_refused(&e->ration, now, notice, fault.limit, fault.window_ms);
		life_queue(e, c);
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
	ration_accepted(&e->ration, now, e->on_wire, notice);
	line_worked(&e->line, now);
	if (fault.code == RC_UPSTREAM && body == NULL && status >= 400) { /* cut off, or a proxy */
		retry(e, c, &reply);
		return;
	}
	if (fault.key && !c->denied) {
		c->denied = true;
		line_doubt(&e->line, now);
		life_queue(e, c);
		return;
	}
	if (begins_anew(e, c, &fault, now))
		return;
	if (fault.code == RC_NOT_FOUND && !doubt_read(c, &fault, &reply))
		life_queue(e, c);
	else
		life_deliver(e, c, &reply);
}

static void answered(struct engine *e, struct call *c, const struct transport_answer *a)
{
	struct budget_notice notice = a->notice;
	json_t *body = answer_parse(a->body);
	if (a->status < 200 || a->status > 299) {
		answered_badly(e, c, a->status, body, &notice);
		json_decref(body);
		return;
	}
	int64_t now = clock_mono_ms();
	ration_accepted(&e->ration, now, e->on_wire, &notice);
	struct reply reply = {.code = RC_OK, .status = a->status, .body = body, .message = ""};
	if (body == NULL) {
		reply.code = RC_UPSTREAM;
		reply.message = "Twenty's answer cannot be read";
		retry(e, c, &reply);
		return;
	}
	line_worked(&e->line, now);
	doubt_answered(c);
	life_deliver(e, c, &reply);
	json_decref(body);
}

void answer_came(void *ctx, const struct transport_answer *a)
{
	struct call *c = ctx;
	struct engine *e = c->engine;
	lane_drop(&e->wire, c);
	e->on_wire--;
	e->waiting += c->bundle == NULL ? 1 : 0;
	c->wire_us += a->wire_us;
	ration_ended(&e->ration, clock_mono_ms(), a->wire_us);
	struct reply reply = {.code = RC_UPSTREAM, .message = a->problem};
	switch (a->end) {
	case TRANSPORT_ANSWERED:
		answered(e, c, a);
		break;
	case TRANSPORT_UNSENT:
		undone(c);
		metrics_add(METRIC_API_FAILED, 1);
		line_failed(&e->line, clock_mono_ms(), LINE_UNSENT, a->problem);
		life_queue(e, c);
		break;
	case TRANSPORT_LOST:
		reply.code = a->late ? RC_TIMEOUT : RC_UPSTREAM;
		line_failed(&e->line, clock_mono_ms(), LINE_LOST, a->problem);
		retry(e, c, &reply);
		break;
	case TRANSPORT_EXCESS:
		reply.code = RC_TOO_LARGE;
		reply.unknown = c->request.effect;
		life_deliver(e, c, &reply);
		break;
	}
}
