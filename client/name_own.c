/* SPDX-License-Identifier: MIT */
/*
 * Which field a name means to an object whose fields are known: the rule of names.h.
 * From: fields.c. To: paths of a real server, and what kind of value stands there. Fails where a
 * short name fits several fields, for a guess could be written into the wrong one. What it hands
 * out is copied: the schema may be replaced while a call waits.
 */
#include <stdio.h>
#include <string.h>

#include "client/names.h"
#include "client/schema.h"

static const struct {
	const char *name;
	enum schema_type whole;
	const char *part;     /* NULL: the whole field, which has a type of its own */
	const char *standard; /* the field that is meant even where there are others */
} shorts[] = {
	{"email", SCHEMA_EMAILS, "primaryEmail", "emails"},
	{"phone", SCHEMA_PHONES, NULL, "phones"},
	{"firstName", SCHEMA_FULL_NAME, "firstName", "name"},
	{"lastName", SCHEMA_FULL_NAME, "lastName", "name"},
	{"domain", SCHEMA_LINKS, "primaryLinkUrl", "domainName"},
	{"street", SCHEMA_ADDRESS, "addressStreet1", "address"},
	{"street2", SCHEMA_ADDRESS, "addressStreet2", "address"},
	{"city", SCHEMA_ADDRESS, "addressCity", "address"},
	{"postcode", SCHEMA_ADDRESS, "addressPostcode", "address"},
	{"state", SCHEMA_ADDRESS, "addressState", "address"},
	{"country", SCHEMA_ADDRESS, "addressCountry", "address"},
	{"latitude", SCHEMA_ADDRESS, "addressLat", "address"},
	{"longitude", SCHEMA_ADDRESS, "addressLng", "address"},
};

static bool names_domain(const char *name)
{
	return strcasestr(name, "domain") != NULL || strcasestr(name, "website") != NULL;
}

static const struct schema_part *part_find(enum schema_type whole, const char *name)
{
	const struct schema_part *p = NULL;
	while ((p = schema_part_next(whole, p)) != NULL)
		if (strcmp(p->name, name) == 0)
			break;
	return p;
}

static enum field_type type_of(const struct schema_field *f)
{
	static const enum field_type types[] = {
#define X(code, name, field) [code] = field,
		SCHEMA_TYPES(X)
#undef X
	};
	return f->type == SCHEMA_LINKS && names_domain(f->name) ? FIELD_DOMAIN : types[f->type];
}

/* The field itself. */
static void take_whole(const struct schema_field *f, struct field *field)
{
	*field = (struct field){.type = type_of(f)};
	snprintf(field->path, sizeof(field->path), "%s", f->name);
	const struct schema_part *p = NULL;
	while ((p = schema_part_next((enum schema_type)f->type, p)) != NULL)
		if (p->main)
			snprintf(field->plain, sizeof(field->plain), "%s.%s", f->name, p->name);
	if (f->join == NULL)
		return;
	field->type = FIELD_ID;
	snprintf(field->plain, sizeof(field->plain), "%s", f->join);
}

static void take_part(
	const struct schema_field *f, const char *part, enum field_type type, struct field *field)
{
	*field = (struct field){.type = type};
	snprintf(field->path, sizeof(field->path), "%s.%s", f->name, part);
}

/* A name or a path that is written out. A part that the field does not have is the server's to
 * refuse; what is behind a relation belongs to another object. */
static bool take_path(const struct schema_object *object, const char *name, struct field *field)
{
	char top[FIELD_PATH_MAX];
	size_t top_n = strcspn(name, ".");
	snprintf(top, sizeof(top), "%.*s", (int)top_n, name);
	const struct schema_field *f = schema_field(object, top);
	if (f != NULL && name[top_n] == '\0') {
		take_whole(f, field);
		return true;
	}
	if (f != NULL) {
		const struct schema_part *p =
			part_find((enum schema_type)f->type, name + top_n + 1);
		if (p != NULL)
			take_part(f, p->name, p->type, field);
		return p != NULL;
	}
	if (name[top_n] == '.' || schema_field_join(object, name) == NULL)
		return false;
	*field = (struct field){.type = FIELD_ID};
	snprintf(field->path, sizeof(field->path), "%s", name);
	return true;
}

/* What the table of standard fields says, as far as this workspace has it. */
static bool take_standard(const struct schema_object *object, const char *name, struct field *field)
{
	for (const struct name *n = name_next(object->plural, NULL); n != NULL;
		n = name_next(object->plural, n)) {
		if (strcmp(n->name, name) != 0 || !take_path(object, n->path, field))
			continue;
		if (n->type == FIELD_DOMAIN)
			field->type = FIELD_DOMAIN;
		return true;
	}
	return false;
}

struct fitting {
	const struct schema_field *first, *second;
	size_t n;
};

static void find_fitting(const struct schema_object *object, size_t i, struct fitting *fit)
{
	*fit = (struct fitting){.n = 0};
	for (size_t k = 0; k < object->fields_n; k++) {
		const struct schema_field *f = &object->fields[k];
		if (f->type != shorts[i].whole || !f->active)
			continue;
		if (shorts[i].whole == SCHEMA_LINKS && !names_domain(f->name))
			continue;
		if (strcmp(f->name, shorts[i].standard) == 0) {
			*fit = (struct fitting){f, NULL, 1};
			return;
		}
		if (fit->n == 0)
			fit->first = f;
		else if (fit->n == 1)
			fit->second = f;
		fit->n++;
	}
}

static enum rc refuse(const struct fitting *fit, size_t i, struct err *err)
{
	const char *part = shorts[i].part;
	return err_set(err, RC_INVALID, "%s: could be %s%s or %s; write %s%s%s", shorts[i].name,
		fit->first->name, fit->n > 2 ? ", another" : "", fit->second->name,
		fit->first->name, part != NULL ? "." : "", part != NULL ? part : "");
}

static enum rc take_short(const struct schema_object *object, const char *name, struct field *field,
	bool *ret_taken, struct err *err)
{
	for (size_t i = 0; i < ARRAY_N(shorts); i++) {
		struct fitting fit;
		if (strcmp(shorts[i].name, name) != 0)
			continue;
		find_fitting(object, i, &fit);
		if (fit.n > 1)
			return refuse(&fit, i, err);
		*ret_taken = fit.n == 1;
		if (fit.n == 0)
			return RC_OK;
		if (shorts[i].part == NULL) {
			take_whole(fit.first, field);
			return RC_OK;
		}
		const struct schema_part *p = part_find(shorts[i].whole, shorts[i].part);
		take_part(fit.first, p->name,
			shorts[i].whole == SCHEMA_LINKS ? FIELD_DOMAIN : p->type, field);
		return RC_OK;
	}
	return RC_OK;
}

/* linkedin -> linkedinLink, body -> bodyV2 */
static bool take_ending(const struct schema_object *object, const char *name, struct field *field)
{
	static const struct {
		const char *ending;
		enum schema_type whole;
	} endings[] = {{"Link", SCHEMA_LINKS}, {"V2", SCHEMA_RICH_TEXT}};
	for (size_t i = 0; i < ARRAY_N(endings); i++) {
		char whole[FIELD_PATH_MAX + 8];
		snprintf(whole, sizeof(whole), "%s%s", name, endings[i].ending);
		const struct schema_field *f = schema_field(object, whole);
		if (f == NULL || f->type != endings[i].whole)
			continue;
		take_whole(f, field);
		field_single(field);
		return true;
	}
	return false;
}

enum rc name_own(const struct schema_object *object, const char *name, struct field *ret_field,
	bool *ret_known, struct err *err)
{
	struct field field;
	bool known = take_path(object, name, &field) || take_standard(object, name, &field);
	enum rc rc = RC_OK;
	if (!known)
		rc = take_short(object, name, &field, &known, err);
	if (rc == RC_OK && !known)
		known = take_ending(object, name, &field);
	if (rc != RC_OK)
		return rc;
	*ret_known = known;
	if (known)
		*ret_field = field;
	return RC_OK;
}

size_t name_shorts(const struct schema_object *object, const char **ret_names, size_t max)
{
	size_t n = 0;
	for (const struct name *e = name_next(object->plural, NULL); e != NULL && n < max;
		e = name_next(object->plural, e)) {
		struct field field;
		if (take_standard(object, e->name, &field))
			ret_names[n++] = e->name;
	}
	for (size_t i = 0; i < ARRAY_N(shorts) && n < max; i++) {
		struct fitting fit;
		find_fitting(object, i, &fit);
		if (fit.n == 1)
			ret_names[n++] = shorts[i].name;
	}
	return n;
}
