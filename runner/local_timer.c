/* SPDX-License-Identifier: MIT */
/*
 * after and cancel.
 * From: call.c, by local.h. To: queue/timer.h, in the open transaction, which takes the journal's
 * entry too: a run arms once, however often it is tried. timer.c fires them.
 *
 * A rule may arm itself again and again, to look after something: with a minute or more between two
 * of them each begins a chain of cause anew. What comes sooner is one step deeper in the chain of
 * the run that armed it, and in the ninth step it is refused, so that rules that set each other off
 * by timers slow down to one round a minute.
 */
#include <inttypes.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/conf.h"
#include "queue/timer.h"
#include "runner/dump.h"
#include "runner/echo.h"
#include "runner/local.h"
#include "runner/state.h"
#include "runner/timer.h"

#define FAR_MS (INT64_C(10) * 366 * 86400 * 1000)
#define TIMERS_MAX 100000 /* of one rule */

static enum rc text_at(
	const struct local_ask *ask, const char *name, const char **ret_text, struct err *err)
{
	const json_t *value = json_object_get(ask->args, name);
	*ret_text = json_string_value(value);
	if (value == NULL || json_is_null(value))
		return RC_OK;
	if (*ret_text == NULL || strlen(*ret_text) != json_string_length(value))
		return err_set(err, RC_INVALID, "the %s must be a text", name);
	return RC_OK;
}

/* The timer rule that was probably meant; NULL: none is like it. */
static const char *nearest(const struct ruleset *set, const char *name)
{
	const char **names = calloc(set->n + 1, sizeof(*names));
	size_t n = 0;
	if (names == NULL)
		return NULL;
	for (size_t i = 0; i < set->n; i++)
		if (set->rules[i]->timer)
			names[n++] = set->rules[i]->name;
	const char *near = conf_nearest(name, names);
	free(names);
	return near;
}

/* Is it a rule that takes timers? */
static enum rc check_rule(
	const struct local_ask *ask, const char *what, const char *name, struct err *err)
{
	const struct ruleset *live = ask->r->rules.live;
	if (name == NULL)
		return err_set(err, RC_INVALID, "%s needs the name of a rule", what);
	const struct rule *rule = ruleset_find(live, name);
	if (rule != NULL && rule->timer)
		return RC_OK;
	if (rule != NULL)
		return err_set(err, RC_INVALID,
			"%s: rule \"%.80s\" takes no timers (%s:%d): write on = \"timer\" there",
			what, name, rule->source->file, rule->line);
	const char *near = nearest(live, name);
	if (near != NULL)
		return err_set(err, RC_NOT_FOUND,
			"%s: there is no rule \"%.80s\", did you mean \"%s\"?", what, name, near);
	return err_set(err, RC_NOT_FOUND,
		"%s: there is no rule \"%.80s\" that is live; it needs on = \"timer\"", what, name);
}

/* The rule and the key that a call names. */
static enum rc read_names(const struct local_ask *ask, const char *what, const char **ret_rule,
	const char **ret_key, struct err *err)
{
	enum rc rc = text_at(ask, "rule", ret_rule, err);
	if (rc == RC_OK)
		rc = text_at(ask, "key", ret_key, err);
	if (rc == RC_OK)
		rc = check_rule(ask, what, *ret_rule, err);
	if (rc == RC_OK && *ret_key == NULL)
		*ret_key = ask->run->event->record_id;
	if (rc == RC_OK && (*ret_key)[0] == '\0')
		rc = err_set(err, RC_INVALID,
			strcmp(what, "after") == 0
				? "%s: the event is about no record, so say which timer this is: "
				  "after(\"5m\", \"rule\", nil, { key = \"..\" })"
				: "%s: the event is about no record, so say which timer: "
				  "cancel(\"rule\", \"its key\")",
			what);
	return rc;
}

static enum rc read_due(const struct local_ask *ask, struct queue_timer *timer, struct err *err)
{
	const json_t *delay = json_object_get(ask->args, "delay_ms");
	const json_t *at = json_object_get(ask->args, "at_ms");
	json_int_t ms = json_integer_value(delay != NULL ? delay : at);
	timer->relative = delay != NULL;
	if (!json_is_integer(delay != NULL ? delay : at) || (delay != NULL && ms < 0))
		return err_set(err, RC_INVALID, "after needs a delay or a time");
	if (ms > FAR_MS + (delay != NULL ? 0 : ask->now_ms))
		return err_set(err, RC_INVALID, "after: that is more than 10 years ahead");
	ms += delay != NULL ? ask->now_ms : 0;
	timer->due_ms = ms > 1 ? ms : 1;
	return RC_OK;
}

static enum rc read_depth(const struct local_ask *ask, struct queue_timer *timer, struct err *err)
{
	struct queue_cause cause;
	if (timer->due_ms - ask->now_ms >= TIMER_ANEW_MS)
		return RC_OK;
	enum rc rc = queue_cause_find(ask->r->queue, ask->run->q.seq, &cause, err);
	if (rc != RC_OK)
		return rc;
	timer->depth = cause.depth + 1;
	if (timer->depth > ECHO_DEPTH_MAX)
		return err_set(err, RC_LOOP,
			"after: rules have set each other off %d times in a row; a timer of a "
			"minute or more begins anew, a shorter one does not",
			cause.depth);
	return RC_OK;
}

static enum rc arm(const struct local_ask *ask, struct queue_timer *timer, struct err *err)
{
	struct buf payload;
	const struct event *event = ask->run->event;
	timer->object = event->about[0] != '\0' ? event->about : event->object;
	timer->record = event->record_id;
	buf_init(&payload, TIMER_PAYLOAD_MAX);
	enum rc rc = dump_value(&payload, json_object_get(ask->args, "payload"));
	timer->payload = buf_slice(&payload);
	if (rc != RC_OK)
		err_set(err, rc, "after: the payload is %s", rc_text(rc));
	else
		rc = queue_timer_put(
			ask->r->queue, ask->run->q.seq, ask->run->q.epoch, timer, TIMERS_MAX, err);
	buf_done(&payload);
	return rc;
}

static enum rc answer_after(const struct local_ask *ask, struct buf *out, struct err *err)
{
	char at[CLOCK_TEXT_N];
	struct queue_timer timer = {0};
	enum rc rc = read_names(ask, "after", &timer.rule, &timer.key, err);
	if (rc == RC_OK)
		rc = read_due(ask, &timer, err);
	if (rc == RC_OK)
		rc = read_depth(ask, &timer, err);
	if (rc == RC_OK)
		rc = arm(ask, &timer, err);
	if (rc != RC_OK)
		return rc;
	timer_expect(ask->r, timer.due_ms);
	clock_format(timer.due_ms, at);
	rc = buf_printf(out, "\"%s\"", at);
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for an answer");
}

static enum rc answer_cancel(const struct local_ask *ask, struct buf *out, struct err *err)
{
	const char *rule, *key;
	bool was = false;
	enum rc rc = read_names(ask, "cancel", &rule, &key, err);
	if (rc == RC_OK)
		rc = queue_timer_drop(ask->r->queue, rule, key, &was, err);
	if (rc != RC_OK)
		return rc;
	rc = buf_put_text(out, was ? "true" : "false");
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for an answer");
}

const struct local_method local_timer[] = {
	{"", "after", true, answer_after},
	{"", "cancel", true, answer_cancel},
	{NULL, NULL, false, NULL},
};
