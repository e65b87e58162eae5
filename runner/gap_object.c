/* SPDX-License-Identifier: MIT */
/*
 * Which objects matter, and their watermarks.
 * From: gap.c. To: the store; the client, which knows the workspace's objects. An object that no
 * rule listens to any more loses its watermark: when one does again, it begins anew, since nobody
 * waited for what happened in between. Fails when memory is short or the store fails.
 */
#include "runner/gap_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/schema.h"
#include "runner/state.h"

/* Where the workspace does not say what it has. */
static const char *const standard[] = {"company", "note", "opportunity", "person", "task"};

static size_t place(const struct gap_objects *objects, const char *name)
{
	size_t i = 0;
	while (i < objects->n && strcmp(objects->p[i]->name, name) < 0)
		i++;
	return i;
}

/* Finds or adds it. NULL: no memory. */
static struct gap_object *add(struct gap_objects *objects, const char *name)
{
	size_t i = place(objects, name);
	if (i < objects->n && strcmp(objects->p[i]->name, name) == 0)
		return objects->p[i];
	struct gap_object **p = realloc(objects->p, (objects->n + 1) * sizeof(struct gap_object *));
	struct gap_object *o = calloc(1, sizeof(*o));
	if (p != NULL)
		objects->p = p;
	if (p == NULL || o == NULL) {
		free(o);
		return NULL;
	}
	snprintf(o->name, sizeof(o->name), "%s", name);
	memmove(&p[i + 1], &p[i], (objects->n - i) * sizeof(*p));
	p[i] = o;
	objects->n++;
	return o;
}

void gap_objects_free(struct gap_objects *objects)
{
	for (size_t i = 0; i < objects->n; i++)
		free(objects->p[i]);
	free(objects->p);
	*objects = (struct gap_objects){0};
}

struct gap_object *gap_object_find(const struct gap_objects *objects, const char *name)
{
	for (size_t i = 0; i < objects->n; i++) {
		struct gap_object *o = objects->p[i];
		if (strcmp(o->name, name) == 0 || strcmp(o->plural, name) == 0)
			return o;
	}
	return NULL;
}

/* --- the store -------------------------------------------------------------------------------- */

static enum rc load_one(void *ctx, const struct queue_gap *gap, struct err *err)
{
	struct gap_objects *objects = ctx;
	if (strlen(gap->object) >= GAP_NAME_N)
		return RC_OK;
	struct gap_object *o = add(objects, gap->object);
	if (o == NULL)
		return err_set(err, RC_NOMEM, "no memory for objects");
	o->stored = true;
	o->first_ms = gap->first_ms;
	o->from_ms = gap->from_ms;
	o->asked_ms = gap->asked_ms;
	o->swept_ms = gap->swept_ms;
	snprintf(o->problem, sizeof(o->problem), "%s", gap->problem);
	return RC_OK;
}

enum rc gap_objects_load(struct runner *r, struct gap_objects *objects, struct err *err)
{
	return queue_gap_each(r->queue, load_one, objects, err);
}

enum rc gap_object_put(struct runner *r, struct gap_object *o, struct err *err)
{
	struct queue_gap gap = {
		.object = o->name,
		.first_ms = o->first_ms,
		.from_ms = o->from_ms,
		.asked_ms = o->asked_ms,
		.swept_ms = o->swept_ms,
		.problem = o->problem,
	};
	o->stored = true;
	gate_wrote(&r->gate);
	return queue_gap_put(r->queue, &gap, err);
}

/* --- the rules -------------------------------------------------------------------------------- */

/* The objects of "*.created": those of people, and people's own; Twenty's tables around them change
 * by the thousand, and are looked at where a rule names them. */
static bool want_all(struct runner *r, struct gap_objects *objects)
{
	const struct schema *schema = client_schema(r->client);
	const struct schema_object *o;
	for (size_t i = 0; (o = schema_object_at(schema, i)) != NULL; i++) {
		if (!o->active || o->system || strlen(o->singular) >= GAP_NAME_N)
			continue;
		struct gap_object *mine = add(objects, o->singular);
		if (mine == NULL)
			return false;
		mine->wanted = true;
	}
	for (size_t i = 0; schema == NULL && i < objects->n; i++)
		objects->p[i]->wanted = true; /* nobody knows (yet) that it is not meant */
	for (size_t i = 0; schema == NULL && i < ARRAY_N(standard); i++) {
		struct gap_object *mine = add(objects, standard[i]);
		if (mine == NULL)
			return false;
		mine->wanted = true;
	}
	return true;
}

/* "person.created". Other sources, timers and metadata are not records that can be listed. */
static bool want(struct runner *r, struct gap_objects *objects, const char *pattern)
{
	char name[GAP_NAME_N];
	size_t n = strcspn(pattern, ".");
	if (pattern[n] == '\0' || strchr(pattern + n + 1, '.') != NULL || n >= sizeof(name) ||
		strchr(pattern, ':') != NULL)
		return true;
	if (n == 1 && pattern[0] == '*')
		return want_all(r, objects);
	snprintf(name, sizeof(name), "%.*s", (int)n, pattern);
	struct gap_object *o = add(objects, name);
	if (o != NULL)
		o->wanted = true;
	return o != NULL;
}

static bool want_live(struct runner *r, struct gap_objects *objects)
{
	const struct ruleset *live = r->rules.live;
	for (size_t i = 0; live != NULL && i < live->n; i++) {
		size_t k;
		json_t *on;
		json_array_foreach(live->rules[i]->on, k, on)
		{
			if (!want(r, objects, json_string_value(on)))
				return false;
		}
	}
	return true;
}

static bool is_busy(const struct runner *r, const struct gap_object *o)
{
	return r->gap.look.at == o || r->gap.sweep.at == o;
}

static enum rc forget_unwanted(struct runner *r, struct gap_objects *objects, struct err *err)
{
	size_t kept = 0;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < objects->n; i++) {
		struct gap_object *o = objects->p[i];
		bool goes = !o->wanted && !is_busy(r, o) && rc == RC_OK;
		if (goes && o->stored) {
			rc = queue_gap_drop(r->queue, o->name, err);
			gate_wrote(&r->gate);
		}
		if (goes && rc == RC_OK)
			free(o);
		else
			objects->p[kept++] = o;
	}
	objects->n = kept;
	return rc;
}

enum rc gap_objects_refresh(struct runner *r, struct gap_objects *objects, struct err *err)
{
	for (size_t i = 0; i < objects->n; i++)
		objects->p[i]->wanted = false;
	if (!want_live(r, objects))
		return err_set(err, RC_NOMEM, "no memory for objects");
	for (size_t i = 0; i < objects->n; i++) {
		struct gap_object *o = objects->p[i];
		if (!client_plural(r->client, o->name, o->plural, sizeof(o->plural)))
			o->plural[0] = '\0';
	}
	return forget_unwanted(r, objects, err);
}
