/* SPDX-License-Identifier: MIT */
/*
 * Runs whose event could not be decided when it was routed: a write that may have brought it about
 * was under way.
 * From: assign.c, before a run starts. To: it starts, with the event as its rule sees it, or it
 * ends as an echo or a loop. Such a run waits in its slot and holds up nobody else; when there are
 * too many, the youngest wait in the store. The answer comes or the client gives up (client.h), so
 * every wait ends; what cannot be told then is no echo.
 */
#include "runner/echo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/actor.h"
#include "runner/assembly.h"
#include "runner/dump.h"
#include "runner/flight.h"
#include "runner/outcome.h"
#include "runner/predicate.h"
#include "runner/scan.h"
#include "runner/state.h"

#define LATER_MS 1000
#define ABROAD_MS 25 /* until the next look at what other runners have under way */

/* The event of a run as it was, from the text that its rule is given. False: not one of Twenty's.
 */
static bool read_event(const struct run *run, const json_t *tree, struct echo_event *ret_event)
{
	const json_t *fields = json_object_get(tree, "fields");
	*ret_event = (struct echo_event){
		.object = run->event->object,
		.action = run->event->action,
		.record_id = run->event->record_id,
		.via = run->q.event_via,
		.received_ms = run->q.event_received_ms,
		.before_ms = event_updated_ms(json_object_get(tree, "before")),
		.record = json_object_get(tree, "record"),
		.fields = json_is_array(fields) ? fields : NULL,
	};
	return ret_event->object[0] != '\0' && json_is_object(ret_event->record);
}

/* Is the name one of "stage score"? */
static bool is_hidden(const char *hidden, const char *name)
{
	size_t n = strlen(name);
	for (const char *at = hidden; at != NULL; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (strncmp(at, name, n) == 0 && (at[n] == ' ' || at[n] == '\0'))
			return true;
	}
	return false;
}

void echo_hide_names(json_t *fields, const char *hidden)
{
	size_t i = 0;
	while (i < json_array_size(fields)) {
		const char *name = json_string_value(json_array_get(fields, i));
		if (name != NULL && is_hidden(hidden, name))
			json_array_remove(fields, i);
		else
			i++;
	}
}

enum rc echo_hide(
	const struct event *event, const char *hidden, struct event **ret_event, struct err *err)
{
	json_t *tree = NULL;
	struct buf out;
	enum rc rc = scan_parse((struct slice){event->text, event->text_n}, &tree, err);
	if (rc != RC_OK)
		return rc;
	echo_hide_names(json_object_get(tree, "fields"), hidden);
	buf_init(&out, event->text_n + 64);
	rc = dump_value(&out, tree);
	json_decref(tree);
	if (rc == RC_OK)
		rc = event_with_text(event, buf_slice(&out), ret_event);
	buf_done(&out);
	return rc == RC_OK ? RC_OK : err_set(err, rc, "no memory for an event");
}

enum rc echo_take(struct runner *r, struct run *run, struct err *err)
{
	struct queue_cause cause;
	struct event *part = NULL;
	char *hidden = NULL;
	enum rc rc = queue_cause_find(r->queue, run->q.seq, &cause, err);
	if (rc != RC_OK)
		return rc;
	/* What an attempt saw the next one sees, too, or it could not be replayed. */
	run->undecided =
		cause.hidden == NULL && !run->q.has_journal && run->event->object[0] != '\0';
	if (!run->q.has_journal && duel_holds(&r->duels, run->q.rule, run->event->record_id))
		echo_hold(r, run);
	if (cause.hidden != NULL && (hidden = strdup(cause.hidden)) == NULL)
		return err_set(err, RC_NOMEM, "no memory for an event");
	rc = actor_tell(r, cause.run, &run->event, err);
	if (rc == RC_OK && hidden != NULL)
		rc = echo_hide(run->event, hidden, &part, err);
	if (part != NULL) {
		event_unref(run->event);
		run->event = part;
	}
	free(hidden);
	return rc;
}

/* --- the decision ----------------------------------------------------------------------------- */

struct decision {
	struct echo_event event;
	struct echo_view view;
	enum echo_verdict verdict;
	struct buf hidden;
	struct echo_tale tale;
	bool loops;
};

static enum rule_echo mode_of(const struct runner *r, const char *name)
{
	const struct rule *rule = r->rules.live != NULL ? ruleset_find(r->rules.live, name) : NULL;
	return rule != NULL ? rule->echo : RULE_ECHO_OTHERS;
}

static enum rc judge(struct runner *r, const struct run *run, struct decision *d, struct err *err)
{
	enum rc rc = echo_look(r, &d->event, &d->view, err);
	if (rc != RC_OK)
		return rc;
	d->verdict =
		echo_judge(&d->view, &d->event, run->q.rule, mode_of(r, run->q.rule), &d->hidden);
	return d->verdict != ECHO_IS_ECHO
		       ? echo_loops(r, &d->view, &d->event, run->q.rule, &d->tale, &d->loops, err)
		       : RC_OK;
}

/* Without its own fields, is it still what the rule waits for? A rule that is not live any more
 * waited for it when it was routed. */
static bool waits_for(
	const struct runner *r, const struct run *run, const json_t *tree, const struct decision *d)
{
	struct err lack;
	const struct rule *rule =
		r->rules.live != NULL ? ruleset_find(r->rules.live, run->q.rule) : NULL;
	if (rule == NULL || rule->predicate == NULL || d->verdict != ECHO_PART)
		return true;
	struct buf before;
	buf_init(&before, run->event->text_n + 64);
	const json_t *old = json_object_get(tree, "before");
	struct predicate_ask ask = {
		.predicate = rule->predicate,
		.schema = client_schema(r->client),
		.schema_n = client_schema_n(r->client),
		.object = d->event.object,
		.action = d->event.action,
		.record = d->event.record,
		.fields = d->event.fields,
		.hidden = d->hidden.p,
	};
	if (old != NULL && dump_value(&before, old) == RC_OK)
		ask.before = buf_slice(&before);
	enum predicate_answer answer = predicate_decide(&ask, &lack);
	buf_done(&before);
	return answer == PREDICATE_YES || answer == PREDICATE_OPEN;
}

/* What was found is kept with the event and the run. */
static enum rc keep(struct runner *r, struct run *run, struct decision *d, struct err *err)
{
	struct buf names;
	struct event *part = NULL;
	buf_init(&names, 256);
	enum rc rc = echo_names(&d->event, &names);
	struct queue_cause cause = {
		.run = d->view.run,
		.depth = d->view.depth,
		.fields = names.p,
		.hidden = d->verdict == ECHO_PART && d->hidden.n != 0 ? d->hidden.p : NULL,
	};
	if (rc == RC_OK && (cause.depth > 0 || cause.hidden != NULL))
		rc = queue_cause_put(r->queue, run->q.seq, run->q.epoch, &cause, err);
	if (rc == RC_OK)
		rc = actor_tell(r, cause.run, &run->event, err);
	if (rc == RC_OK && cause.hidden != NULL)
		rc = echo_hide(run->event, cause.hidden, &part, err);
	if (part != NULL) {
		event_unref(run->event);
		run->event = part;
	}
	buf_done(&names);
	return rc;
}

/* False: it has ended. */
static bool apply(struct runner *r, struct run *run, struct decision *d)
{
	struct err err = {0};
	struct id event = run->q.event;
	enum rc rc = keep(r, run, d, &err);
	gate_wrote(&r->gate);
	if (rc == RC_STALE) {
		outcome_abandon(r, run);
		return false;
	}
	if (rc != RC_OK) {
		runner_fatal(r, &err);
		return false;
	}
	if (d->verdict == ECHO_IS_ECHO) {
		outcome_echo(r, run);
		return false;
	}
	if (!d->loops)
		return true;
	char rule[RULESET_NAME_MAX + 1];
	snprintf(rule, sizeof(rule), "%s", run->q.rule);
	outcome_fail(r, run, RC_LOOP, d->tale.error.p, d->tale.chain.p);
	echo_stop(r, rule, &d->tale, &event, d->event.received_ms);
	return false;
}

static enum rc found_one(void *ctx, const struct queue_write *write, struct err *err)
{
	(void)ctx, (void)write, (void)err;
	return RC_BUSY; /* one is enough */
}

bool echo_wrote_any(struct runner *r, const char *record)
{
	static const struct queue_span ever = {0, INT64_MAX};
	struct err err = {0};
	return echo_writes(r, record, &ever, found_one, NULL, &err) != RC_OK;
}

static bool decide(struct runner *r, struct run *run)
{
	/* Most records were never written by us, and their events need not be read again. */
	if (!echo_wrote_any(r, run->event->record_id)) {
		run->undecided = false;
		return true;
	}
	json_t *tree = NULL;
	struct err err = {0};
	struct decision d = {.verdict = ECHO_FIRE};
	bool goes = true;
	buf_init(&d.hidden, 32u << 10);
	echo_tale_open(&d.tale);
	run->undecided = false;
	enum rc rc = scan_parse((struct slice){run->event->text, run->event->text_n}, &tree, &err);
	if (rc == RC_OK && read_event(run, tree, &d.event)) {
		rc = judge(r, run, &d, &err);
		if (rc == RC_OK && !waits_for(r, run, tree, &d))
			d.verdict = ECHO_IS_ECHO;
		if (rc == RC_OK)
			goes = apply(r, run, &d);
	}
	if (rc != RC_OK) {
		runner_fatal(r, &err);
		goes = false;
	}
	echo_view_done(&d.view);
	buf_done(&d.hidden);
	echo_tale_done(&d.tale);
	json_decref(tree);
	return goes;
}

/* What other runners have under way ends without a word to us. */
static void look_again(struct runner *r)
{
	if (r->abroad.n != 0)
		upkeep_expect(r, jump_now_ms(r) + ABROAD_MS);
}

bool echo_settle(struct runner *r, struct run *run)
{
	abroad_refresh(r);
	if (run->q.kind != 0) {
		bool goes = assembly_decide(r, run);
		if (!goes)
			look_again(r);
		return goes;
	}
	struct flight_event e = {run->event->object, run->event->action, run->event->record_id,
		run->q.event_received_ms};
	if (!flights_meet(&r->flights, r->client, &e) && !abroad_meets(r, &e))
		return r->fatal == RC_OK && decide(r, run);
	look_again(r);
	/* A slot is for those that work. */
	if (++r->undecided_n > r->runs.max / 4 + 1)
		outcome_wait(r, run, LATER_MS);
	return false;
}
