/* SPDX-License-Identifier: MIT */
/*
 * Events are delivered and time passes.
 * From: scene.c. To: the runner's turns. Time stands still while anything is at work; then it
 * leaps to whatever is due next: an event, a retry, the end of a silence, a timer. Real time bounds
 * a test that does not come to rest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "client/fields.h"
#include "queue/copy.h"
#include "queue/kv.h"
#include "queue/timer.h"
#include "runner/dump.h"
#include "runner/life.h"
#include "runner/rehearse/scene.h"
#include "runner/state.h"

#define BODY_MAX (4u << 20)
#define REAL_MAX_MS 30000 /* of a whole test */
#define LEAPS_MAX 20000
#define FAR_MS (INT64_C(400) * 86400 * 1000) /* what is due later than that is not waited for */

/* --- turns -------------------------------------------------------------------------------------
 */

static bool at_work(const struct runner *r)
{
	for (size_t i = 0; i < r->pool.n; i++) {
		const struct worker *w = &r->pool.workers[i];
		if (w->state == WORKER_STARTING || w->tasks_n != 0)
			return true;
	}
	return r->runs.live_n != 0;
}

static bool is_quiet(const struct scene *s)
{
	const struct runner *r = s->runner;
	return r->rules.loaded && !r->rules.loading && !at_work(r) && !r->route.open &&
	       !r->route.wanted && !r->route.backlog && r->route.births.n == 0 &&
	       s->understudy.first == NULL;
}

static void turn(struct scene *s)
{
	struct runner *r = s->runner;
	if (!at_work(r))
		(void)sd_event_source_set_enabled(s->kick, SD_EVENT_ONESHOT);
	runner_turn(r);
}

/* Why a test cannot go on; RC_OK: it can. */
static enum rc check_end(struct scene *s, int64_t real_end_ms, struct err *err)
{
	if (s->runner->fatal != RC_OK)
		return err_set(err, s->runner->fatal, "the runner failed");
	if (s->understudy.failed == RC_RULE) {
		s->error = s->understudy.error;
		return RC_RULE;
	}
	if (s->understudy.failed != RC_OK) {
		*err = s->understudy.err;
		return s->understudy.failed;
	}
	if (clock_mono_ms() > real_end_ms)
		return scene_refuse(s, "it did not come to rest within %d s", REAL_MAX_MS / 1000);
	return RC_OK;
}

static enum rc turn_until_quiet(struct scene *s, struct err *err)
{
	int64_t end_ms = clock_mono_ms() + REAL_MAX_MS;
	enum rc rc = RC_OK;
	do {
		turn(s);
		rc = check_end(s, end_ms, err);
	} while (rc == RC_OK && !is_quiet(s));
	return rc;
}

/* --- events ------------------------------------------------------------------------------------
 */

static void set_text(json_t *object, const char *key, const char *text)
{
	if (json_object_get(object, key) == NULL)
		(void)json_object_set_new(object, key, json_string(text));
}

/* What every record of a server has. */
static enum rc complete_record(struct scene *s, const char *object, json_t *record, int64_t at_ms)
{
	char at[CLOCK_TEXT_N], name[200];
	struct uuid id;
	(void)s;
	clock_format(at_ms, at);
	snprintf(name, sizeof(name), "rehearsal/%.150s", object);
	if (uuid_derive(slice_of(name), &id) != RC_OK)
		return RC_NOMEM;
	set_text(record, "id", id.text);
	set_text(record, "createdAt", at);
	set_text(record, "updatedAt", at);
	return RC_OK;
}

/* Short names as everywhere. GIVES the record of an event, or of what was before it. */
static enum rc read_record(struct scene *s, const char *object, const json_t *record, int64_t at_ms,
	json_t **ret_record, struct err *err)
{
	char plural[100];
	world_plural(object, plural, sizeof(plural));
	enum rc rc = fields_expand(NULL, plural, record, ret_record, err);
	if (rc == RC_INVALID)
		return scene_refuse(s, "the record of an event: %s", err->msg);
	return rc == RC_OK ? complete_record(s, object, *ret_record, at_ms) : rc;
}

/* What was last seen of the record. */
static enum rc put_before(struct scene *s, const char *object, const json_t *record,
	const json_t *before, struct err *err)
{
	json_t *whole = NULL;
	int64_t at_ms = clock_wall_ms() - 60000;
	enum rc rc = read_record(s, object, before, at_ms, &whole, err);
	if (rc != RC_OK)
		return rc;
	const char *id = json_string_value(json_object_get(record, "id"));
	(void)json_object_set_new(whole, "id", json_string(id));
	struct buf text;
	buf_init(&text, BODY_MAX);
	rc = dump_value(&text, whole);
	struct queue_copy copy = {.object = object,
		.record = id,
		.updated_ms = at_ms,
		.seen_ms = at_ms,
		.state = QUEUE_COPY_LIVE,
		.text = buf_slice(&text)};
	rc = rc == RC_OK ? queue_copy_put(s->work, &copy, err)
			 : err_set(err, rc, "no memory for a record");
	buf_done(&text);
	json_decref(whole);
	return rc;
}

static enum rc put_delivery(struct scene *s, const char *source, const json_t *body,
	const json_t *headers, struct err *err)
{
	struct buf lines;
	const char *key;
	json_t *value;
	buf_init(&lines, 65536);
	enum rc rc = RC_OK;
	json_object_foreach((json_t *)(uintptr_t)headers, key, value)
	{
		if (rc == RC_OK && json_is_string(value))
			rc = buf_printf(&lines, "%s: %s\n", key, json_string_value(value));
	}
	char *text = json_dumps(body, JSON_COMPACT);
	struct queue_delivery d = {.source = source,
		.headers = buf_slice(&lines),
		.body = slice_of(text != NULL ? text : ""),
		.received_ms = clock_wall_ms()};
	if (text == NULL || rc != RC_OK)
		rc = err_set(err, RC_NOMEM, "no memory for an event");
	if (rc == RC_OK)
		rc = id_new(d.received_ms, &d.id, err);
	if (rc == RC_OK)
		rc = queue_inbox_put(s->inbox, &d, 1, err);
	free(text);
	buf_done(&lines);
	s->runner->route.wanted = true;
	return rc;
}

/* {kind, name, id} of a test -> as Twenty notes who changed a record. */
static void put_actor(json_t *record, const char *action, const json_t *actor)
{
	const char *kind = json_string_value(json_object_get(actor, "kind"));
	const char *source = kind != NULL && strcmp(kind, "person") == 0   ? "MANUAL"
			     : kind != NULL && strcmp(kind, "import") == 0 ? "IMPORT"
									   : "API";
	if (!json_is_object(actor))
		return;
	json_t *by = json_pack("{s:s, s:O*, s:O*}", "source", source, "name",
		json_object_get(actor, "name"), "workspaceMemberId", json_object_get(actor, "id"));
	(void)json_object_set_new(
		record, strcmp(action, "created") == 0 ? "createdBy" : "updatedBy", by);
}

/* An event of Twenty as its webhook would bring it. */
static enum rc deliver_record(
	struct scene *s, const char *name, const json_t *event, struct err *err)
{
	char object[128], at[CLOCK_TEXT_N];
	json_t *record = NULL, *before = json_object_get(event, "before");
	const char *dot = strchr(name, '.');
	snprintf(object, sizeof(object), "%.*s", (int)(dot - name), name);
	clock_format(clock_wall_ms(), at);
	enum rc rc = read_record(
		s, object, json_object_get(event, "record"), clock_wall_ms(), &record, err);
	if (rc == RC_OK && json_is_object(before))
		rc = put_before(s, object, record, before, err);
	if (rc == RC_OK)
		rc = world_hear(&s->world, object, dot + 1, record);
	if (rc == RC_OK) {
		put_actor(record, dot + 1, json_object_get(event, "actor"));
		const char *when = json_string_value(json_object_get(event, "at"));
		json_t *fields = json_object_get(event, "fields");
		json_t *body = json_pack("{s:s, s:O, s:s, s:O*}", "eventName", name, "record",
			record, "eventDate", when != NULL ? when : at, "updatedFields",
			json_array_size(fields) > 0 ? fields : NULL);
		rc = put_delivery(s, "twenty", body, NULL, err);
		json_decref(body);
	}
	json_decref(record);
	return rc;
}

static enum rc deliver(struct scene *s, const json_t *event, struct err *err)
{
	const char *name = json_string_value(json_object_get(event, "name"));
	if (name != NULL && strncmp(name, "hook:", 5) == 0)
		return put_delivery(s, name + 5, json_object_get(event, "record"),
			json_object_get(event, "headers"), err);
	if (name == NULL || strchr(name, '.') == NULL)
		return scene_refuse(
			s, "\"%.60s\" is no name of an event", name != NULL ? name : "");
	return deliver_record(s, name, event, err);
}

/* --- time --------------------------------------------------------------------------------------
 */

/* When the next event of the test comes, wall ms; INT64_MAX: there is none. */
static int64_t next_event(const struct scene *s, const json_t **ret_event)
{
	const json_t *events = json_object_get(s->plan, "events");
	const json_t *event = json_array_get(events, s->told_n);
	*ret_event = event;
	if (event == NULL)
		return INT64_MAX;
	return s->start_ms + (int64_t)json_number_value(json_object_get(event, "at_ms"));
}

static void leap(struct scene *s, int64_t to_ms)
{
	int64_t by_ms = to_ms - clock_wall_ms();
	if (by_ms > 0) {
		clock_set_wall_ms(to_ms);
		clock_skip_mono_ms(by_ms);
		s->skipped_ms += by_ms;
	}
	s->runner->route.backlog = true;
	upkeep_again(s->runner);
}

/* Events are told in order of their times, whatever the order in the file. */
static enum rc check_order(struct scene *s)
{
	const json_t *events = json_object_get(s->plan, "events");
	double last = 0;
	for (size_t i = 0; i < json_array_size(events); i++) {
		double at = json_number_value(json_object_get(json_array_get(events, i), "at_ms"));
		if (at < last)
			return scene_refuse(s,
				"events: the times of at(..) go up, event %zu is earlier", i + 1);
		last = at;
	}
	return RC_OK;
}

static enum rc check_rules(void *ctx, const struct queue_rule *rule, struct err *err)
{
	struct scene *s = ctx;
	(void)err;
	return strcmp(rule->state, "broken") == 0 ? scene_refuse(s, "%s", rule->error) : RC_OK;
}

/* The rules are there before anything happens. */
static enum rc await_rules(struct scene *s, struct err *err)
{
	enum rc rc = turn_until_quiet(s, err);
	if (rc == RC_OK && s->error.text[0] != '\0')
		return RC_RULE; /* scene_edit */
	if (rc == RC_OK)
		rc = queue_rule_each(s->work, check_rules, s, err);
	for (size_t i = 0; rc == RC_OK && s->files[i] != NULL; i++)
		if (ruleset_find_file(s->runner->rules.live, s->files[i]) == NULL)
			rc = scene_refuse(s, "there is no rule file %s/%s", s->rules, s->files[i]);
	return rc;
}

/* What the rules have kept from before: each rule of the files has it, or all of them share it. */
static enum rc put_kept(struct scene *s, const char *scope, const json_t *values, struct err *err)
{
	static const struct queue_kv_sum most = {.n = 100000, .bytes = INT64_C(64) << 20};
	const char *key;
	json_t *value;
	enum rc rc = RC_OK;
	json_object_foreach((json_t *)(uintptr_t)values, key, value)
	{
		struct buf text;
		buf_init(&text, KV_VALUE_MAX + 1);
		if (rc == RC_OK)
			rc = dump_value(&text, value);
		const struct queue_kv kv = {scope, key, buf_slice(&text), 0};
		if (rc == RC_OK)
			rc = queue_kv_put(s->work, &kv, clock_wall_ms(), &most, err);
		buf_done(&text);
	}
	return rc;
}

static enum rc put_all_kept(struct scene *s, struct err *err)
{
	const struct ruleset *set = s->runner->rules.live;
	enum rc rc = put_kept(s, KV_SHARED, json_object_get(s->plan, "kv_shared"), err);
	for (size_t i = 0; i < set->n && rc == RC_OK; i++)
		rc = put_kept(s, set->rules[i]->name, json_object_get(s->plan, "kv"), err);
	return rc == RC_INVALID || rc == RC_TOO_LARGE ? scene_refuse(s, "kv: %s", err->msg) : rc;
}

/* When something is due by itself: a run that waits, a timer, and, where the test says how long it
 * lasts, a tick of the clock, which would otherwise go on for ever. */
static enum rc next_due(struct scene *s, int64_t *ret_ms, struct err *err)
{
	int64_t run_ms = INT64_MAX, timer_ms = INT64_MAX;
	enum rc rc = queue_next_due(s->work, &run_ms, err);
	if (rc == RC_OK)
		rc = queue_timer_next(s->work, &timer_ms, err);
	*ret_ms = run_ms < timer_ms ? run_ms : timer_ms;
	if (s->end_ms != INT64_MAX && s->runner->upkeep.due_ms < *ret_ms)
		*ret_ms = s->runner->upkeep.due_ms;
	return rc;
}

static enum rc check_names(struct scene *s)
{
	for (size_t i = 0; s->rule_names[i] != NULL; i++)
		if (ruleset_find(s->runner->rules.live, s->rule_names[i]) == NULL)
			return scene_refuse(s,
				"there is no rule \"%.80s\" in %.200s, or it runs by the clock and "
				"the "
				"test does not say how long it lasts",
				s->rule_names[i], s->files[0]);
	return RC_OK;
}

enum rc scene_run(struct scene *scene, struct err *err)
{
	int leaps = 0;
	enum rc rc = check_order(scene);
	if (rc == RC_OK)
		rc = await_rules(scene, err);
	if (rc == RC_OK)
		rc = check_names(scene);
	if (rc == RC_OK)
		rc = put_all_kept(scene, err);
	while (rc == RC_OK) {
		const json_t *event = NULL;
		int64_t due_ms = INT64_MAX, event_ms = next_event(scene, &event);
		rc = turn_until_quiet(scene, err);
		if (rc == RC_OK)
			rc = next_due(scene, &due_ms, err);
		int64_t next_ms = event_ms <= due_ms ? event_ms : due_ms;
		if (rc != RC_OK || next_ms > scene->start_ms + FAR_MS || next_ms > scene->end_ms)
			break;
		if (++leaps > LEAPS_MAX)
			return scene_refuse(scene,
				"more than %d times something became due: say how "
				"long it lasts with lasts = \"1d\"",
				LEAPS_MAX);
		leap(scene, next_ms);
		if (event_ms > due_ms)
			continue;
		scene->told_n++;
		rc = deliver(scene, event, err);
	}
	if (rc == RC_OK && scene->end_ms != INT64_MAX) {
		leap(scene, scene->end_ms);
		rc = turn_until_quiet(scene, err);
	}
	return rc;
}
