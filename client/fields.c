/* SPDX-License-Identifier: MIT */
/*
 * Which field a name means.
 * From: where.c and the operations. To: paths of a real server. What the workspace says of its own
 * fields comes first (name_own.c). Without that, standard fields are known by the table below,
 * others by the ending of their name. A name that is unknown is taken as it is, for workspaces have
 * fields of their own. Fails for texts that are no names at all: they would become part of a query.
 */
#include "client/fields.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "client/names.h"
#include "client/schema.h"

static const struct name names[] = {
	{"people", "email", "emails.primaryEmail", "email", FIELD_EMAIL},
	{"people", "phone", "phones", "phone", FIELD_PHONE},
	{"people", "firstName", "name.firstName", "firstName", FIELD_TEXT},
	{"people", "lastName", "name.lastName", "lastName", FIELD_TEXT},
	{"people", "linkedin", "linkedinLink.primaryLinkUrl", "linkedin", FIELD_TEXT},
	{"people", "jobTitle", "jobTitle", NULL, FIELD_TEXT},
	{"people", "city", "city", NULL, FIELD_TEXT},
	{"people", "avatarUrl", "avatarUrl", NULL, FIELD_TEXT},
	{"people", "intro", "intro", NULL, FIELD_TEXT},
	{"people", "workPreference", "workPreference", NULL, FIELD_LIST},
	{"companies", "domain", "domainName.primaryLinkUrl", "website", FIELD_DOMAIN},
	{"companies", "name", "name", NULL, FIELD_TEXT},
	{"companies", "linkedin", "linkedinLink.primaryLinkUrl", "linkedin", FIELD_TEXT},
	{"companies", "employees", "employees", NULL, FIELD_NUMBER},
	{"companies", "tagline", "tagline", NULL, FIELD_TEXT},
	{"companies", "annualRevenue", "annualRevenue", "annualRevenue", FIELD_MONEY},
	{"companies", "workPolicy", "workPolicy", NULL, FIELD_LIST},
	{"opportunities", "name", "name", NULL, FIELD_TEXT},
	{"opportunities", "amount", "amount", "amount", FIELD_MONEY},
	{"tasks", "title", "title", NULL, FIELD_TEXT},
	{"tasks", "body", "bodyV2.markdown", "body", FIELD_TEXT},
	{"notes", "title", "title", NULL, FIELD_TEXT},
	{"notes", "body", "bodyV2.markdown", "body", FIELD_TEXT},
	{"workspaceMembers", "firstName", "name.firstName", "firstName", FIELD_TEXT},
	{"workspaceMembers", "lastName", "name.lastName", "lastName", FIELD_TEXT},
	{"workspaceMembers", "email", "userEmail", NULL, FIELD_TEXT},
};

/* Known by the end of their path, in every object. */
static const struct {
	const char *ending;
	enum field_type type;
} endings[] = {
	{".primaryEmail", FIELD_EMAIL},
	{".firstName", FIELD_TEXT},
	{".lastName", FIELD_TEXT},
	{".primaryLinkUrl", FIELD_TEXT},
	{".primaryLinkLabel", FIELD_TEXT},
	{".primaryPhoneNumber", FIELD_TEXT},
	{".primaryPhoneCallingCode", FIELD_TEXT},
	{".primaryPhoneCountryCode", FIELD_TEXT},
	{".addressCity", FIELD_TEXT},
	{".addressCountry", FIELD_TEXT},
	{".addressPostcode", FIELD_TEXT},
	{".addressState", FIELD_TEXT},
	{".addressStreet1", FIELD_TEXT},
	{".addressStreet2", FIELD_TEXT},
	{".markdown", FIELD_TEXT},
	{".currencyCode", FIELD_TEXT},
	{".amountMicros", FIELD_NUMBER},
	{"position", FIELD_NUMBER},
	{"Id", FIELD_ID},
	{".id", FIELD_ID},
	{"At", FIELD_DATE},
	{"Date", FIELD_DATE},
};

const struct name *name_next(const char *object, const struct name *after)
{
	for (const struct name *n = after != NULL ? after + 1 : names; n < names + ARRAY_N(names);
		n++)
		if (strcmp(n->object, object) == 0)
			return n;
	return NULL;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_path(const char *text)
{
	int parts = 1;
	for (const char *p = text; *p != '\0'; p++) {
		bool first = p == text || p[-1] == '.';
		if (*p == '.')
			parts++;
		if (first ? !is_letter(*p) : !is_letter(*p) && (*p < '0' || *p > '9') && *p != '.')
			return false;
	}
	size_t n = strlen(text);
	return n > 0 && n < FIELD_PATH_MAX && text[n - 1] != '.' && parts <= 3;
}

static bool ends_with(const char *text, const char *ending)
{
	size_t n = strlen(text), m = strlen(ending);
	return n >= m && strcmp(text + n - m, ending) == 0;
}

/* What is known of a name without a word from the workspace. */
static void find_standard(const char *object, const char *name, struct field *ret_field)
{
	struct field field = {.type = FIELD_OTHER};
	const char *path = name;
	for (const struct name *n = name_next(object, NULL); n != NULL; n = name_next(object, n)) {
		bool is_short = strcmp(n->name, name) == 0;
		if (!is_short && strcmp(n->path, name) != 0)
			continue;
		path = n->path;
		field.docs = n->docs;
		field.type = !is_short && n->type == FIELD_DOMAIN ? FIELD_TEXT : n->type;
		break;
	}
	if (field.type == FIELD_OTHER && strcmp(path, "id") == 0)
		field.type = FIELD_ID;
	for (size_t i = 0; i < ARRAY_N(endings) && field.type == FIELD_OTHER; i++)
		if (ends_with(path, endings[i].ending))
			field.type = endings[i].type;
	snprintf(field.path, sizeof(field.path), "%s", path);
	if (field.type == FIELD_MONEY || field.type == FIELD_PHONE)
		snprintf(field.plain, sizeof(field.plain), "%.100s.%s", path,
			field.type == FIELD_MONEY ? "amountMicros" : "primaryPhoneNumber");
	*ret_field = field;
}

enum rc field_find(const struct schema *schema, const char *object, const char *name,
	struct field *ret_field, struct err *err)
{
	if (!is_path(name))
		return err_set(err, RC_INVALID, "\"%.40s\" is no name of a field", name);
	const struct schema_object *own = schema_object(schema, object);
	bool known = false;
	enum rc rc = own != NULL ? name_own(own, name, ret_field, &known, err) : RC_OK;
	if (rc == RC_OK && !known)
		find_standard(own != NULL ? "" : object, name, ret_field);
	return rc;
}

void field_single(struct field *field)
{
	if (field->plain[0] == '\0')
		return;
	memcpy(field->path, field->plain, sizeof(field->path));
	field->plain[0] = '\0';
	field->docs = NULL;
}

json_t *field_value(const json_t *record, const char *path)
{
	char part[FIELD_PATH_MAX];
	snprintf(part, sizeof(part), "%s", path);
	json_t *at = NULL;
	char *rest = part;
	while (rest != NULL) {
		char *dot = strchr(rest, '.');
		if (dot != NULL)
			*dot = '\0';
		at = json_object_get(at != NULL ? at : record, rest);
		if (at == NULL || json_is_null(at))
			return NULL;
		rest = dot != NULL ? dot + 1 : NULL;
	}
	return at;
}

bool field_known(const json_t *record, const char *path)
{
	char part[FIELD_PATH_MAX];
	snprintf(part, sizeof(part), "%.*s", (int)strcspn(path, "."), path);
	return json_object_get(record, part) != NULL;
}

bool field_domain(const char *text, char *ret_host, size_t host_n)
{
	if (strncasecmp(text, "https://", 8) == 0)
		text += 8;
	else if (strncasecmp(text, "http://", 7) == 0)
		text += 7;
	if (strncasecmp(text, "www.", 4) == 0)
		text += 4;
	size_t n = strlen(text);
	while (n > 0 && text[n - 1] == '/')
		n--;
	if (n == 0 || n >= host_n)
		return false;
	for (size_t i = 0; i < n; i++)
		ret_host[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
	ret_host[n] = '\0';
	return true;
}
