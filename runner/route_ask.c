/* SPDX-License-Identifier: MIT */
/*
 * Functions in a rule's head are asked in a worker, with a short deadline.
 * From: route.c (what is to be asked), runner.c (answers), watch.c (workers that died over it). To:
 * the matches of the batch. A rule whose head runs over its time three times is set aside until the
 * next reload. Answers are hostile.
 */
#include "runner/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "runner/payload.h"
#include "runner/predicate.h"
#include "runner/report.h"
#include "runner/scan.h"
#include "runner/state.h"

#define KEY_MAX 512
#define OVERRUNS_MAX 3
#define CRASHES_MAX 3
#define REST_MAX (64u << 10) /* of a predicate */

/* What the runner cannot decide of a predicate; nothing where it is none, or decided. */
static enum rc put_rest(struct runner *r, const struct match *m, struct buf *out)
{
	struct err lack;
	if (m->rule->predicate == NULL || !predicate_asks(m->rule->predicate))
		return RC_OK;
	const struct event *e = r->route.items[m->delivery].event;
	struct predicate_ask ask = route_predicate(r, m->rule, e, m->hidden);
	return predicate_decide(&ask, &lack) == PREDICATE_OPEN ? predicate_put_rest(&ask, out)
							       : RC_OK;
}

static void ask_one(struct runner *r, size_t i)
{
	struct route *route = &r->route;
	struct match *m = &route->matches[i];
	const struct event *e = route_event(route, m);
	struct worker *worker = pool_pick(&r->pool);
	struct buf out;
	struct err err = {0};
	if (worker == NULL || pool_load(worker, m->rule->source, &err) != RC_OK)
		return;
	struct payload_start when = {
		.hash = m->rule->source->hash,
		.rule = m->rule->name,
		.event = {e->text, e->text_n},
	};
	struct buf rest;
	buf_init(&out, FRAME_MAX);
	buf_init(&rest, REST_MAX);
	when.key_only = route_settles(m->rule, route->items[m->delivery].event);
	enum rc rc = when.key_only ? RC_OK : put_rest(r, m, &rest);
	when.when = buf_slice(&rest);
	if (rc == RC_OK)
		rc = payload_when(&out, &when);
	buf_done(&rest);
	m->state = MATCH_ASKED;
	if (rc == RC_OK) {
		struct frame frame = {
			FRAME_WHEN, ROUTE_SLOT + (uint32_t)i, route->generation, buf_slice(&out)};
		rc = pool_send(worker, &frame, ROUTE_CPU_MS, &err);
	}
	buf_done(&out);
	if (rc == RC_CLOSED) {
		m->state = MATCH_ASK;
	} else if (rc != RC_OK) {
		route_fail(m, rc, "the event does not fit into a worker");
		route->asking_n--;
	}
}

void route_ask(struct runner *r)
{
	for (size_t i = 0; i < r->route.matches_n; i++) {
		if (r->route.matches[i].state == MATCH_ASK)
			ask_one(r, i);
	}
	if (r->route.asking_n != 0 && pool_pick(&r->pool) == NULL)
		pool_grow(&r->pool);
}

static struct match *find_asked(struct runner *r, uint32_t run, uint32_t generation)
{
	size_t i = run - ROUTE_SLOT;
	if (!r->route.open || generation != r->route.generation || i >= r->route.matches_n)
		return NULL;
	struct match *m = &r->route.matches[i];
	return m->state == MATCH_ASKED || m->state == MATCH_ASK ? m : NULL;
}

static void take_error(const struct route *route, struct match *m, const json_t *error)
{
	char text[REPORT_HEADLINE_N];
	struct buf below;
	const struct event *event = route_event(route, m);
	const struct version *source = m->rule->source;
	struct report report = {.file = source->file,
		.text = {source->text, source->text_n},
		.error = error,
		.event = event->name,
		.record = event->record_id,
		.event_id = event->id.text};
	const char *code = json_string_value(json_object_get(error, "code"));
	enum rc rc = code != NULL ? rc_find(code) : RC_N;
	report_headline(&report, text);
	route_fail(m, rc != RC_N && rc != RC_OK ? rc : RC_RULE, text);
	buf_init(&below, REPORT_BYTES + 1);
	if (report_put(&report, &below) == RC_OK && below.n != 0) {
		free(m->detail);
		m->detail = strdup(below.p);
	}
	buf_done(&below);
}

static void count_overrun(struct match *m)
{
	if (++m->rule->overruns < OVERRUNS_MAX || m->rule->set_aside)
		return;
	m->rule->set_aside = true;
	struct log_fields f = {.rule = m->rule->name};
	log_error(&f, "set aside until the next reload: its head took too long %d times",
		OVERRUNS_MAX);
}

static void take_answer(struct runner *r, struct match *m, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	const json_t *key = json_object_get(answer, "key");
	if (json_is_object(error)) {
		take_error(&r->route, m, error);
		if (m->code == RC_CPU)
			count_overrun(m);
		return;
	}
	struct err err = {0};
	m->state = json_is_true(json_object_get(answer, "match")) ? MATCH_RUN : MATCH_NO;
	if (m->state == MATCH_NO)
		return;
	if (!route_settles(m->rule, r->route.items[m->delivery].event) &&
		route_loop(r, m, &err) != RC_OK)
		runner_fatal(r, &err);
	if (json_is_string(key) && json_string_length(key) > 0)
		m->key = strndup(json_string_value(key), KEY_MAX);
	else if (route_key(r, m, r->route.items[m->delivery].event) != RC_OK)
		m->key = NULL;
	if (m->key == NULL || (m->state == MATCH_RUN && route_join(r, m) != RC_OK))
		route_fail(m, RC_NOMEM, "no memory for the key of a run");
}

/* Asked again, the worker would say the same: the run is dead, and routing goes on. */
static void refuse_answer(struct match *m, const struct err *why)
{
	char text[640];
	snprintf(text, sizeof(text), "%s:%d: what the head of the rule answers is refused: %s",
		m->rule->source->file, m->rule->line, why->msg);
	route_fail(m, RC_INVALID, text);
}

void route_when(struct runner *r, struct worker *worker, const struct frame *frame)
{
	(void)worker;
	json_t *answer = NULL;
	struct err err = {0};
	struct match *m = find_asked(r, frame->run, frame->generation);
	if (m == NULL)
		return;
	if (scan_parse(frame->payload, &answer, &err) == RC_OK)
		take_answer(r, m, answer);
	else
		refuse_answer(m, &err);
	r->route.asking_n--;
	json_decref(answer);
}

void route_take_back(struct runner *r, const struct pool_task *task)
{
	struct match *m = find_asked(r, task->run, task->generation);
	if (m != NULL)
		m->state = MATCH_ASK;
}

void route_gone(struct runner *r, const struct pool_task *task, bool blamed, const struct err *why)
{
	struct match *m = find_asked(r, task->run, task->generation);
	if (m == NULL)
		return;
	m->state = MATCH_ASK;
	if (!blamed || (why->code != RC_CPU && ++m->crashes < CRASHES_MAX))
		return;
	count_overrun(m);
	if (why->code == RC_CPU)
		route_fail(m, RC_CPU, "the head of the rule took too long and was killed");
	else
		route_fail(m, RC_WORKER, "the head of the rule ended its worker three times");
	r->route.asking_n--;
}
