/* SPDX-License-Identifier: MIT */
/*
 * A call's arguments and answers -> the records that it changed, field by field.
 * From: life.c, when a call ends. To: the caller, with the answer. A field is named the way a
 * webhook names it: by its top-level name, a relation by both of its names (company, companyId);
 * its value is the one that Twenty answered, since Twenty writes some values in its own way (an
 * e-mail in small letters). A value that is not the one that was asked for is told apart: another
 * update that went in the same request may have set it.
 *
 * What cannot be told: which fields a merge or a GraphQL mutation changed (the time of the answer
 * alone identifies those), and what a mutation did to records that its answer does not show with id
 * and updatedAt.
 */
#include "client/written.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/evidence.h"
#include "client/fields.h"
#include "client/schema.h"

struct reading { /* of one call */
	const struct call *call;
	struct written *out;
};

struct change { /* one record; BORROWS */
	enum client_action action;
	const char *object; /* plural */
	const char *id;     /* NULL: as the record says */
	const json_t *record, *data;
};

/* The room for one more, with its id; NULL: no id, no memory. */
static struct client_write *add(struct reading *r, const struct change *c)
{
	struct written *w = r->out;
	const char *id =
		c->id != NULL ? c->id : json_string_value(json_object_get(c->record, "id"));
	if (id == NULL || !uuid_valid(id))
		return NULL;
	if (w->n == w->cap) {
		size_t cap = w->cap != 0 ? w->cap * 2 : 4;
		struct client_write *p = realloc(w->p, cap * sizeof(*p));
		if (p == NULL)
			return NULL;
		w->p = p;
		w->cap = cap;
	}
	struct client_write *to = &w->p[w->n++];
	*to = (struct client_write){.action = c->action};
	size_t n = 0;
	for (; id[n] != '\0' && n < sizeof(to->record) - 1; n++)
		to->record[n] = (char)tolower((unsigned char)id[n]);
	const char *singular = client_singular(call_schema(r->call), c->object);
	snprintf(to->object, sizeof(to->object), "%s", singular);
	const char *at = json_string_value(json_object_get(c->record, "updatedAt"));
	int64_t ms = at != NULL ? clock_parse(at) : -1;
	to->at_ms = ms > 0 ? ms : 0;
	to->by = json_incref(json_object_get(c->record, "updatedBy"));
	return to;
}

static void set(json_t **fields, const char *name, const json_t *value)
{
	if (*fields == NULL)
		*fields = json_object();
	if (json_object_set(*fields, name, (json_t *)(uintptr_t)value) != 0)
		return; /* less than there was */
}

/* Under both of its names, where it is a relation. */
static void set_field(
	struct client_write *to, const json_t *record, const char *key, const json_t *value)
{
	char other[FIELD_PATH_MAX] = "";
	size_t n = strlen(key);
	json_t *one = json_pack("{s:O}", key, value);
	json_t **into = one != NULL && evidence_shows(record, one) ? &to->fields : &to->others;
	bool relation = json_object_get(value, "connect") != NULL ||
			json_object_get(value, "disconnect") != NULL;
	json_decref(one);
	if (relation)
		into = &to->fields;
	if (n + 3 < sizeof(other) && relation)
		snprintf(other, sizeof(other), "%sId", key);
	else if (n > 2 && n < sizeof(other) && strcmp(key + n - 2, "Id") == 0)
		snprintf(other, sizeof(other), "%.*s", (int)n - 2, key);
	set(into, key, client_field(record, key));
	if (other[0] != '\0')
		set(into, other, client_field(record, other));
}

/* An update: data is what the rule said. */
static void add_update(struct reading *r, const json_t *record, const json_t *data)
{
	const struct call *call = r->call;
	json_t *whole = NULL, *value;
	const char *key;
	struct client_write *to =
		add(r, &(struct change){CLIENT_UPDATED, call->object, NULL, record, data});
	if (to == NULL)
		return;
	to->fields = json_object();
	if (fields_expand(call_schema(call), call->object, data, &whole, NULL) != RC_OK)
		return;
	json_object_foreach(whole, key, value)
	{
		if (strcmp(key, "id") != 0)
			set_field(to, record, key, value);
	}
	json_decref(whole);
}

static void add_plain(
	struct reading *r, enum client_action action, const char *object, const json_t *record)
{
	(void)add(r, &(struct change){action, object, NULL, record, NULL});
}

/* deletedAt is what changed. */
static void add_deletion(struct reading *r, enum client_action action, const json_t *record)
{
	struct client_write *to =
		add(r, &(struct change){action, r->call->object, NULL, record, NULL});
	if (to == NULL)
		return;
	to->fields = json_object();
	if (action == CLIENT_RESTORED || json_is_string(json_object_get(record, "deletedAt")))
		set(&to->fields, "deletedAt", client_field(record, "deletedAt"));
}

static void add_gone(struct reading *r, const json_t *id)
{
	(void)add(r, &(struct change){
			     CLIENT_DESTROYED, r->call->object, json_string_value(id), NULL, NULL});
}

static void add_each(struct reading *r, enum client_action action, const json_t *list)
{
	size_t i;
	json_t *record;
	json_array_foreach(list, i, record) add_plain(r, action, r->call->object, record);
}

/* The n-th change of a call that makes several. */
static const json_t *data_of(const struct call *call, size_t i)
{
	return call->op == CLIENT_UPDATE_MANY
		       ? json_array_get(json_object_get(call->args, "list"), i)
		       : json_object_get(call->args, "data");
}

static void add_updates(struct reading *r, const json_t *list)
{
	size_t i;
	json_t *record;
	json_array_foreach(list, i, record) add_update(r, record, data_of(r->call, i));
}

static void add_merge(struct reading *r, const json_t *record)
{
	size_t i;
	json_t *id;
	if (json_is_true(json_object_get(r->call->args, "preview")))
		return;
	add_plain(r, CLIENT_UPDATED, r->call->object, record);
	json_array_foreach(json_object_get(r->call->args, "from"), i, id) add_gone(r, id);
}

static void add_shown(struct reading *r, const json_t *record)
{
	if (json_is_string(json_object_get(record, "updatedAt")))
		add_plain(r, CLIENT_CHANGED, "", record);
}

/* Each record that a mutation answers with, where it is shown with its id and time; not what stands
 * around it: the person of a new task has been changed by others, at the time that she shows. */
static void add_graphql(struct reading *r, const json_t *data)
{
	const char *key;
	json_t *value, *each;
	size_t i;
	json_object_foreach((json_t *)(uintptr_t)data, key, value)
	{
		if (json_is_object(value))
			add_shown(r, value);
		json_array_foreach(value, i, each) add_shown(r, each);
	}
}

static void read_value(struct reading *r)
{
	const struct call *call = r->call;
	const json_t *value = call->value;
	switch (call->op) {
	case CLIENT_CREATE:
		add_plain(r, CLIENT_CREATED, call->object, value);
		return;
	case CLIENT_CREATE_MANY:
		add_each(r, CLIENT_CREATED, value);
		return;
	case CLIENT_ENSURE:
		if (json_is_true(json_object_get(value, "created")))
			add_plain(
				r, CLIENT_CREATED, call->object, json_object_get(value, "record"));
		return;
	case CLIENT_UPDATE:
		add_update(r, value, json_object_get(call->args, "data"));
		return;
	case CLIENT_UPDATE_MANY:
	case CLIENT_UPDATE_WHERE:
		add_updates(r, value);
		return;
	case CLIENT_DELETE:
		add_deletion(r, CLIENT_DELETED, value);
		return;
	case CLIENT_RESTORE:
		add_deletion(r, CLIENT_RESTORED, value);
		return;
	case CLIENT_DESTROY:
	case CLIENT_ERASE:
		add_gone(r, json_object_get(call->args, "id"));
		return;
	case CLIENT_MERGE:
		add_merge(r, value);
		return;
	case CLIENT_GRAPHQL:
		if (client_call_effect(call->op, call->args))
			add_graphql(r, value);
		return;
	case CLIENT_GET:
	case CLIENT_LIST:
	case CLIENT_COUNT:
	case CLIENT_GROUP_BY:
	case CLIENT_DUPLICATES:
	case CLIENT_MEMBER:
	case CLIENT_HTTP:
	case CLIENT_OP_N:
		return;
	}
}

/* Of a call that failed: what those that it made had done by then. */
static void read_children(struct reading *r)
{
	for (int i = 0; i < r->call->results_n; i++) {
		const struct call_result *result = &r->call->results[i];
		if (result->code == RC_OK && json_is_object(result->value))
			add_update(r, result->value, data_of(r->call, (size_t)i));
	}
}

void written_read(const struct call *call, enum rc code, struct written *ret_written)
{
	struct reading r = {call, ret_written};
	size_t i;
	json_t *each;
	*ret_written = (struct written){0};
	if (!client_op_effect(call->op))
		return;
	if (code == RC_OK)
		read_value(&r);
	else if (call->op == CLIENT_UPDATE_MANY || call->op == CLIENT_UPDATE_WHERE)
		read_children(&r);
	json_array_foreach(call->also, i, each)
	{
		const char *object = json_string_value(json_object_get(each, "object"));
		add_plain(&r, CLIENT_CREATED, object, json_object_get(each, "record"));
	}
	for (size_t k = 0; k < ret_written->n; k++)
		ret_written->p[k].late = call->late;
}

void written_done(struct written *written)
{
	for (size_t i = 0; i < written->n; i++) {
		json_decref(written->p[i].fields);
		json_decref(written->p[i].others);
		json_decref(written->p[i].by);
	}
	free(written->p);
	*written = (struct written){0};
}

void written_also(struct call *call, const char *object, const json_t *record)
{
	if (call->also == NULL)
		call->also = json_array();
	(void)json_array_append_new(call->also,
		json_pack("{s:s, s:O}", "object", object, "record", (json_t *)(uintptr_t)record));
}
