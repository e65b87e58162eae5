/* SPDX-License-Identifier: MIT */
/*
 * Translates records between the two dialects: data in names[] says what is called what.
 * From: docs.c, docs_query.c, world.c (webhook bodies). Fails on input with a sentence that names
 * the field. Nothing empty is shown as "": the documentation's filters speak of null.
 */
#include "tests/twin/docs_record.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tests/twin/store.h"
#include "tests/twin/value.h"

static const struct {
	const char *flat, *field, *sub;
} names[] = {{"firstName", "name", "firstName"}, {"lastName", "name", "lastName"},
	{"email", "emails", "primaryEmail"}, {"phone", "phones", "primaryPhoneNumber"},
	{"website", "domainName", "primaryLinkUrl"}, {"linkedin", "linkedinLink", "primaryLinkUrl"},
	{"body", "bodyV2", "markdown"}};

/* The part that stands for the whole of a composite whose field keeps its own name. */
static const char *main_sub(enum field_type type)
{
	switch (type) {
	case FT_EMAILS:
		return "primaryEmail";
	case FT_PHONES:
		return "primaryPhoneNumber";
	case FT_LINKS:
		return "primaryLinkUrl";
	case FT_CURRENCY:
		return "amountMicros";
	case FT_RICH_TEXT:
		return "markdown";
	default:
		return NULL; /* shown as it is */
	}
}

static bool hidden(const struct field *f)
{
	return f->type == FT_TS_VECTOR || (f->flags & FF_MANY) != 0;
}

struct docs_name docs_name_find(const struct object *o, const char *flat)
{
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		if (strcmp(names[i].flat, flat) != 0)
			continue;
		const struct field *f = schema_field(o, names[i].field);
		if (f != NULL && value_sub(f->type, names[i].sub) != NULL)
			return (struct docs_name){f, names[i].sub};
	}
	const struct field *f = schema_field(o, flat);
	if (f == NULL || hidden(f))
		return (struct docs_name){NULL, NULL};
	const char *sub = main_sub(f->type);
	const char *shown = docs_name_flat(o, f, sub);
	if (shown == NULL || strcmp(shown, flat) != 0)
		return (struct docs_name){NULL, NULL}; /* it goes by another name */
	return (struct docs_name){f, sub};
}

const char *docs_name_flat(const struct object *o, const struct field *f, const char *sub)
{
	(void)o;
	for (size_t i = 0; sub != NULL && i < ARRAY_N(names); i++) {
		if (strcmp(names[i].field, f->name) == 0 && strcmp(names[i].sub, sub) == 0)
			return names[i].flat;
	}
	if (hidden(f))
		return NULL;
	const char *main = main_sub(f->type);
	if (main == NULL && strcmp(f->name, "name") == 0 && f->type == FT_FULL_NAME)
		return NULL;
	return sub == main || (sub != NULL && main != NULL && strcmp(sub, main) == 0) ? f->name
										      : NULL;
}

static json_t *text_or_null(const char *text)
{
	return text != NULL && *text != '\0' ? json_string(text) : json_null();
}

static json_t *show_phone(const json_t *value)
{
	const char *number = json_string_value(json_object_get(value, "primaryPhoneNumber"));
	const char *code = json_string_value(json_object_get(value, "primaryPhoneCallingCode"));
	char text[128];
	if (number == NULL || *number == '\0')
		return json_null();
	snprintf(text, sizeof(text), "%s%s", number[0] != '+' && code != NULL ? code : "", number);
	return json_string(text);
}

static json_t *show_money(const json_t *value)
{
	const json_t *micros = json_object_get(value, "amountMicros");
	if (!json_is_number(micros))
		return json_null();
	double units = json_number_value(micros) / 1e6;
	return units == floor(units) && fabs(units) < 9e15 ? json_integer((json_int_t)units)
							   : json_real(units);
}

/* {id, name} of the related record. */
static json_t *show_relation(const struct world *w, const struct field *f, const json_t *rec)
{
	const struct object *target = schema_find_singular(&w->schema, f->target);
	const char *id = json_string_value(json_object_get(rec, f->join));
	const struct row *row = target != NULL && id != NULL ? table_find(target->table, id) : NULL;
	if (row == NULL || row->deleted)
		return json_null();
	const json_t *name = json_object_get(row->rec, "name");
	if (name == NULL)
		name = json_object_get(row->rec, "title");
	char text[512] = "";
	if (json_is_object(name)) {
		const char *first = json_string_value(json_object_get(name, "firstName"));
		const char *last = json_string_value(json_object_get(name, "lastName"));
		snprintf(text, sizeof(text), "%s%s%s", first != NULL ? first : "",
			first != NULL && *first != '\0' ? " " : "", last != NULL ? last : "");
	} else if (json_is_string(name)) {
		snprintf(text, sizeof(text), "%s", json_string_value(name));
	}
	return json_pack("{s:s,s:o}", "id", id, "name", text_or_null(text));
}

static json_t *show_value(const struct world *w, const struct field *f, const json_t *rec)
{
	if (f->join != NULL)
		return show_relation(w, f, rec);
	json_t *value = json_object_get(rec, f->name);
	switch (f->type) {
	case FT_PHONES:
		return show_phone(value);
	case FT_CURRENCY:
		return show_money(value);
	default:
		break; /* below */
	}
	const char *sub = main_sub(f->type);
	if (sub != NULL)
		return text_or_null(json_string_value(json_object_get(value, sub)));
	if (json_is_string(value))
		return text_or_null(json_string_value(value));
	return json_incref(value);
}

static bool wanted(const json_t *fields, const char *name)
{
	if (fields == NULL)
		return true;
	size_t i;
	json_t *e;
	json_array_foreach((json_t *)(uintptr_t)fields, i, e)
	{
		if (strcmp(json_string_value(e), name) == 0)
			return true;
	}
	return false;
}

json_t *docs_record(
	const struct world *w, const struct object *o, const json_t *rec, const json_t *fields)
{
	json_t *flat = json_object();
	for (size_t i = 0; flat != NULL && i < o->field_n; i++) {
		const struct field *f = &o->fields[i];
		if (hidden(f))
			continue;
		if (f->type == FT_FULL_NAME && strcmp(f->name, "name") == 0) {
			static const char *const parts[] = {"firstName", "lastName"};
			const json_t *name = json_object_get(rec, "name");
			for (size_t k = 0; k < ARRAY_N(parts); k++) {
				const json_t *v = json_object_get(name, parts[k]);
				if (wanted(fields, parts[k]))
					json_object_set_new(
						flat, parts[k], text_or_null(json_string_value(v)));
			}
			continue;
		}
		const char *name = docs_name_flat(o, f, main_sub(f->type));
		bool alive = strcmp(f->name, "deletedAt") == 0 &&
			     json_is_null(json_object_get(rec, "deletedAt"));
		if (name != NULL && wanted(fields, name) && (!alive || fields != NULL))
			json_object_set_new(flat, name, show_value(w, f, rec));
	}
	return flat;
}

static bool fail_field(struct fail *fail, const char *name, const char *text)
{
	snprintf(fail->field, sizeof(fail->field), "%s", name);
	return fail_bad(fail, "%s", text);
}

static bool input_relation(
	const struct field *f, const char *flat, const json_t *in, json_t *core, struct fail *fail)
{
	json_t *connect = json_object_get(in, "connect");
	if (json_is_null(in) || json_is_true(json_object_get(in, "disconnect")))
		return json_object_set_new(core, f->join, json_null()) == 0;
	if (json_is_string(connect))
		return json_object_set(core, f->join, connect) == 0;
	return fail_field(fail, flat, "A relation is written as {\"connect\": \"record-id\"}");
}

static bool input_part(const struct docs_name *n, const char *flat, const json_t *in, json_t *core,
	struct fail *fail)
{
	json_t *value = json_incref((json_t *)(uintptr_t)in);
	if (n->field->type == FT_CURRENCY && !json_is_null(in)) {
		json_decref(value);
		if (!json_is_number(in))
			return fail_field(fail, flat, "An amount is written as a plain number");
		value = json_real(round(json_number_value(in) * 1e6));
	}
	json_t *whole = json_object_get(core, n->field->name);
	if (whole == NULL) {
		whole = json_object();
		json_object_set_new(core, n->field->name, whole);
	}
	json_object_set_new(whole, n->sub, value);
	if (n->field->type ==
		FT_PHONES) { /* value.c takes the codes from the number, or there are none */
		json_object_set_new(whole, "primaryPhoneCallingCode", json_null());
		json_object_set_new(whole, "primaryPhoneCountryCode", json_null());
	}
	return true;
}

static bool input_key(
	const struct object *o, const char *flat, const json_t *in, json_t *core, struct fail *fail)
{
	struct docs_name n = docs_name_find(o, flat);
	if (n.field == NULL) {
		char text[160];
		snprintf(text, sizeof(text), "Unknown field \"%.100s\"", flat);
		return fail_field(fail, flat, text);
	}
	if (n.field->join != NULL)
		return input_relation(n.field, flat, in, core, fail);
	if (n.sub != NULL)
		return input_part(&n, flat, in, core, fail);
	return json_object_set(core, n.field->name, (json_t *)(uintptr_t)in) == 0;
}

bool docs_input(const struct object *o, const json_t *flat, json_t **ret, struct fail *fail)
{
	if (!json_is_object(flat))
		return fail_bad(fail, "Validation failed");
	json_t *core = json_object();
	json_t *object = (json_t *)(uintptr_t)flat;
	for (void *it = json_object_iter(object); it != NULL;
		it = json_object_iter_next(object, it)) {
		if (!input_key(
			    o, json_object_iter_key(it), json_object_iter_value(it), core, fail)) {
			json_decref(core);
			return false;
		}
	}
	*ret = core;
	return true;
}
