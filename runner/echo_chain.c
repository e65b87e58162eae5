/* SPDX-License-Identifier: MIT */
/*
 * Chains of cause: event -> run -> write -> event.
 * From: route_match.c and echo_run.c, with what the ledger knows of an event. To: a verdict, the
 * chain drawn as text, and the rule stopped. A chain is read from the store step by step, so that
 * it survives restarts; where a step has been removed by retention it begins there. Fails as the
 * store does.
 *
 *   "a" <- person.updated 8381ab5c (stage) <- "b" <- company.updated 1f0c.. (name) <- "a" <- ..
 */
#include "runner/echo.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "queue/pause.h"
#include "runner/state.h"

#define STEPS_MAX (ECHO_DEPTH_MAX + 2) /* that are drawn */
#define FRESH_MS 60000 /* older ones waited: others of their chain have been stopped since */

static enum rc put_event(struct buf *text, const char *name, const char *record, const char *fields)
{
	enum rc rc = buf_printf(text, " <- %s %.8s", name, record);
	if (rc == RC_OK && fields[0] != '\0')
		rc = buf_printf(text, " (%s)", fields);
	return rc;
}

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
	struct buf *text;
	const char *rule, *record;
	int again_n; /* runs of the rule for the record */
};

static enum rc step(struct walk *w, const struct queue_step *s)
{
	w->again_n += strcmp(s->rule, w->rule) == 0 && strcmp(s->record, w->record) == 0;
	enum rc rc = buf_printf(w->text, " <- \"%s\"", s->rule);
	return rc == RC_OK ? put_event(w->text, s->name, s->record, s->fields) : rc;
}

static enum rc walk_back(struct runner *r, struct walk *w, int64_t run, struct err *err)
{
	enum rc rc = RC_OK;
	for (int i = 0; run != 0 && i < STEPS_MAX && rc == RC_OK; i++) {
		struct queue_step s;
		rc = queue_step_get(r->queue, run, &s, err);
		if (rc == RC_NOT_FOUND)
			return RC_OK;
		if (rc == RC_OK && step(w, &s) != RC_OK)
			rc = err_set(err, RC_NOMEM, "no memory for a chain");
		run = rc == RC_OK ? s.cause : 0;
	}
	return rc;
}

static enum rc put_head(
	struct buf *text, const struct echo_event *e, const char *rule, const char *why)
{
	struct buf names;
	char name[2 * EVENT_NAME_N];
	buf_init(&names, 256);
	snprintf(name, sizeof(name), "%s.%s", e->object, e->action);
	enum rc rc = echo_names(e, &names);
	if (rc == RC_OK)
		rc = buf_printf(text, "loop, %s: \"%s\"", why, rule);
	if (rc == RC_OK)
		rc = put_event(text, name, e->record_id, names.n != 0 ? names.p : "");
	buf_done(&names);
	return rc;
}

enum rc echo_loops(struct runner *r, const struct echo_view *view, const struct echo_event *event,
	const char *rule, struct buf *text, bool *ret_loops, struct err *err)
{
	*ret_loops = false;
	if (view->depth < ECHO_AGAIN_MAX)
		return RC_OK;
	bool deep = view->depth > ECHO_DEPTH_MAX;
	struct walk w = {text, rule, event->record_id, 0};
	enum rc rc = put_head(text, event, rule,
		deep ? "more than 8 steps deep" : "the third time for one record");
	if (rc != RC_OK)
		return err_set(err, RC_NOMEM, "no memory for a chain");
	rc = walk_back(r, &w, view->run, err);
	*ret_loops = deep || (w.again_n >= ECHO_AGAIN_MAX && !view->others);
	return rc;
}

void echo_stop(struct runner *r, const char *rule, const char *text, const struct id *event,
	int64_t received_ms)
{
	struct err err = {0};
	char why[512];
	size_t n = 0;
	int64_t now = clock_wall_ms();
	struct queue_issue issue = {.kind = "loop",
		.about = rule,
		.text = text,
		.event = event->text,
		.count = 1,
		.last_ms = now};
	snprintf(why, sizeof(why), "%.400s", text);
	struct queue_pause pause = {.rule = rule, .why = why, .since_ms = now};
	metrics_add(METRIC_LOOP, 1);
	enum rc rc = queue_issue_put(r->queue, &issue, &err);
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
