/* SPDX-License-Identifier: MIT */
/*
 * What a workspace says of itself, from 400 kB of JSON to less than a tenth.
 * From: question.c, which asks for it. To: schema.c. Measures first, so that all goes into one
 * piece of memory whose size is known before it is asked for; fails with RC_UPSTREAM where the
 * answer has another form or is larger than any workspace. Labels, icons, ids and defaults are not
 * kept.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect.h"
#include "client/schema_body.h"

#define OBJECTS_MAX 2000
#define FIELDS_MAX 2000 /* of one object */
#define VALUES_MAX 1000 /* of one field */
#define BYTES_MAX (8U << 20)
#define NAME_MAX_N 63 /* what a server takes */
#define VALUE_MAX_N 255

enum rc schema_ask(struct request *request, struct err *err)
{
	enum rc rc = request_start(request, REQUEST_GET, "/rest/metadata/objects");
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for a request");
}

void schema_free(struct schema *schema)
{
	free(schema);
}

/* ---- pieces of the answer ---- */

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

/* Names that a rule could write; all others are as if they were not there. */
static bool is_name(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = text != NULL ? strlen(text) : 0;
	return n > 0 && n <= NAME_MAX_N && (*text < '0' || *text > '9') &&
	       strspn(text, letters) == n;
}

/* The column of a relation to one record; "" for none. */
static const char *join_of(const json_t *field, char ret_made[static NAME_MAX_N + 3])
{
	const json_t *settings = json_object_get(field, "settings");
	const char *kind = text_of(settings, "relationType");
	const char *join = text_of(settings, "joinColumnName");
	if (kind == NULL || strcmp(kind, "MANY_TO_ONE") != 0)
		return "";
	if (join != NULL)
		return is_name(join) ? join : "";
	const char *name = text_of(field, "name");
	size_t n = strlen(name);
	memcpy(ret_made, name, n);
	memcpy(ret_made + n, "Id", 3);
	return ret_made;
}

static const char *value_of(const json_t *option)
{
	const char *value = text_of(option, "value");
	return value != NULL && strlen(value) <= VALUE_MAX_N ? value : NULL;
}

static bool is_field(const json_t *field)
{
	return is_name(text_of(field, "name"));
}

static bool is_object(const json_t *object)
{
	return is_name(text_of(object, "nameSingular")) && is_name(text_of(object, "namePlural"));
}

/* Servers that have two kinds call the composite one RICH_TEXT_V2 and a single text RICH_TEXT;
 * those that have one kind, the composite one, call it RICH_TEXT. */
static enum schema_type type_of(const json_t *field, bool two_kinds)
{
	const char *name = text_of(field, "type");
	if (strcmp(name, "RICH_TEXT") == 0)
		return two_kinds ? SCHEMA_TEXT : SCHEMA_RICH_TEXT;
	for (int i = SCHEMA_OTHER + 1; i < SCHEMA_TYPE_N; i++)
		if (strcmp(schema_type_name((enum schema_type)i), name) == 0)
			return (enum schema_type)i;
	return SCHEMA_OTHER;
}

/* ---- measuring ---- */

struct size {
	size_t objects_n, fields_n, joins_n, values_n, text_n;
	bool two_kinds; /* of rich text */
};

static bool measure_field(const json_t *field, struct size *size)
{
	const char *type = text_of(field, "type");
	if (text_of(field, "name") == NULL || type == NULL)
		return false;
	size->two_kinds = size->two_kinds || strcmp(type, "RICH_TEXT_V2") == 0;
	if (!is_field(field))
		return true;
	char made[NAME_MAX_N + 3];
	const char *join = join_of(field, made);
	size->fields_n++;
	size->joins_n += *join != '\0';
	size->text_n += strlen(text_of(field, "name")) + 1 + strlen(join) + 1;
	const json_t *options = json_object_get(field, "options");
	if (json_array_size(options) > VALUES_MAX)
		return false;
	size_t i;
	json_t *option;
	json_array_foreach(options, i, option)
	{
		const char *value = value_of(option);
		size->values_n += value != NULL;
		size->text_n += value != NULL ? strlen(value) + 1 : 0;
	}
	return true;
}

static bool measure_object(const json_t *object, struct size *size)
{
	const json_t *fields = json_object_get(object, "fields");
	if (text_of(object, "nameSingular") == NULL || text_of(object, "namePlural") == NULL ||
		!json_is_array(fields) || json_array_size(fields) > FIELDS_MAX)
		return false;
	if (!is_object(object))
		return true;
	size->objects_n++;
	size->text_n += strlen(text_of(object, "nameSingular")) + 1;
	size->text_n += strlen(text_of(object, "namePlural")) + 1;
	size_t i;
	json_t *field;
	json_array_foreach(fields, i, field) if (!measure_field(field, size)) return false;
	return true;
}

static bool measure(const json_t *objects, struct size *size)
{
	if (!json_is_array(objects) || json_array_size(objects) > OBJECTS_MAX)
		return false;
	size_t i;
	json_t *object;
	json_array_foreach(objects, i, object) if (!measure_object(object, size)) return false;
	return true;
}

/* ---- filling ---- */

struct filling { /* where the next of each kind goes */
	struct schema_object *object;
	struct schema_field *field;
	const struct schema_field **join;
	const char **value;
	char *text;
	bool two_kinds;
};

static const char *put_text(struct filling *to, const char *text)
{
	size_t n = strlen(text) + 1;
	const char *at = memcpy(to->text, text, n);
	to->text += n;
	return at;
}

static void fill_field(struct filling *to, const json_t *field)
{
	char made[NAME_MAX_N + 3];
	const char *join = join_of(field, made);
	struct schema_field *f = to->field++;
	f->name = put_text(to, text_of(field, "name"));
	f->join = *join != '\0' ? put_text(to, join) : NULL;
	f->type = (unsigned char)type_of(field, to->two_kinds);
	f->active = !json_is_false(json_object_get(field, "isActive"));
	f->system = json_is_true(json_object_get(field, "isSystem"));
	f->unique = json_is_true(json_object_get(field, "isUnique"));
	f->values = to->value;
	size_t i;
	json_t *option;
	json_array_foreach(json_object_get(field, "options"), i, option)
	{
		const char *value = value_of(option);
		if (value != NULL)
			*to->value++ = put_text(to, value);
	}
	f->values_n = (unsigned short)(to->value - f->values);
}

/* Of two of one name, what came first (its text lies lower) sorts first, and stays. */
static int order(const char *a, const char *b)
{
	int c = strcmp(a, b);
	return c != 0 ? c : (a > b) - (a < b);
}

static int field_compare(const void *a, const void *b)
{
	return order(
		((const struct schema_field *)a)->name, ((const struct schema_field *)b)->name);
}

static int join_compare(const void *a, const void *b)
{
	return order((*(const struct schema_field *const *)a)->join,
		(*(const struct schema_field *const *)b)->join);
}

static void fill_object(struct filling *to, const json_t *object)
{
	struct schema_object *o = to->object++;
	struct schema_field *first = to->field;
	o->singular = put_text(to, text_of(object, "nameSingular"));
	o->plural = put_text(to, text_of(object, "namePlural"));
	o->active = !json_is_false(json_object_get(object, "isActive"));
	o->system = json_is_true(json_object_get(object, "isSystem"));
	size_t i;
	json_t *field;
	json_array_foreach(json_object_get(object, "fields"), i, field) if (is_field(field))
		fill_field(to, field);
	size_t n = (size_t)(to->field - first);
	qsort(first, n, sizeof(*first), field_compare);
	o->fields = first;
	for (size_t k = 0; k < n; k++)
		if (o->fields_n == 0 || strcmp(first[o->fields_n - 1].name, first[k].name) != 0)
			first[o->fields_n++] = first[k];
	const struct schema_field **joins = to->join;
	for (size_t k = 0; k < o->fields_n; k++)
		if (first[k].join != NULL)
			*to->join++ = &first[k];
	n = (size_t)(to->join - joins);
	qsort(joins, n, sizeof(struct schema_field *), join_compare);
	o->joins = joins;
	for (size_t k = 0; k < n; k++)
		if (o->joins_n == 0 || strcmp(joins[o->joins_n - 1]->join, joins[k]->join) != 0)
			joins[o->joins_n++] = joins[k];
}

static int plural_compare(const void *a, const void *b)
{
	return order((*(const struct schema_object *const *)a)->plural,
		(*(const struct schema_object *const *)b)->plural);
}

static int singular_compare(const void *a, const void *b)
{
	return order((*(const struct schema_object *const *)a)->singular,
		(*(const struct schema_object *const *)b)->singular);
}

static void index_objects(struct schema *schema, const struct schema_object *objects, size_t n)
{
	for (size_t i = 0; i < n; i++)
		schema->by_plural[i] = schema->by_singular[i] = &objects[i];
	const struct schema_object **p = schema->by_plural, **s = schema->by_singular;
	qsort(p, n, sizeof(struct schema_object *), plural_compare);
	qsort(s, n, sizeof(struct schema_object *), singular_compare);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(p[schema->plurals_n - 1]->plural, p[i]->plural) != 0)
			p[schema->plurals_n++] = p[i];
		if (i == 0 || strcmp(s[schema->singulars_n - 1]->singular, s[i]->singular) != 0)
			s[schema->singulars_n++] = s[i];
	}
}

enum rc schema_read(const json_t *body, struct schema **ret_schema, struct err *err)
{
	const json_t *objects = json_object_get(json_object_get(body, "data"), "objects");
	struct size size = {.objects_n = 0};
	if (!measure(objects, &size))
		return dialect_strange(err);
	/* from the widest to the narrowest, so that each stands where it may */
	size_t bytes = sizeof(struct schema) + size.objects_n * sizeof(struct schema_object) +
		       size.fields_n * sizeof(struct schema_field) +
		       (2 * size.objects_n + size.joins_n + size.values_n) * sizeof(void *) +
		       size.text_n;
	if (bytes > BYTES_MAX)
		return dialect_strange(err);
	struct schema *schema = calloc(1, bytes);
	if (schema == NULL)
		return err_set(err, RC_NOMEM, "no memory for the schema");
	struct schema_object *first = (void *)(schema + 1);
	struct filling to = {.object = first, .two_kinds = size.two_kinds};
	to.field = (void *)(first + size.objects_n);
	schema->bytes = bytes;
	schema->by_plural = (void *)(to.field + size.fields_n);
	schema->by_singular = schema->by_plural + size.objects_n;
	to.join = (void *)(schema->by_singular + size.objects_n);
	to.value = (void *)(to.join + size.joins_n);
	to.text = (void *)(to.value + size.values_n);
	size_t i;
	json_t *object;
	json_array_foreach(objects, i, object) if (is_object(object)) fill_object(&to, object);
	index_objects(schema, first, size.objects_n);
	*ret_schema = schema;
	return RC_OK;
}
