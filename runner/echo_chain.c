/* SPDX-License-Identifier: MIT */
/*
 * Chains of cause: event -> run -> write -> event.
 * From: route_echo.c and echo_run.c, with what the ledger knows of an event. To: a verdict, the
 * chain in words (echo_tale.c), and the rule stopped. A chain is read from the store step by step,
 * so that it survives restarts; where a step has been removed by retention it begins there. Fails
 * as the store does.
 */
#include "runner/echo.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "queue/pause.h"
#include "runner/state.h"

#define FRESH_MS 60000 /* older ones waited: others of their chain have been stopped since */

static enum rc put_names(struct buf *out, const json_t *fields)
{
	size_t i;
	json_t *each;
	enum rc rc = RC_OK;
	json_array_foreach(fields, i, each)
	{
		const char *name = json_string_value(each);
		if (rc == RC_OK && name != NULL && out->n + strlen(name) < 160)
			rc = buf_printf(out, "%s%s", out->n != 0 ? ", " : "", name);
	}
	return rc;
}

enum rc echo_names(const struct echo_event *event, struct buf *out)
{
	return put_names(out, event->fields);
}

struct walk { /* back along a chain */
	const char *rule, *record;
	int again_n; /* runs of the rule for the record */
	struct tale_hops hops;
	char root[ID_N + 1]; /* the event that it began with; "": it is not kept any more */
};

static enum rc step(struct walk *w, const struct queue_step *s)
{
	struct tale_event e = {s->name, s->object, s->record, s->fields};
	w->again_n += strcmp(s->rule, w->rule) == 0 && strcmp(s->record, w->record) == 0;
	if (s->cause == 0 || s->depth == 0)
		snprintf(w->root, sizeof(w->root), "%s", s->event_id);
	return tale_hops_step(&w->hops, s->rule, &e);
}

static enum rc walk_back(struct runner *r, struct walk *w, int64_t run, struct err *err)
{
	enum rc rc = RC_OK;
	for (int i = 0; run != 0 && i < TALE_HOPS_MAX && rc == RC_OK; i++) {
		struct queue_step s;
		rc = queue_step_get(r->queue, run, &s, err);
		if (rc == RC_NOT_FOUND)
			return RC_OK;
		if (rc == RC_OK && step(w, &s) != RC_OK)
			rc = err_set(err, RC_NOMEM, "no memory for a chain");
		/* A timer that begins anew is caused by a run all the same. */
		run = rc == RC_OK && s.depth > 0 ? s.cause : 0;
	}
	return rc;
}

static enum rc begin(struct walk *w, const struct echo_event *e)
{
	struct buf names;
	char name[2 * EVENT_NAME_N];
	buf_init(&names, 256);
	snprintf(name, sizeof(name), "%s.%s", e->object, e->action);
	enum rc rc = echo_names(e, &names);
	struct tale_event last = {name, e->object, e->record_id, names.n != 0 ? names.p : ""};
	if (rc == RC_OK)
		rc = tale_hops_open(&w->hops, &last);
	buf_done(&names);
	return rc;
}

static enum rc tell(struct runner *r, const struct walk *w, const struct echo_event *event,
	bool deep, struct echo_tale *tale, struct err *err)
{
	struct buf origin;
	buf_init(&origin, 1024);
	enum rc rc = tale_origin(r, w->root, &origin, err);
	struct tale_end end = {
		.rule = w->rule,
		.object = event->object,
		.record = event->record_id,
		.how = deep ? "more than 8 steps down a chain" : "a third time",
		.origin = origin.n != 0 ? origin.p : "",
	};
	if (rc == RC_OK && echo_tale_tell(tale, &w->hops, &end) != RC_OK)
		rc = err_set(err, RC_NOMEM, "no memory for a chain");
	buf_done(&origin);
	return rc;
}

enum rc echo_loops(struct runner *r, const struct echo_view *view, const struct echo_event *event,
	const char *rule, struct echo_tale *tale, bool *ret_loops, struct err *err)
{
	*ret_loops = false;
	if (view->depth < ECHO_AGAIN_MAX)
		return RC_OK;
	bool deep = view->depth > ECHO_DEPTH_MAX;
	struct walk w = {.rule = rule, .record = event->record_id};
	enum rc rc = begin(&w, event);
	if (rc != RC_OK)
		err_set(err, rc, "no memory for a chain");
	else
		rc = walk_back(r, &w, view->run, err);
	*ret_loops = rc == RC_OK && (deep || w.again_n >= ECHO_AGAIN_MAX);
	if (*ret_loops)
		rc = tell(r, &w, event, deep, tale, err);
	tale_hops_done(&w.hops);
	return rc;
}

static enum rc open_issue(struct runner *r, const char *rule, const struct echo_tale *tale,
	const struct id *event, struct err *err)
{
	struct buf text;
	buf_init(&text, tale->error.max + tale->chain.max + 2);
	enum rc rc = buf_printf(&text, "%s\n%s", tale->error.p, tale->chain.p);
	struct queue_issue issue = {.kind = "loop",
		.about = rule,
		.text = text.p,
		.event = event->text,
		.count = 1,
		.last_ms = clock_wall_ms()};
	rc = rc == RC_OK ? queue_issue_put(r->queue, &issue, err)
			 : err_set(err, rc, "no memory for an issue");
	buf_done(&text);
	return rc;
}

void echo_stop(struct runner *r, const char *rule, const struct echo_tale *tale,
	const struct id *event, int64_t received_ms)
{
	struct err err = {0};
	size_t n = 0;
	int64_t now = clock_wall_ms();
	struct queue_pause pause = {.rule = rule, .why = tale->error.p, .since_ms = now};
	metrics_add(METRIC_LOOP, 1);
	enum rc rc = open_issue(r, rule, tale, event, &err);
	bool fresh = now - received_ms < FRESH_MS && !queue_paused(r->queue, rule);
	if (rc == RC_OK && fresh)
		rc = queue_pause(r->queue, &pause, &n, &err);
	gate_wrote(&r->gate);
	if (rc != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	struct log_fields f = {.rule = rule, .event = event->text, .cause = rc_name(RC_LOOP)};
	if (fresh)
		log_error(&f,
			"paused: it is part of a loop; mend the rules, then: moonhook rules resume "
			"\"%s\"",
			rule);
}
