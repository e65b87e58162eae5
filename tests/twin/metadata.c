/* SPDX-License-Identifier: MIT */
/*
 * /rest/metadata: objects and fields, listed and made. Not limited by the budget.
 * From: app.c. To: schema.c. Fails with a sentence; ids of fields are made up from their names, so
 * that they are the same in every run.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/twin/call.h"

static json_t *show_options(const struct field *f)
{
	json_t *list = json_array();
	size_t i;
	json_t *option;
	json_array_foreach(f->options, i, option)
	{
		char text[160], id[IDENT_N];
		snprintf(text, sizeof(text), "%s.%s", f->id,
			json_string_value(json_object_get(option, "value")));
		ident_of(text, id);
		json_t *o = json_pack("{s:s}", "id", id);
		json_object_update(o, option);
		json_object_set_new(o, "position", json_integer((json_int_t)i));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *show_settings(const struct field *f)
{
	if (f->settings != NULL)
		return json_incref(f->settings);
	if (f->type == FT_DATE_TIME)
		return json_pack("{s:s}", "displayFormat", "RELATIVE");
	if (f->target == NULL)
		return NULL;
	if (f->join == NULL)
		return json_pack("{s:s}", "relationType", "ONE_TO_MANY");
	return json_pack("{s:s,s:s,s:s}", "onDelete", f->flags & FF_CAS ? "CASCADE" : "SET_NULL",
		"relationType", "MANY_TO_ONE", "joinColumnName", f->join);
}

static void set_optional(json_t *o, const char *key, json_t *value)
{
	if (value != NULL)
		json_object_set_new(o, key, value);
}

static json_t *show_field(const struct object *o, const struct field *f)
{
	char at[CLOCK_TEXT_N];
	clock_format(f->created_ms, at);
	json_t *j = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:b,s:b,s:b,s:b}", "id",
		f->id, "universalIdentifier", f->id, "applicationId", APPLICATION_ID, "type",
		field_type_name(f->type), "name", f->name, "label", f->label, "description",
		f->label, "icon", "IconTag", "isActive", 1, "isSystem", (f->flags & FF_SYS) != 0,
		"isUIEditable", (f->flags & FF_EDI) != 0, "isUIReadOnly", (f->flags & FF_RDO) != 0,
		"isNullable", (f->flags & FF_NUL) != 0, "isUnique", (f->flags & FF_UNI) != 0);
	if (f->dflt != NULL)
		json_object_set(j, "defaultValue", f->dflt);
	if (f->options != NULL)
		json_object_set_new(j, "options", show_options(f));
	set_optional(j, "settings", show_settings(f));
	if (f->type == FT_MORPH) {
		char text[160], morph[IDENT_N];
		snprintf(text, sizeof(text), "%s.morph", o->singular);
		ident_of(text, morph);
		json_object_set_new(j, "morphId", json_string(morph));
	}
	json_object_set_new(j, "workspaceId", json_string(WORKSPACE_ID));
	json_object_set_new(j, "objectMetadataId", json_string(o->id));
	json_object_set_new(j, "isLabelSyncedWithName", json_false());
	json_object_set_new(j, "createdAt", json_string(at));
	json_object_set_new(j, "updatedAt", json_string(at));
	return j;
}

/* [["nameFirstName","nameLastName"],..] */
static json_t *show_criteria(const struct object *o)
{
	json_t *all = json_array();
	for (const char *c = o->criteria; *c != '\0';) {
		json_t *one = json_array();
		size_t n = strcspn(c, "|");
		for (const char *end = c + n; c < end;) {
			char flat[96] = "";
			size_t part = strcspn(c, "+|"), k = 0;
			for (size_t i = 0; i < part && k < sizeof(flat) - 1; i++) {
				if (c[i] == '.')
					continue;
				bool up = i > 0 && c[i - 1] == '.';
				flat[k++] = up ? (char)toupper((unsigned char)c[i]) : c[i];
			}
			json_array_append_new(one, json_stringn(flat, k));
			c += part + (c + part < end);
		}
		json_array_append_new(all, one);
		c += *c == '|';
	}
	return all;
}

static json_t *show_object(const struct object *o)
{
	char at[CLOCK_TEXT_N];
	clock_format(o->created_ms, at);
	const struct field *label = schema_field(o, "name");
	if (label == NULL)
		label = schema_field(o, "title");
	if (label == NULL)
		label = schema_field(o, "id");
	json_t *j = json_pack(
		"{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:b,"
		"s:s,s:s}",
		"id", o->id, "universalIdentifier", o->id, "applicationId", APPLICATION_ID,
		"nameSingular", o->singular, "namePlural", o->plural, "labelSingular", o->label,
		"labelPlural", o->labels, "description", o->label, "icon", "IconTag", "isRemote", 0,
		"isActive", 1, "isSystem", (o->flags & OF_SYSTEM) != 0, "isUIEditable",
		(o->flags & OF_EDITABLE) != 0, "isUICreatable", (o->flags & OF_CREATABLE) != 0,
		"isUIReadOnly", (o->flags & OF_READONLY) != 0, "isSearchable",
		(o->flags & OF_SEARCHABLE) != 0, "isLabelSyncedWithName", 0, "workspaceId",
		WORKSPACE_ID, "labelIdentifierFieldMetadataId", label->id);
	set_optional(j, "shortcut", o->shortcut != NULL ? json_string(o->shortcut) : NULL);
	set_optional(j, "duplicateCriteria", o->criteria != NULL ? show_criteria(o) : NULL);
	json_object_set_new(j, "createdAt", json_string(at));
	json_object_set_new(j, "updatedAt", json_string(at));
	json_t *fields = json_array();
	for (size_t i = 0; i < o->field_n; i++)
		json_array_append_new(fields, show_field(o, &o->fields[i]));
	json_object_set_new(j, "fields", fields);
	return j;
}

/* A real server lists by id, the greatest first. */
static int id_compare(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;
	return strcmp(json_string_value(json_object_get(*y, "id")),
		json_string_value(json_object_get(*x, "id")));
}

/* TAKES list; GIVES it in order. */
static json_t *list_sort(json_t *list)
{
	size_t n = json_array_size(list);
	json_t **all = malloc((n + 1) * sizeof(json_t *)), *sorted = json_array();
	for (size_t i = 0; all != NULL && i < n; i++)
		all[i] = json_array_get(list, i);
	if (all != NULL)
		qsort(all, n, sizeof(json_t *), id_compare);
	for (size_t i = 0; all != NULL && i < n; i++)
		json_array_append(sorted, all[i]);
	free(all);
	json_decref(list);
	return sorted;
}

/* Cuts the page that starting_after, ending_before and limit ask for. TAKES list. */
static void answer_page(struct call *c, const char *name, json_t *list)
{
	list = list_sort(list);
	size_t limit = 0, n = json_array_size(list), from = 0;
	struct fail fail = {0};
	const char *after = query_find(&c->query, "starting_after");
	if (!call_limit(c, n, n, &limit, &fail)) {
		json_decref(list);
		answer_fail(c, &fail);
		return;
	}
	for (size_t i = 0; after != NULL && i < n; i++) {
		const json_t *id = json_object_get(json_array_get(list, i), "id");
		if (strcmp(json_string_value(id), after) == 0)
			from = i + 1;
	}
	json_t *page = json_array();
	for (size_t i = from; i < n && i - from < limit; i++)
		json_array_append(page, json_array_get(list, i));
	size_t page_n = json_array_size(page);
	json_t *none = json_null();
	json_t *first = page_n != 0 ? json_object_get(json_array_get(page, 0), "id") : none;
	json_t *last = page_n != 0 ? json_object_get(json_array_get(page, page_n - 1), "id") : none;
	json_t *body = json_pack("{s:{s:O},s:{s:b,s:O,s:O},s:I}", "data", name, page, "pageInfo",
		"hasNextPage", from + page_n < n, "startCursor", first, "endCursor", last,
		"totalCount", (json_int_t)n);
	json_decref(page);
	json_decref(list);
	answer_json(c, 200, body);
}

static bool name_valid(const char *name)
{
	if (name == NULL || !islower((unsigned char)name[0]) || strlen(name) > 60)
		return false;
	for (const char *p = name; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p))
			return false;
	}
	return true;
}

static const char *text_of(const json_t *input, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(input, key));
	return text != NULL ? text : fallback;
}

/* What a metadata event carries; also the answer to the create. */
static json_t *show_created_object(const struct object *o, const json_t *input)
{
	char at[CLOCK_TEXT_N];
	clock_format(o->created_ms, at);
	json_t *j = json_pack("{s:n,s:s?,s:s?,s:b,s:b,s:s,s:s,s:s,s:s,s:s,s:n}", "color",
		"description", text_of(input, "description", NULL), "icon",
		text_of(input, "icon", NULL), "isActive", 1, "isLabelSyncedWithName", 0,
		"labelPlural", o->labels, "labelSingular", o->label, "namePlural", o->plural,
		"nameSingular", o->singular, "labelIdentifierFieldMetadataId",
		schema_field(o, "name")->id, "overrides");
	json_t *rest =
		json_pack("{s:b,s:b,s:b,s:b,s:b,s:b,s:n,s:n,s:n,s:s,s:s,s:s,s:s,s:s,s:s,s:s}",
			"isRemote", 0, "isSystem", 0, "isUIEditable", 1, "isUICreatable", 1,
			"isAuditLogged", 1, "isSearchable", 1, "duplicateCriteria", "shortcut",
			"imageIdentifierFieldMetadataId", "targetTableName", "DEPRECATED",
			"createdAt", at, "updatedAt", at, "id", o->id, "workspaceId", WORKSPACE_ID,
			"applicationId", APPLICATION_ID, "universalIdentifier", o->id);
	json_object_update(j, rest);
	json_decref(rest);
	return j;
}

static bool create_object(struct call *c, struct fail *fail)
{
	const char *singular = text_of(c->input, "nameSingular", NULL);
	const char *plural = text_of(c->input, "namePlural", NULL);
	if (!name_valid(singular) || !name_valid(plural) || strcmp(singular, plural) == 0)
		return fail_with(fail, 400, "WorkspaceMigrationBuilderException", NULL,
			"Multiple validation errors occurred while creating object");
	struct object *o = schema_object_new(&c->world->schema, singular, plural,
		text_of(c->input, "labelSingular", singular),
		text_of(c->input, "labelPlural", plural), c->world->now_ms);
	if (o == NULL)
		return fail_with(fail, 400, "WorkspaceMigrationBuilderException", NULL,
			"Multiple validation errors occurred while creating object");
	json_t *shown = show_created_object(o, c->input);
	world_emit_metadata(c->world, "objectMetadata", o->id, shown);
	answer_json(c, 201, json_pack("{s:{s:o}}", "data", "createOneObject", shown));
	return true;
}

/* [{value,label,color}] to the table's VALUE:Label:colour|.. */
static void options_text(const json_t *options, char *text, size_t text_n)
{
	size_t i, n = 0;
	json_t *o;
	text[0] = '\0';
	json_array_foreach((json_t *)(uintptr_t)options, i, o) n += (size_t)snprintf(text + n,
		n < text_n ? text_n - n : 0, "%s%s:%s:%s", i != 0 ? "|" : "",
		text_of(o, "value", ""), text_of(o, "label", ""), text_of(o, "color", "gray"));
}

static json_t *show_created_field(const struct object *o, const struct field *f)
{
	char at[CLOCK_TEXT_N];
	clock_format(f->created_ms, at);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:O?,s:b,s:b,s:b,s:b,s:b,s:o?,s:s,s:s,s:b,"
			 "s:b,s:s}",
		"id", f->id, "universalIdentifier", f->id, "label", f->label, "name", f->name,
		"objectMetadataId", o->id, "type", field_type_name(f->type), "workspaceId",
		WORKSPACE_ID, "defaultValue", f->dflt, "isActive", 1, "isLabelSyncedWithName", 0,
		"isSystem", 0, "isUIEditable", 1, "isUIReadOnly", 0, "options",
		f->options != NULL ? show_options(f) : NULL, "createdAt", at, "updatedAt", at,
		"isNullable", (f->flags & FF_NUL) != 0, "isUnique", (f->flags & FF_UNI) != 0,
		"applicationId", APPLICATION_ID);
}

static bool create_field(struct call *c, struct fail *fail)
{
	struct object *o =
		schema_find_id(&c->world->schema, text_of(c->input, "objectMetadataId", ""));
	const char *name = text_of(c->input, "name", NULL);
	enum field_type type = field_type_find(text_of(c->input, "type", ""));
	bool simple = type != FT_N && type != FT_RELATION && type != FT_MORPH;
	if (o == NULL || !name_valid(name) || !simple || schema_field(o, name) != NULL)
		return fail_with(fail, 400, "WorkspaceMigrationBuilderException", NULL,
			"Multiple validation errors occurred while creating fields");
	char options[4096];
	options_text(json_object_get(c->input, "options"), options, sizeof(options));
	const struct field_def def = {.name = name,
		.type = type,
		.flags = FF_NUL | FF_EDI |
			 (json_is_true(json_object_get(c->input, "isUnique")) ? FF_UNI : 0u),
		.label = text_of(c->input, "label", name),
		.options = options[0] != '\0' ? options : NULL};
	struct field *f = schema_field_new(o, &def, c->world->now_ms);
	if (f == NULL)
		return fail_nomem(fail);
	json_t *shown = show_created_field(o, f);
	world_emit_metadata(c->world, "fieldMetadata", f->id, shown);
	answer_json(c, 201, json_pack("{s:{s:o}}", "data", "createOneField", shown));
	return true;
}

static bool objects_answer(struct call *c, const char *id, struct fail *fail)
{
	const struct schema *s = &c->world->schema;
	if (strcmp(c->method, "POST") == 0)
		return create_object(c, fail);
	if (*id != '\0') {
		const struct object *o = schema_find_id(s, id);
		if (o == NULL)
			return fail_with(fail, 404, "NotFoundException", NULL, "Object not found");
		answer_data(c, 200, "", "object", show_object(o));
		return true;
	}
	json_t *list = json_array();
	for (size_t i = 0; i < s->object_n; i++)
		json_array_append_new(list, show_object(s->objects[i]));
	answer_page(c, "objects", list);
	return true;
}

static bool fields_answer(struct call *c, const char *id, struct fail *fail)
{
	const struct schema *s = &c->world->schema;
	if (strcmp(c->method, "POST") == 0)
		return create_field(c, fail);
	json_t *list = json_array();
	for (size_t i = 0; i < s->object_n; i++) {
		const struct object *o = s->objects[i];
		for (size_t k = 0; k < o->field_n; k++) {
			if (*id == '\0' || strcmp(o->fields[k].id, id) == 0)
				json_array_append_new(list, show_field(o, &o->fields[k]));
		}
	}
	if (*id == '\0') {
		answer_page(c, "fields", list);
		return true;
	}
	json_t *one = json_incref(json_array_get(list, 0));
	json_decref(list);
	if (one == NULL)
		return fail_with(fail, 404, "NotFoundException", NULL, "Field not found");
	answer_data(c, 200, "", "field", one);
	return true;
}

void metadata_answer(struct call *c, const char *path)
{
	struct fail fail = {0};
	const char *slash = strchr(path, '/'), *id = slash != NULL ? slash + 1 : "";
	size_t n = strcspn(path, "/");
	bool ok;
	if (c->read_only)
		ok = fail_with(&fail, 403, "Error", "PERMISSION_DENIED",
			"Entity performing the request does not have permission");
	else if (n == 7 && strncmp(path, "objects", n) == 0)
		ok = objects_answer(c, id, &fail);
	else if (n == 6 && strncmp(path, "fields", n) == 0)
		ok = fields_answer(c, id, &fail);
	else
		ok = fail_bad(&fail, "'%s' is not a known metadata object", path);
	if (!ok)
		answer_fail(c, &fail);
}
