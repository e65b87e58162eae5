/* SPDX-License-Identifier: MIT */
/*
 * What came of a test: the effects in order, the runs and how they ended, their log, the records.
 * From: scene.c, when all is at rest. To: rehearsal.lua's judge. Read from the runner's own store:
 * an effect is what stands in a journal as done. Decides nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/kv.h"
#include "runner/match.h"
#include "runner/rehearse/scene.h"
#include "runner/state.h"

#define LINE_AT (CLOCK_TEXT_N + 6) /* "2026-01-05T09:00:00.000Z info  " in front of a line */

struct observing {
	struct scene *scene;
	json_t *runs, *effects;
};

/* "<time> <level> <text>\n" .. -> [{level, text}] */
static json_t *read_log(const char *log)
{
	json_t *lines = json_array();
	for (const char *at = log; at != NULL && *at != '\0';) {
		size_t n = strcspn(at, "\n");
		if (n > LINE_AT) {
			char level[6];
			snprintf(level, sizeof(level), "%.5s", at + CLOCK_TEXT_N);
			level[strcspn(level, " ")] = '\0';
			(void)json_array_append_new(
				lines, json_pack("{s:s, s:o}", "level", level, "text",
					       json_stringn_nocheck(at + LINE_AT, n - LINE_AT)));
		}
		at += n + (at[n] == '\n');
	}
	return lines;
}

static enum rc add_effect(struct observing *o, const struct queue_call *call, size_t run)
{
	json_t *args = json_loadb(call->request.p, call->request.n, JSON_DECODE_ANY, NULL);
	const char *method = call->method;
	char verb[16];
	if (strcmp(call->object, "http") == 0) {
		json_t *shown = double_http_args(args);
		json_decref(args);
		args = shown;
		const char *own = json_string_value(json_object_get(args, "method"));
		snprintf(verb, sizeof(verb), "%s", own != NULL ? own : "");
		method = verb;
		(void)json_object_del(args, "method");
	}
	json_t *at = json_object_get(args, "at_ms");
	if (call->object[0] == '\0' && at != NULL) {
		char text[CLOCK_TEXT_N];
		clock_format((int64_t)json_number_value(at), text);
		(void)json_object_set_new(args, "at", json_string(text));
	}
	json_t *marked = args != NULL ? script_mark(args) : json_object();
	json_decref(args);
	json_t *effect = json_pack("{s:s, s:s, s:o, s:I, s:I}", "method", method, "object",
		call->object, "args", marked, "at_ms",
		(json_int_t)(call->started_ms - o->scene->start_ms), "run", (json_int_t)run);
	return effect != NULL && json_array_append_new(o->effects, effect) == 0 ? RC_OK : RC_NOMEM;
}

static enum rc add_effects(struct observing *o, int64_t seq, size_t run, struct err *err)
{
	struct queue_call *calls = NULL;
	size_t n = 0;
	enum rc rc = queue_calls_load(o->scene->work, seq, &calls, &n, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (calls[i].effect && calls[i].code == RC_OK && calls[i].answer.n != 0)
			rc = add_effect(o, &calls[i], run);
	queue_calls_free(calls, n);
	return rc;
}

static const char *state_of_run(const struct queue_run_row *row)
{
	return row->state == QUEUE_DUE || row->state == QUEUE_RUNNING
		       ? "waiting"
		       : queue_state_name(row->state);
}

static enum rc add_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct observing *o = ctx;
	size_t n = json_array_size(o->runs);
	json_t *run = json_pack("{s:s, s:s, s:s*, s:s*, s:i, s:I, s:o, s:s}", "rule", row->rule,
		"state", state_of_run(row), "error",
		row->error != NULL && row->error[0] != '\0' ? row->error : NULL, "detail",
		row->detail != NULL && row->detail[0] != '\0' ? row->detail : NULL, "attempts",
		row->attempt, "ended_ms",
		(json_int_t)(row->ended_ms != 0 ? row->ended_ms - o->scene->start_ms : 0), "log",
		read_log(row->log), "id", row->id);
	if (run == NULL || json_array_append_new(o->runs, run) != 0)
		return err_set(err, RC_NOMEM, "no memory for what a test did");
	return add_effects(o, row->seq, n, err);
}

struct list { /* of ids, in order */
	json_t *ids;
};

static enum rc note_id(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct list *list = ctx;
	return json_array_append_new(list->ids, json_string(row->id)) == 0
		       ? RC_OK
		       : err_set(err, RC_NOMEM, "no memory for what a test did");
}

/* By time, then as they stand: journals are in order, runs in order of their events. */
static void sort_effects(json_t *effects)
{
	for (size_t i = 1; i < json_array_size(effects); i++) {
		json_t *one = json_incref(json_array_get(effects, i));
		json_int_t at = json_integer_value(json_object_get(one, "at_ms"));
		size_t k = i;
		while (k > 0 && json_integer_value(json_object_get(
					json_array_get(effects, k - 1), "at_ms")) > at)
			k--;
		if (k != i) {
			json_array_remove(effects, i);
			(void)json_array_insert(effects, k, one);
		}
		json_decref(one);
	}
}

/* --- why nothing ran ---------------------------------------------------------------------------
 */

static const struct rule *rule_for(const struct ruleset *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++) {
		json_t *pattern;
		size_t k;
		json_array_foreach(set->rules[i]->on, k, pattern)
		{
			if (match_name(json_string_value(pattern), name))
				return set->rules[i];
		}
	}
	return NULL;
}

static enum rc note_quarantine(void *ctx, const struct queue_event_row *row, struct err *err)
{
	char *text = ctx;
	(void)err;
	if (row->state == QUEUE_QUARANTINED)
		snprintf(text, 300, "the event cannot be read: %.200s", row->reason);
	return RC_OK;
}

static enum rc tell_why(struct scene *s, char text[static 300], struct err *err)
{
	const json_t *event = json_array_get(json_object_get(s->plan, "events"), 0);
	const char *name = json_string_value(json_object_get(event, "name"));
	const struct rule *rule = name != NULL ? rule_for(s->runner->rules.live, name) : NULL;
	struct queue_filter all = {0};
	if (name == NULL)
		snprintf(text, 300, "the test has no event, and nothing was due");
	else if (rule == NULL)
		snprintf(text, 300, "no rule of %.80s is for %.100s", s->files[0], name);
	else
		snprintf(text, 300, "the rule \"%.80s\" is for %.80s, but its `when` said no",
			rule->name, name);
	return queue_event_each(s->work, &all, note_quarantine, text, err);
}

/* --- kv ----------------------------------------------------------------------------------------
 */

/* What is kept under a key in a scope. GIVES; NULL: nothing. */
static json_t *find_kept(struct scene *s, const char *scope, const char *key)
{
	struct buf text;
	struct err err = {0};
	int64_t until_ms = 0;
	json_t *value = NULL;
	buf_init(&text, KV_VALUE_MAX + 1);
	if (queue_kv_find(s->work, scope, key, clock_wall_ms(), &text, &until_ms, &err) == RC_OK)
		value = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
	buf_done(&text);
	return value;
}

/* The same of rules: of the first that ran and has it. */
static json_t *find_own(struct observing *o, const char *key)
{
	json_t *run, *value = NULL;
	size_t i;
	json_array_foreach(o->runs, i, run)
	{
		const char *rule = json_string_value(json_object_get(run, "rule"));
		if (value == NULL)
			value = find_kept(o->scene, rule, key);
	}
	return value;
}

/* Of the keys that the test names. GIVES. */
static json_t *observe_kept(struct observing *o, const char *keys, bool shared)
{
	json_t *out = json_object(), *key;
	size_t i;
	json_array_foreach(json_object_get(o->scene->plan, keys), i, key)
	{
		const char *name = json_string_value(key);
		json_t *value = shared ? find_kept(o->scene, KV_SHARED, name) : find_own(o, name);
		if (value != NULL)
			(void)json_object_set_new(out, name, value);
	}
	return out;
}

enum rc scene_observe(struct scene *scene, json_t **ret_observed, struct err *err)
{
	struct observing o = {scene, json_array(), json_array()};
	struct list list = {json_array()};
	struct queue_filter all = {0};
	char why[300];
	size_t i;
	json_t *id;
	enum rc rc = tell_why(scene, why, err);
	if (rc == RC_OK)
		rc = queue_run_each(scene->work, &all, note_id, &list, err);
	json_array_foreach(list.ids, i, id)
	{
		if (rc == RC_OK)
			rc = queue_run_get(scene->work, json_string_value(id), add_run, &o, err);
	}
	sort_effects(o.effects);
	json_t *observed = json_pack("{s:O, s:O, s:O, s:s, s:o, s:o}", "effects", o.effects, "runs",
		o.runs, "records", scene->world.objects, "why", why, "kv",
		observe_kept(&o, "kv_keys", false), "kv_shared",
		observe_kept(&o, "kv_shared_keys", true));
	json_decref(o.effects);
	json_decref(o.runs);
	json_decref(list.ids);
	if (rc == RC_OK && observed == NULL)
		rc = err_set(err, RC_NOMEM, "no memory for what a test did");
	if (rc == RC_OK)
		*ret_observed = observed;
	else
		json_decref(observed);
	return rc;
}
