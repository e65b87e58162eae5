/* SPDX-License-Identifier: MIT */
/*
 * Runs that stand for several events, before they start.
 * From: assign.c. To: the run's event, as session.c puts it together; the store, where it is found
 * out now which events are our own writes; outcome.c, where nothing is left to do. `when` of a rule
 * that settles is asked here, and loops are looked for behind it, since what the rule does not wait
 * for makes none. Fails by ending the run with what was wrong, or the process where the store
 * fails.
 */
#include "runner/assembly.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "runner/actor.h"
#include "runner/dump.h"
#include "runner/echo.h"
#include "runner/flight.h"
#include "runner/outcome.h"
#include "runner/predicate.h"
#include "runner/scan.h"
#include "runner/session.h"
#include "runner/state.h"

#define LATER_MS 1000
#define REST_MAX (64u << 10) /* of a predicate */

struct finding { /* of one event, to be kept */
	int64_t seq;
	struct queue_cause cause;
	char *hidden, *fields; /* owned */
};

struct assembly { /* one assembly_decide */
	struct runner *r;
	struct run *run;
	struct session *session;
	bool first;  /* nothing was decided in an attempt before */
	bool writes; /* there may be writes of ours in it */
	bool waits;  /* for one that is under way */
	struct finding *findings;
	size_t n, cap;
};

static enum rule_echo mode_of(const struct assembly *a)
{
	const struct ruleset *live = a->r->rules.live;
	const struct rule *rule = live != NULL ? ruleset_find(live, a->run->q.rule) : NULL;
	return rule != NULL ? rule->echo : RULE_ECHO_OTHERS;
}

/* --- our own writes --------------------------------------------------------------------------- */

static enum rc no_memory(struct err *err)
{
	return err_set(err, RC_NOMEM, "no memory for the events of a run");
}

static enum rc note(struct assembly *a, int64_t seq, const struct echo_view *view,
	const struct echo_event *e, const char *hidden, struct err *err)
{
	struct buf names;
	if (a->n == a->cap) {
		size_t cap = a->cap != 0 ? a->cap * 2 : 8;
		struct finding *p = realloc(a->findings, cap * sizeof(*p));
		if (p == NULL)
			return no_memory(err);
		a->findings = p;
		a->cap = cap;
	}
	struct finding *f = &a->findings[a->n++];
	*f = (struct finding){.seq = seq};
	buf_init(&names, 256);
	enum rc rc = echo_names(e, &names);
	f->fields = names.p;
	f->hidden = hidden != NULL ? strdup(hidden) : NULL;
	if (rc != RC_OK || (hidden != NULL && f->hidden == NULL))
		return no_memory(err);
	f->cause = (struct queue_cause){view->run, view->depth, f->fields, f->hidden};
	return RC_OK;
}

/* The first loop that is found is told, should the run start. */
static enum rc look_for_loop(struct assembly *a, const struct echo_view *view,
	const struct echo_event *e, struct err *err)
{
	struct echo_tale tale;
	bool loops = false;
	if (a->run->loop != NULL || view->claims_n == 0)
		return RC_OK;
	echo_tale_open(&tale);
	enum rc rc = echo_loops(a->r, view, e, a->run->q.rule, &tale, &loops, err);
	if (rc == RC_OK && loops) {
		a->run->loop = malloc(sizeof(*a->run->loop));
		if (a->run->loop != NULL) {
			*a->run->loop = tale;
			return RC_OK;
		}
		rc = no_memory(err);
	}
	echo_tale_done(&tale);
	return rc;
}

/* What of an event is the rule's own: appended to hidden, or "*". */
static enum rc judge(struct assembly *a, const struct queue_joined *one, const struct event *event,
	struct buf *hidden, int64_t *cause, struct err *err)
{
	struct echo_event e;
	struct echo_view view = {0};
	enum echo_verdict verdict = ECHO_FIRE;
	echo_event_of(event, one->via, &e);
	enum rc rc = echo_look(a->r, &e, &view, err);
	if (rc != RC_OK)
		return rc;
	if (one->hidden == NULL)
		verdict = echo_judge(&view, &e, a->run->q.rule, mode_of(a), hidden);
	if (verdict == ECHO_IS_ECHO) {
		buf_clear(hidden);
		rc = buf_put_text(hidden, QUEUE_HIDDEN_ALL);
	}
	if (rc == RC_OK && (view.depth > 0 || hidden->n > 0))
		rc = note(a, one->seq, &view, &e, hidden->n > 0 ? hidden->p : NULL, err);
	if (rc == RC_OK && verdict != ECHO_IS_ECHO)
		rc = look_for_loop(a, &view, &e, err);
	if (view.run != 0)
		*cause = view.run;
	echo_view_done(&view);
	return rc;
}

/* Who made the change, where that was a rule. */
static enum rc tell_actor(struct assembly *a, int64_t cause, struct event *event, struct err *err)
{
	const struct echo_view view = {.run = cause};
	return actor_route(a->r, &view, event, err);
}

static bool is_under_way(const struct assembly *a, const struct event *event)
{
	struct flight_event e = {
		event->object, event->action, event->record_id, event->received_ms};
	return event->object[0] != '\0' &&
	       (flights_meet(&a->r->flights, a->r->client, &e) || abroad_meets(a->r, &e));
}

/* --- one event -------------------------------------------------------------------------------- */

static enum rc parse(const struct assembly *a, const struct queue_joined *one,
	struct event **ret_event, struct err *err)
{
	struct event *event = NULL;
	struct event_input in = {
		.source = one->source,
		.via = one->via,
		.form = route_form(a->r, one->source),
		.headers = one->headers,
		.body = one->body,
		.received_ms = one->received_ms,
	};
	snprintf(in.id.text, sizeof(in.id.text), "%s", one->id);
	enum rc rc = event_parse(&in, &event, err);
	if (rc == RC_OK && one->past.n > 0)
		rc = event_recall(event, one->past, err);
	if (rc == RC_OK) {
		*ret_event = event;
		return RC_OK;
	}
	event_unref(event);
	return err_wrap(err, "event %s, one of its events, cannot be read", one->id);
}

static enum rc add(
	struct assembly *a, const struct event *event, const char *hidden, struct err *err)
{
	json_t *tree = NULL;
	enum rc rc = scan_parse((struct slice){event->text, event->text_n}, &tree, err);
	if (rc != RC_OK)
		return rc;
	if (hidden != NULL)
		echo_hide_names(json_object_get(tree, "fields"), hidden);
	rc = session_add(a->session, tree);
	json_decref(tree);
	return rc == RC_OK ? rc : no_memory(err);
}

static enum rc take(void *ctx, const struct queue_joined *one, struct err *err)
{
	struct assembly *a = ctx;
	struct event *event = NULL;
	struct buf hidden;
	int64_t cause = one->cause;
	if (one->hidden != NULL && strcmp(one->hidden, QUEUE_HIDDEN_ALL) == 0)
		return RC_OK;
	enum rc rc = parse(a, one, &event, err);
	if (rc != RC_OK)
		return rc;
	a->waits = a->first && is_under_way(a, event);
	if (a->waits) {
		event_unref(event);
		return RC_BUSY;
	}
	buf_init(&hidden, 32u << 10);
	if (a->first && a->writes)
		rc = judge(a, one, event, &hidden, &cause, err);
	if (rc == RC_OK)
		rc = tell_actor(a, cause, event, err);
	const char *all = hidden.n > 0 ? hidden.p : one->hidden;
	if (rc == RC_OK && (all == NULL || strcmp(all, QUEUE_HIDDEN_ALL) != 0))
		rc = add(a, event, all, err);
	buf_done(&hidden);
	event_unref(event);
	return rc;
}

/* --- all of them ------------------------------------------------------------------------------ */

static enum rc keep(struct assembly *a, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < a->n; i++)
		rc = queue_joined_put(a->r->queue, a->run->q.seq, a->run->q.epoch,
			a->findings[i].seq, &a->findings[i].cause, err);
	if (a->n != 0)
		gate_wrote(&a->r->gate);
	return rc;
}

static void copy_text(const json_t *tree, const char *name, char to[static EVENT_NAME_N])
{
	const char *text = json_string_value(json_object_get(tree, name));
	snprintf(to, EVENT_NAME_N, "%s", text != NULL ? text : "");
}

static enum rc replace(struct run *run, const json_t *tree, struct err *err)
{
	struct buf text;
	struct event *event = NULL;
	buf_init(&text, FRAME_MAX);
	enum rc rc = dump_value(&text, tree);
	if (rc == RC_OK)
		rc = event_with_text(run->event, buf_slice(&text), &event);
	buf_done(&text);
	if (rc != RC_OK)
		return err_set(err, rc, "the events of the run are %s", rc_text(rc));
	copy_text(tree, "name", event->name);
	copy_text(tree, "object", event->object);
	copy_text(tree, "action", event->action);
	if (run->q.kind == SESSION_BATCH)
		event->record_id[0] = '\0';
	event_unref(run->event);
	run->event = event;
	return RC_OK;
}

/* --- when ------------------------------------------------------------------------------------- */

/* ret_rest: what a worker has to be asked; owned, NULL: nothing. */
static enum rc decide(const struct runner *r, struct predicate *predicate, const json_t *tree,
	bool *ret_holds, char **ret_rest)
{
	struct err lack;
	struct buf before, rest;
	struct predicate_ask ask = {
		.predicate = predicate,
		.schema = client_schema(r->client),
		.schema_n = client_schema_n(r->client),
		.object = json_string_value(json_object_get(tree, "object")),
		.action = json_string_value(json_object_get(tree, "action")),
		.record = json_object_get(tree, "record"),
		.fields = json_object_get(tree, "fields"),
	};
	const json_t *old = json_object_get(tree, "before");
	enum rc rc = RC_OK;
	buf_init(&before, FRAME_MAX);
	buf_init(&rest, REST_MAX);
	if (old != NULL)
		rc = dump_value(&before, old);
	if (old != NULL && rc == RC_OK)
		ask.before = buf_slice(&before);
	enum predicate_answer answer = predicate_decide(&ask, &lack);
	if (rc == RC_OK && answer == PREDICATE_OPEN)
		rc = predicate_put_rest(&ask, &rest);
	buf_done(&before);
	*ret_holds = answer == PREDICATE_YES || answer == PREDICATE_OPEN;
	*ret_rest = rest.p;
	return rc;
}

/* A predicate, read again as it was when the events came. */
static enum rc ask_predicate(struct assembly *a, const json_t *when, const json_t *tree,
	bool *ret_holds, struct err *err)
{
	struct predicate *predicate = NULL;
	char *rest = NULL;
	enum rc rc = predicate_new(when, &predicate, err);
	if (rc != RC_OK)
		return rc;
	rc = decide(a->r, predicate, tree, ret_holds, &rest);
	predicate_free(predicate);
	free(a->run->rest);
	a->run->rest = rest;
	a->run->ask = rest != NULL && a->first;
	return rc == RC_OK ? rc : err_set(err, rc, "`when` of the rule is %s", rc_text(rc));
}

static void skip(struct runner *r, struct run *run)
{
	outcome_skip(r, run, "its `when` does not hold after settling");
}

/* Reads `when` as route_join.c keeps it. ret_holds: what needs no asking. */
static enum rc ask(struct assembly *a, const json_t *tree, bool *ret_holds, struct err *err)
{
	struct buf words;
	buf_init(&words, 1 << 20);
	*ret_holds = true;
	enum rc rc = queue_words_get(a->r->queue, a->run->q.seq, &words, err);
	if (rc == RC_OK && words.n != 0) {
		json_t *when = json_loadb(words.p, words.n, JSON_DECODE_ANY, NULL);
		/* What has had an effect began once: its `when` held. */
		a->run->ask = json_is_true(when) && a->first;
		if (json_is_object(when))
			rc = ask_predicate(a, when, tree, ret_holds, err);
		json_decref(when);
	}
	buf_done(&words);
	return rc;
}

/* False: the run has ended. */
static bool settle(struct assembly *a, const json_t *tree, struct err *err)
{
	bool fires = true;
	enum rc rc = replace(a->run, tree, err);
	if (rc == RC_OK)
		rc = ask(a, tree, &fires, err);
	if (rc == RC_NOMEM || rc == RC_IO) {
		runner_fatal(a->r, err);
		return false;
	}
	if (rc != RC_OK) {
		outcome_fail(a->r, a->run, rc, err->msg, NULL);
		return false;
	}
	if (!fires)
		skip(a->r, a->run);
	return fires;
}

/* Its events could not be read, or what was found not be kept. */
static void give_up(struct assembly *a, enum rc rc, const struct err *err)
{
	if (a->waits)
		outcome_wait(a->r, a->run, LATER_MS);
	else if (rc == RC_STALE)
		outcome_abandon(a->r, a->run);
	else if (rc == RC_NOMEM || rc == RC_IO)
		runner_fatal(a->r, err);
	else
		outcome_fail(a->r, a->run, rc, err->msg, NULL);
}

static void assembly_done(struct assembly *a)
{
	session_free(a->session);
	for (size_t i = 0; i < a->n; i++) {
		free(a->findings[i].hidden);
		free(a->findings[i].fields);
	}
	free(a->findings);
}

bool assembly_decide(struct runner *r, struct run *run)
{
	struct err err = {0};
	struct assembly a = {.r = r, .run = run, .first = !run->q.has_journal};
	json_t *tree = NULL;
	bool goes = false;
	a.session = session_new((enum session_kind)run->q.kind);
	a.writes = run->q.kind != SESSION_SETTLE || echo_wrote_any(r, run->event->record_id);
	enum rc rc = a.session != NULL ? RC_OK : no_memory(&err);
	if (rc == RC_OK)
		rc = queue_joined_each(r->queue, run->q.seq, take, &a, &err);
	if (rc == RC_OK)
		rc = keep(&a, &err);
	if (rc == RC_OK && session_n(a.session) != 0) {
		tree = session_event(a.session);
		rc = tree != NULL ? RC_OK : no_memory(&err);
	}
	run->undecided = false;
	run->guard = a.first;
	if (rc != RC_OK)
		give_up(&a, rc, &err);
	else if (tree == NULL)
		outcome_echo(r, run);
	else
		goes = settle(&a, tree, &err);
	json_decref(tree);
	assembly_done(&a);
	return goes;
}

void assembly_take(struct runner *r, struct run *run)
{
	run->undecided = true;
	if (!run->q.has_journal && duel_holds(&r->duels, run->q.rule, run->event->record_id))
		echo_hold(r, run);
}

void assembly_when(struct runner *r, struct run *run, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	run->ask = false;
	if (json_is_object(error))
		outcome_error(r, run, error);
	else if (json_is_true(json_object_get(answer, "match")))
		run_leave(&r->runs, run);
	else
		skip(r, run);
}

/* --- loops ------------------------------------------------------------------------------------ */

static void stop(struct runner *r, struct run *run, const struct echo_tale *tale)
{
	struct id event = run->q.event;
	char rule[RULESET_NAME_MAX + 1];
	int64_t received_ms = run->q.event_received_ms;
	snprintf(rule, sizeof(rule), "%s", run->q.rule);
	outcome_fail(r, run, RC_LOOP, tale->error.p, tale->chain.p);
	echo_stop(r, rule, tale, &event, received_ms);
}

/* Another program that answers the rule. */
static enum rc look_for_duel(struct runner *r, const struct run *run, struct echo_tale *tale,
	enum duel_verdict *ret_verdict, struct err *err)
{
	json_t *tree = NULL;
	enum rc rc = scan_parse((struct slice){run->event->text, run->event->text_n}, &tree, err);
	if (rc != RC_OK)
		return rc;
	const char *via = json_string_value(json_object_get(tree, "via"));
	struct echo_event e = {
		.object = run->event->object,
		.action = run->event->action,
		.record_id = run->event->record_id,
		.via = via != NULL ? via : "",
		.received_ms = run->q.event_received_ms,
		.record = json_object_get(tree, "record"),
		.fields = json_object_get(tree, "fields"),
	};
	rc = echo_duel(r, &e, run->q.rule, tale, ret_verdict, err);
	json_decref(tree);
	return rc;
}

bool assembly_guard(struct runner *r, struct run *run)
{
	struct err err = {0};
	struct echo_tale tale;
	enum duel_verdict verdict = DUEL_FIRE;
	run->guard = false;
	if (run->loop != NULL) {
		struct echo_tale *loop = run->loop;
		run->loop = NULL;
		stop(r, run, loop);
		echo_tale_done(loop);
		free(loop);
		return false;
	}
	if (run->q.kind == SESSION_BATCH || !echo_wrote_any(r, run->event->record_id))
		return true;
	echo_tale_open(&tale);
	enum rc rc = look_for_duel(r, run, &tale, &verdict, &err);
	if (rc != RC_OK)
		runner_fatal(r, &err);
	else if (verdict == DUEL_LOOP)
		stop(r, run, &tale);
	else if (verdict == DUEL_HOLD)
		echo_hold(r, run);
	echo_tale_done(&tale);
	return rc == RC_OK && verdict == DUEL_FIRE;
}
