/* SPDX-License-Identifier: MIT */
/*
 * Makes the living schema of the const tables and adds custom objects and fields to it.
 * From: main.c at start, metadata.c. To: store.c (one table per object), value.c (empty values).
 * Fails only when out of memory. Does not check what a user may name an object: metadata.c does.
 */
#include "tests/twin/schema.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "tests/twin/store.h"
#include "tests/twin/value.h"

static const char *const type_names[] = {
#define X(code, name) name,
	FIELD_TYPES(X)
#undef X
};

const char *field_type_name(enum field_type type)
{
	return type_names[type];
}

enum field_type field_type_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_N(type_names); i++) {
		if (strcmp(type_names[i], name) == 0)
			return (enum field_type)i;
	}
	return FT_N;
}

bool field_stored(const struct field *f)
{
	return (f->flags & FF_MANY) == 0;
}

const char *field_key(const struct field *f)
{
	return f->join != NULL ? f->join : f->name;
}

static void ident_write(const uint8_t b[static 16], char version, char ret[static IDENT_N])
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			ret[n++] = '-';
		ret[n++] = hex[b[i] >> 4];
		ret[n++] = hex[b[i] & 15];
	}
	ret[14] = version;
	ret[19] = hex[8 | ((b[8] >> 4) & 3)];
	ret[n] = '\0';
}

void ident_of(const char *text, char ret[static IDENT_N])
{
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};
	EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL);
	ident_write(digest, '5', ret);
}

void ident_random(char ret[static IDENT_N])
{
	/* one call into the generator serves many ids: it costs more than the rest of a create */
	static _Thread_local uint8_t pool[4096];
	static _Thread_local size_t used = sizeof(pool);
	if (used + 16 > sizeof(pool)) {
		if (RAND_bytes(pool, sizeof(pool)) != 1)
			abort();
		used = 0;
	}
	ident_write(pool + used, '4', ret);
	used += 16;
}

bool ident_valid(const char *text)
{
	for (size_t i = 0; i < IDENT_N - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return text[IDENT_N - 1] == '\0';
}

static char *text_capital(const char *text)
{
	char *copy = strdup(text);
	if (copy != NULL)
		copy[0] = (char)toupper((unsigned char)copy[0]);
	return copy;
}

/* "NEW:New:red|.." to [{value, label, color}] */
static json_t *options_parse(const char *text)
{
	json_t *list = json_array();
	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, "|");
		size_t value_n = strcspn(text, ":");
		const char *label = text + value_n + 1;
		size_t label_n = strcspn(label, ":|");
		const char *color = label + label_n + 1;
		json_t *o =
			json_pack("{s:s%,s:s%}", "value", text, value_n, "label", label, label_n);
		if ((size_t)(color - text) < n)
			json_object_set_new(
				o, "color", json_stringn(color, n - (size_t)(color - text)));
		json_array_append_new(list, o);
		text += n + (text[n] == '|');
	}
	return list;
}

static void field_done(struct field *f)
{
	free(f->name);
	free(f->join);
	free(f->label);
	free(f->target);
	free(f->inverse);
	json_decref(f->dflt);
	json_decref(f->options);
	json_decref(f->settings);
	json_decref(f->empty);
}

static bool field_init(struct field *f, const struct object *o, const struct field_def *d)
{
	char text[256];
	snprintf(text, sizeof(text), "%s.%s", o->singular, d->name);
	ident_of(text, f->id);
	f->name = strdup(d->name);
	f->label = strdup(d->label);
	f->type = d->type;
	f->flags = d->flags;
	if (d->target != NULL)
		f->target = strdup(d->target);
	if (d->inverse != NULL)
		f->inverse = strdup(d->inverse);
	if (d->target != NULL && (d->flags & FF_MANY) == 0) {
		snprintf(text, sizeof(text), "%sId", d->name);
		f->join = strdup(text);
	}
	if (d->dflt != NULL)
		f->dflt = json_loads(d->dflt, JSON_DECODE_ANY, NULL);
	if (d->options != NULL)
		f->options = options_parse(d->options);
	if (d->settings != NULL)
		f->settings = json_loads(d->settings, 0, NULL);
	f->empty = value_empty(f);
	return f->name != NULL && f->label != NULL && f->empty != NULL;
}

struct field *schema_field_new(struct object *o, const struct field_def *def, int64_t now_ms)
{
	struct field *fields = realloc(o->fields, (o->field_n + 1) * sizeof(*fields));
	if (fields == NULL)
		return NULL;
	o->fields = fields;
	struct field *f = &fields[o->field_n];
	*f = (struct field){.created_ms = now_ms};
	if (!field_init(f, o, def)) {
		field_done(f);
		return NULL;
	}
	o->field_n++;
	if (field_stored(f))
		json_object_set(o->blank, field_key(f), f->empty);
	if (!table_field_add(o->table, o, f))
		return NULL;
	return f;
}

static struct object *object_new(struct schema *s, const struct object_def *d, int64_t now_ms)
{
	struct object **objects = realloc(s->objects, (s->object_n + 1) * sizeof(*objects));
	struct object *o = calloc(1, sizeof(*o));
	if (objects != NULL)
		s->objects = objects;
	if (objects == NULL || o == NULL) {
		free(o);
		return NULL;
	}
	s->objects[s->object_n++] = o;
	o->singular = strdup(d->singular);
	o->plural = strdup(d->plural);
	o->Singular = text_capital(d->singular);
	o->Plural = text_capital(d->plural);
	o->label = strdup(d->label);
	o->labels = strdup(d->labels);
	o->shortcut = d->shortcut != NULL ? strdup(d->shortcut) : NULL;
	o->criteria = d->criteria != NULL ? strdup(d->criteria) : NULL;
	if (d->id != NULL)
		memcpy(o->id, d->id, IDENT_N);
	else
		ident_random(o->id);
	o->flags = d->flags;
	o->created_ms = now_ms;
	o->blank = json_object();
	o->table = table_new();
	if (o->blank == NULL || o->table == NULL || o->singular == NULL || o->plural == NULL)
		return NULL;
	for (unsigned i = 0; i < d->field_n; i++) {
		if (schema_field_new(o, &d->fields[i], now_ms) == NULL)
			return NULL;
	}
	return o;
}

bool schema_init(struct schema *s, int64_t now_ms)
{
	*s = (struct schema){0};
	for (unsigned i = 0; i < schema_crm_n; i++) {
		if (object_new(s, &schema_crm[i], now_ms) == NULL)
			return false;
	}
	for (unsigned i = 0; i < schema_plumbing_n; i++) {
		if (object_new(s, &schema_plumbing[i], now_ms) == NULL)
			return false;
	}
	return true;
}

/* What a custom object has from the start, in the order in which a real server answers it. */
static const struct field_def custom_fields[] = {
	F_NAME,
	F_ID,
	F_CREATED_AT,
	FIELD("createdBy", FT_ACTOR, FF_SYS | FF_RDO, "Created by", .dflt = ACTOR_NOBODY),
	F_DELETED_AT,
	F_POSITION,
	F_UPDATED_AT,
	FIELD("updatedBy", FT_ACTOR, FF_SYS | FF_RDO, "Updated by", .dflt = ACTOR_NOBODY),
	F_SEARCH_VECTOR,
};

struct object *schema_object_new(struct schema *s, const char *singular, const char *plural,
	const char *label, const char *labels, int64_t now_ms)
{
	if (schema_find_singular(s, singular) != NULL || schema_find_plural(s, plural) != NULL)
		return NULL;
	const struct object_def def = OBJECT(singular, plural, NULL, label, labels,
		OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE, custom_fields);
	return object_new(s, &def, now_ms);
}

void schema_done(struct schema *s)
{
	for (size_t i = 0; i < s->object_n; i++) {
		struct object *o = s->objects[i];
		table_free(o->table);
		for (size_t k = 0; k < o->field_n; k++)
			field_done(&o->fields[k]);
		free(o->fields);
		json_decref(o->blank);
		free(o->singular);
		free(o->plural);
		free(o->Singular);
		free(o->Plural);
		free(o->label);
		free(o->labels);
		free(o->shortcut);
		free(o->criteria);
		free(o);
	}
	free(s->objects);
	*s = (struct schema){0};
}

struct object *schema_find_plural(const struct schema *s, const char *plural)
{
	for (size_t i = 0; i < s->object_n; i++) {
		if (strcmp(s->objects[i]->plural, plural) == 0)
			return s->objects[i];
	}
	return NULL;
}

struct object *schema_find_singular(const struct schema *s, const char *singular)
{
	for (size_t i = 0; i < s->object_n; i++) {
		if (strcmp(s->objects[i]->singular, singular) == 0)
			return s->objects[i];
	}
	return NULL;
}

struct object *schema_find_id(const struct schema *s, const char *id)
{
	for (size_t i = 0; i < s->object_n; i++) {
		if (strcmp(s->objects[i]->id, id) == 0)
			return s->objects[i];
	}
	return NULL;
}

struct field *schema_field(const struct object *o, const char *name)
{
	for (size_t i = 0; i < o->field_n; i++) {
		if (strcmp(o->fields[i].name, name) == 0)
			return &o->fields[i];
	}
	return NULL;
}

struct field *schema_field_by_join(const struct object *o, const char *join)
{
	for (size_t i = 0; i < o->field_n; i++) {
		if (o->fields[i].join != NULL && strcmp(o->fields[i].join, join) == 0)
			return &o->fields[i];
	}
	return NULL;
}

bool schema_option_known(const struct field *f, const char *value)
{
	size_t i;
	json_t *option;
	json_array_foreach(f->options, i, option)
	{
		if (strcmp(json_string_value(json_object_get(option, "value")), value) == 0)
			return true;
	}
	return false;
}
