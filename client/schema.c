/* SPDX-License-Identifier: MIT */
/*
 * Looking things up in what a workspace says of itself.
 * From: name_own.c and the operations. To: nobody. Made by schema_read.c. Cannot fail; what is not
 * found may be there all the same, for the schema can be older than the workspace.
 */
#include "client/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "client/names.h"
#include "client/schema_body.h"

static const struct schema_part parts[] = {
	{SCHEMA_EMAILS, "primaryEmail", FIELD_EMAIL, true},
	{SCHEMA_EMAILS, "additionalEmails", FIELD_OTHER, false},
	{SCHEMA_PHONES, "primaryPhoneNumber", FIELD_TEXT, true},
	{SCHEMA_PHONES, "primaryPhoneCallingCode", FIELD_TEXT, false},
	{SCHEMA_PHONES, "primaryPhoneCountryCode", FIELD_TEXT, false},
	{SCHEMA_PHONES, "additionalPhones", FIELD_OTHER, false},
	{SCHEMA_LINKS, "primaryLinkUrl", FIELD_TEXT, true},
	{SCHEMA_LINKS, "primaryLinkLabel", FIELD_TEXT, false},
	{SCHEMA_LINKS, "secondaryLinks", FIELD_OTHER, false},
	{SCHEMA_FULL_NAME, "firstName", FIELD_TEXT, false},
	{SCHEMA_FULL_NAME, "lastName", FIELD_TEXT, false},
	{SCHEMA_ADDRESS, "addressStreet1", FIELD_TEXT, false},
	{SCHEMA_ADDRESS, "addressStreet2", FIELD_TEXT, false},
	{SCHEMA_ADDRESS, "addressCity", FIELD_TEXT, false},
	{SCHEMA_ADDRESS, "addressPostcode", FIELD_TEXT, false},
	{SCHEMA_ADDRESS, "addressState", FIELD_TEXT, false},
	{SCHEMA_ADDRESS, "addressCountry", FIELD_TEXT, false},
	{SCHEMA_ADDRESS, "addressLat", FIELD_NUMBER, false},
	{SCHEMA_ADDRESS, "addressLng", FIELD_NUMBER, false},
	{SCHEMA_CURRENCY, "amountMicros", FIELD_NUMBER, true},
	{SCHEMA_CURRENCY, "currencyCode", FIELD_TEXT, false},
	{SCHEMA_RICH_TEXT, "markdown", FIELD_TEXT, true},
	{SCHEMA_RICH_TEXT, "blocknote", FIELD_TEXT, false},
	{SCHEMA_ACTOR, "source", FIELD_CHOICE, false},
	{SCHEMA_ACTOR, "name", FIELD_TEXT, false},
	{SCHEMA_ACTOR, "workspaceMemberId", FIELD_ID, false},
	{SCHEMA_ACTOR, "context", FIELD_OTHER, false},
};

const struct schema_part *schema_part_next(enum schema_type whole, const struct schema_part *after)
{
	for (const struct schema_part *p = after != NULL ? after + 1 : parts;
		p < parts + ARRAY_N(parts); p++)
		if (p->whole == whole)
			return p;
	return NULL;
}

const char *schema_type_name(enum schema_type type)
{
	static const char *const names[] = {
#define X(code, name, field) [code] = name,
		SCHEMA_TYPES(X)
#undef X
	};
	return (unsigned)type < SCHEMA_TYPE_N ? names[type] : "";
}

size_t schema_bytes(const struct schema *schema)
{
	return schema != NULL ? schema->bytes : 0;
}

static int plural_compare(const void *name, const void *at)
{
	return strcmp(name, (*(const struct schema_object *const *)at)->plural);
}

static int singular_compare(const void *name, const void *at)
{
	return strcmp(name, (*(const struct schema_object *const *)at)->singular);
}

const struct schema_object *schema_object(const struct schema *schema, const char *name)
{
	if (schema == NULL)
		return NULL;
	const struct schema_object *const *at = bsearch(name, schema->by_plural, schema->plurals_n,
		sizeof(struct schema_object *), plural_compare);
	if (at == NULL)
		at = bsearch(name, schema->by_singular, schema->singulars_n,
			sizeof(struct schema_object *), singular_compare);
	return at != NULL && (*at)->active ? *at : NULL;
}

const struct schema_object *schema_object_at(const struct schema *schema, size_t i)
{
	return schema != NULL && i < schema->plurals_n ? schema->by_plural[i] : NULL;
}

static int name_compare(const void *name, const void *at)
{
	return strcmp(name, ((const struct schema_field *)at)->name);
}

static int join_compare(const void *name, const void *at)
{
	return strcmp(name, (*(const struct schema_field *const *)at)->join);
}

const struct schema_field *schema_field(const struct schema_object *object, const char *name)
{
	const struct schema_field *f = bsearch(
		name, object->fields, object->fields_n, sizeof(*object->fields), name_compare);
	return f != NULL && f->active ? f : NULL;
}

const struct schema_field *schema_field_join(const struct schema_object *object, const char *name)
{
	const struct schema_field *const *f = bsearch(
		name, object->joins, object->joins_n, sizeof(struct schema_field *), join_compare);
	return f != NULL && (*f)->active ? *f : NULL;
}

bool schema_names_unknown(const char *message)
{
	/* each as far as a name that differs: all its pieces must be there, in order */
	static const char *const forms[][3] = {
		{"Object ", " doesn't have any \"", "\" field"},
		{"Field \"", "\" does not exist", ""},
		{"Unidentified field in groupBy", "", ""},
		{"Unknown aggregate field", "", ""},
		{"object '", "' not found", ""},
		{"Cannot query field \"", "\" on type", ""},
	};
	for (size_t i = 0; message != NULL && i < ARRAY_N(forms); i++) {
		const char *at = message;
		for (size_t k = 0; k < 3 && at != NULL; k++) {
			at = strstr(at, forms[i][k]);
			at = at != NULL ? at + strlen(forms[i][k]) : NULL;
		}
		if (at != NULL)
			return true;
	}
	return false;
}

static bool put_nearest(const char *name, const char *const *words, const char *before,
	char *ret_text, size_t text_n)
{
	const char *near = conf_nearest(name, words);
	if (near == NULL || strcmp(near, name) == 0)
		return false;
	int n = snprintf(ret_text, text_n, "did you mean %s%s", before, near);
	return n > 0 && (size_t)n < text_n;
}

static bool suggest_object(
	const struct schema *schema, const char *name, char *ret_text, size_t text_n)
{
	const char **words = calloc(schema->plurals_n + 1, sizeof(*words));
	size_t n = 0;
	for (size_t i = 0; words != NULL && i < schema->plurals_n; i++)
		if (schema->by_plural[i]->active)
			words[n++] = schema->by_plural[i]->plural;
	bool found = words != NULL && put_nearest(name, words, "", ret_text, text_n);
	free(words);
	return found;
}

/* "emails.primaryMail": the parts of emails */
static bool suggest_part(
	const struct schema_field *f, const char *name, size_t top_n, char *ret_text, size_t text_n)
{
	const char *words[16];
	char before[FIELD_PATH_MAX];
	size_t n = 0;
	for (const struct schema_part *p = schema_part_next((enum schema_type)f->type, NULL);
		p != NULL && n + 1 < ARRAY_N(words);
		p = schema_part_next((enum schema_type)f->type, p))
		words[n++] = p->name;
	words[n] = NULL;
	snprintf(before, sizeof(before), "%.*s.", (int)top_n, name);
	return put_nearest(name + top_n + 1, words, before, ret_text, text_n);
}

/* The fields, the columns of relations and the short names that mean something to this object. */
static bool suggest_field(
	const struct schema_object *object, const char *name, char *ret_text, size_t text_n)
{
	size_t max = object->fields_n + object->joins_n + NAME_SHORT_MAX, n = 0;
	const char **words = calloc(max + 1, sizeof(*words));
	if (words == NULL)
		return false;
	for (size_t i = 0; i < object->fields_n; i++)
		if (object->fields[i].active)
			words[n++] = object->fields[i].name;
	for (size_t i = 0; i < object->joins_n; i++)
		if (object->joins[i]->active)
			words[n++] = object->joins[i]->join;
	n += name_shorts(object, words + n, max - n);
	words[n] = NULL;
	bool found = put_nearest(name, words, "", ret_text, text_n);
	free(words);
	return found;
}

bool schema_suggest(const struct schema *schema, const char *object, const char *name,
	char *ret_text, size_t text_n)
{
	const struct schema_object *o = schema_object(schema, object);
	if (name == NULL)
		return schema != NULL && o == NULL &&
		       suggest_object(schema, object, ret_text, text_n);
	if (o == NULL || strlen(name) >= FIELD_PATH_MAX)
		return false;
	char top[FIELD_PATH_MAX];
	size_t top_n = strcspn(name, ".");
	snprintf(top, sizeof(top), "%.*s", (int)top_n, name);
	const struct schema_field *f = schema_field(o, top);
	if (f != NULL)
		return name[top_n] == '.' && suggest_part(f, name, top_n, ret_text, text_n);
	return suggest_field(o, top, ret_text, text_n);
}
