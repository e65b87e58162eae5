/* SPDX-License-Identifier: MIT */
/*
 * Events that are one run -> the event that its rule sees.
 * From: assembly.c (runs that start), and whoever runs rules without a daemon. To: the JSON of one
 * event. Of a session of edits only what is needed is kept, so that a thousand edits of a record do
 * not hold it a thousand times. Fails when memory is short. Decides neither which events belong
 * together nor what of them a rule may see.
 */
#include "runner/session.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "runner/event.h"

enum life { LIFE_UNKNOWN, LIFE_NONE, LIFE_LIVE, LIFE_DELETED, LIFE_GONE };

struct step { /* one event, as far as the name of all depends on it */
	int64_t at_ms;
	size_t n; /* in order of arrival */
	char action[16];
};

struct session {
	enum session_kind kind;
	size_t n;
	json_t *last;   /* the newest event, without fields and before */
	json_t *before; /* of the first; NULL: not known */
	json_t *fields; /* the union */
	json_t *seen;   /* their names, as members of an object */
	bool told;      /* some said what they changed */
	bool vague;     /* of an update nobody told it */
	int64_t newest_ms;
	struct step *steps;
	size_t steps_cap;
	json_t *batch;
};

struct session *session_new(enum session_kind kind)
{
	struct session *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->kind = kind;
	s->fields = json_array();
	s->seen = json_object();
	s->batch = json_array();
	if (s->fields == NULL || s->seen == NULL || s->batch == NULL) {
		session_free(s);
		return NULL;
	}
	return s;
}

void session_free(struct session *s)
{
	if (s == NULL)
		return;
	json_decref(s->last);
	json_decref(s->before);
	json_decref(s->fields);
	json_decref(s->seen);
	json_decref(s->batch);
	free(s->steps);
	free(s);
}

size_t session_n(const struct session *s)
{
	return s->n;
}

/* --- the sum of names ------------------------------------------------------------------------- */

static const char *text_of(const json_t *event, const char *name)
{
	const char *text = json_string_value(json_object_get(event, name));
	return text != NULL ? text : "";
}

static bool is(const struct step *step, const char *action)
{
	return strcmp(step->action, action) == 0;
}

static enum rc add_step(struct session *s, const json_t *event, int64_t at_ms)
{
	if (s->n == s->steps_cap) {
		size_t cap = s->steps_cap != 0 ? s->steps_cap * 2 : 16;
		struct step *p = realloc(s->steps, cap * sizeof(*p));
		if (p == NULL)
			return RC_NOMEM;
		s->steps = p;
		s->steps_cap = cap;
	}
	struct step *step = &s->steps[s->n];
	*step = (struct step){.at_ms = at_ms, .n = s->n};
	snprintf(step->action, sizeof(step->action), "%s", text_of(event, "action"));
	if (is(step, "destroyed")) /* its record is as old as its last change */
		step->at_ms = INT64_MAX;
	else if (at_ms == 0)
		step->at_ms = s->newest_ms;
	return RC_OK;
}

static int older_first(const void *a, const void *b)
{
	const struct step *x = a, *y = b;
	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

static enum life life_before(const struct step *first)
{
	if (is(first, "created"))
		return LIFE_NONE;
	if (is(first, "restored"))
		return LIFE_DELETED;
	return is(first, "updated") || is(first, "deleted") ? LIFE_LIVE : LIFE_UNKNOWN;
}

static enum life life_after(enum life life, const struct step *step)
{
	if (is(step, "destroyed"))
		return LIFE_GONE;
	if (is(step, "deleted"))
		return LIFE_DELETED;
	/* What is deleted stays so, whatever is written to it. */
	if (is(step, "updated") && life == LIFE_DELETED)
		return life;
	return LIFE_LIVE;
}

/* NULL: as the newest says. */
static const char *sum_of(enum life before, enum life after)
{
	if (after == LIFE_GONE)
		return "destroyed";
	if (after == LIFE_DELETED)
		return before == LIFE_DELETED ? "updated" : "deleted";
	if (before == LIFE_UNKNOWN)
		return NULL;
	return before == LIFE_NONE ? "created" : before == LIFE_DELETED ? "restored" : "updated";
}

/* STATIC; NULL: as the newest says. */
static const char *action_of(const struct session *s)
{
	struct step *steps = s->n > 1 ? malloc(s->n * sizeof(*steps)) : NULL;
	if (steps == NULL)
		return NULL;
	memcpy(steps, s->steps, s->n * sizeof(*steps));
	qsort(steps, s->n, sizeof(*steps), older_first);
	enum life before = life_before(&steps[0]), life = before;
	for (size_t i = 0; i < s->n; i++)
		life = life_after(life, &steps[i]);
	free(steps);
	return sum_of(before, life);
}

/* --- a session of edits ----------------------------------------------------------------------- */

static enum rc add_fields(struct session *s, const json_t *event)
{
	size_t i;
	json_t *name;
	const json_t *fields = json_object_get(event, "fields");
	if (!json_is_array(fields)) {
		s->vague |= strcmp(text_of(event, "action"), "updated") == 0;
		return RC_OK;
	}
	s->told = true;
	json_array_foreach(fields, i, name)
	{
		const char *text = json_string_value(name);
		if (text == NULL || json_object_get(s->seen, text) != NULL)
			continue;
		if (json_object_set_new(s->seen, text, json_true()) != 0 ||
			json_array_append(s->fields, name) != 0)
			return RC_NOMEM;
	}
	return RC_OK;
}

/* The event without what is put together anew. */
static json_t *front_of(json_t *event)
{
	json_t *front = json_copy(event);
	(void)json_object_del(front, "fields");
	(void)json_object_del(front, "before");
	return front;
}

static enum rc add_edit(struct session *s, json_t *event)
{
	int64_t at_ms = event_updated_ms(json_object_get(event, "record"));
	bool newest = s->n == 0 || at_ms == 0 || at_ms >= s->newest_ms ||
		      strcmp(text_of(event, "action"), "destroyed") == 0;
	enum rc rc = add_step(s, event, at_ms);
	if (rc == RC_OK)
		rc = add_fields(s, event);
	if (rc != RC_OK)
		return rc;
	json_t *before = json_object_get(event, "before");
	if (s->n == 0 && json_is_object(before))
		s->before = json_incref(before);
	if (!newest)
		return RC_OK;
	json_t *front = front_of(event);
	if (front == NULL)
		return RC_NOMEM;
	json_decref(s->last);
	s->last = front;
	s->newest_ms = at_ms > s->newest_ms ? at_ms : s->newest_ms;
	return RC_OK;
}

static bool set(json_t *object, const char *name, json_t *value)
{
	return value == NULL || json_object_set(object, name, value) == 0;
}

static bool rename_to(json_t *event, const char *action)
{
	json_t *name = json_sprintf("%s.%s", text_of(event, "object"), action);
	bool ok = name != NULL && json_object_set(event, "name", name) == 0 &&
		  json_object_set_new(event, "action", json_string(action)) == 0;
	json_decref(name);
	return ok;
}

static json_t *settled(const struct session *s)
{
	json_t *event = json_copy(s->last);
	const char *action = action_of(s);
	bool ok = event != NULL && (action == NULL || rename_to(event, action)) &&
		  set(event, "fields", s->told && !s->vague ? s->fields : NULL);
	/* Nobody saw what is new before it was. */
	if (ok && (action == NULL || strcmp(action, "created") != 0))
		ok = set(event, "before", s->before);
	if (ok)
		return event;
	json_decref(event);
	return NULL;
}

/* --- a batch ---------------------------------------------------------------------------------- */

static json_t *listed(const struct session *s)
{
	static const char *const common[] = {"name", "object", "action", "hook"};
	static const char *const of_last[] = {"id", "at", "via"};
	const json_t *first = json_array_get(s->batch, 0);
	const json_t *last = json_array_get(s->batch, s->n - 1);
	json_t *event = json_object();
	bool ok = event != NULL && json_object_set(event, "batch", s->batch) == 0;
	for (size_t i = 0; ok && i < ARRAY_N(of_last); i++)
		ok = set(event, of_last[i], json_object_get(last, of_last[i]));
	for (size_t i = 0; ok && i < ARRAY_N(common); i++) {
		json_t *value = json_object_get(first, common[i]);
		bool same = value != NULL;
		for (size_t k = 1; same && k < s->n; k++)
			same = json_equal(
				value, json_object_get(json_array_get(s->batch, k), common[i]));
		ok = set(event, common[i], same ? value : NULL);
	}
	if (ok)
		return event;
	json_decref(event);
	return NULL;
}

/* --- both ------------------------------------------------------------------------------------- */

enum rc session_add(struct session *s, json_t *event)
{
	enum rc rc = RC_OK;
	if (s->kind == SESSION_BATCH)
		rc = json_array_append(s->batch, event) == 0 ? RC_OK : RC_NOMEM;
	else
		rc = add_edit(s, event);
	s->n += rc == RC_OK;
	return rc;
}

json_t *session_event(const struct session *s)
{
	if (s->n == 0)
		return NULL;
	return s->kind == SESSION_BATCH ? listed(s) : settled(s);
}
