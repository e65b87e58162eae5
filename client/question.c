/* SPDX-License-Identifier: MIT */
/*
 * What the engine asks on its own account: which dialect, which objects and fields, which abilities
 * the server has, which webhooks the workspace has. One question at a time.
 * From: engine.c, before any call goes. To: probe.c, schema.c, hearing.c, which read the answers,
 * and line.c, for which the first question is also the one that finds out whether Twenty is back.
 * A server that does not answer one of the others is served without: what depends on it is not
 * done.
 */
#include "client/question.h"

#include <malloc.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "client/answer.h"
#include "client/schema.h"

#define SCHEMA_AGAIN_MS 300000 /* when it could not be read */

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
	json_t *body = answer_parse(a->body);
	struct fault fault;
	char problem[200] = "it answers with an error";
	switch (probe_understand(&e->probe, a->status, body, problem, sizeof(problem))) {
	case PROBE_KNOWN:
		ration_accepted(&e->ration, now, e->on_wire, &notice);
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
		ration_refused(&e->ration, now, &notice, fault.limit, fault.window_ms);
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
	json_t *body = answer_parse(a->body);
	if (schema_read(body, &schema, &err) == RC_OK) {
		schema_free(e->schema);
		e->schema = schema;
		e->schema_n++;
	}
	json_decref(body);
	malloc_trim(0); /* of some 400 kB of JSON little is kept */
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
	json_t *body =
		a->end == TRANSPORT_ANSWERED && a->status == 200 ? answer_parse(a->body) : NULL;
	hearing_read(e, body);
	json_decref(body);
}

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

enum { ASK_NOTHING = -1, ASK_DIALECT, ASK_SCHEMA, ASK_ABILITIES, ASK_WEBHOOKS };

static const struct {
	enum rc (*ask)(struct engine *e, struct err *err);
	transport_done_fn answered;
	bool free; /* not limited by the budget */
} questions[] = {
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
	bool echoes = e->coalesce.upsert && !e->ration.own.unlimited;
	return echoes && !e->hearing.asked ? ASK_WEBHOOKS : ASK_NOTHING;
}

static void question_came(void *ctx, const struct transport_answer *a)
{
	struct engine *e = ctx;
	ration_ended(&e->ration, clock_mono_ms(), a->wire_us);
	questions[e->asking].answered(e, a);
}

/* The server does not count it; those who share a budget do, so that together they keep to it. */
static bool is_free(const struct engine *e, int which)
{
	return questions[which].free && !e->ration.shared;
}

bool question_due(const struct engine *e, int64_t now)
{
	bool up = e->line.state == LINE_UP;
	if (e->probe.on_wire || (!up && e->line.probe_at_ms > now))
		return false;
	return next_question(e, up, now) != ASK_NOTHING;
}

static void send_question(struct engine *e, int64_t now, int which)
{
	struct err err;
	enum rc rc = questions[which].ask(e, &err);
	e->asking = which;
	if (rc == RC_OK)
		rc = transport_send(e->transport, &e->probe.request, question_came, e, &err);
	if (rc != RC_OK) {
		line_failed(&e->line, now, LINE_UNSENT, err.msg);
		return;
	}
	e->probe.on_wire = true;
	if (is_free(e, which))
		e->requests++;
	else
		engine_count(e, now);
}

/* Before any call: the engine's own questions. True: calls have to wait, and *ret_at is when to
 * look again. */
bool question_send(struct engine *e, int64_t now, int64_t *ret_at)
{
	bool up = e->line.state == LINE_UP;
	*ret_at = INT64_MAX;
	if (e->probe.on_wire)
		return !up || e->asking != ASK_WEBHOOKS || engine_short(e);
	int which = next_question(e, up, now);
	if (which == ASK_NOTHING)
		return false;
	*ret_at = e->line.probe_at_ms;
	if (!up && e->line.probe_at_ms > now)
		return true;
	int64_t wait = is_free(e, which) ? 0 : ration_wait_ms(&e->ration, now, e->on_wire);
	*ret_at = wait > 0 ? now + wait : INT64_MAX;
	if (wait > 0)
		return true;
	send_question(e, now, which);
	if (!e->probe.on_wire)
		*ret_at = e->line.probe_at_ms;
	return which != ASK_WEBHOOKS || engine_short(e);
}
