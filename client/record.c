/* SPDX-License-Identifier: MIT */
/*
 * Records as they come with webhooks, and where their fields are.
 * From: the runner, whose events hold records of either shape. To: rules, which see one shape. A
 * record that has that shape already is handed back as it is.
 */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "client/client.h"
#include "client/fields.h"
#include "client/schema.h"

static const char *const names[][2] = {{"person", "people"}, {"company", "companies"},
	{"opportunity", "opportunities"}, {"task", "tasks"}, {"note", "notes"},
	{"taskTarget", "taskTargets"}, {"noteTarget", "noteTargets"},
	{"workspaceMember", "workspaceMembers"}};

/* Plurals of the standard objects; others have no flat fields, so their name does not matter. */
static const char *plural(const char *object)
{
	for (size_t i = 0; i < ARRAY_N(names); i++)
		if (strcmp(names[i][0], object) == 0)
			return names[i][1];
	return object;
}

const char *client_plural_name(const struct schema *schema, const char *object)
{
	const struct schema_object *known = schema_object(schema, object);
	return known != NULL ? known->plural : plural(object);
}

bool client_path(const struct client *client, const char *object, const char *name, char *ret_path,
	size_t path_n)
{
	return client_path_of(client_schema(client), object, name, ret_path, path_n);
}

bool client_path_of(const struct schema *schema, const char *object, const char *name,
	char *ret_path, size_t path_n)
{
	struct field field;
	if (field_find(schema, plural(object), name, &field, NULL) != RC_OK)
		return false;
	field_single(&field);
	if (strlen(field.path) >= path_n)
		return false;
	memcpy(ret_path, field.path, strlen(field.path) + 1);
	return true;
}

bool client_plural(
	const struct client *client, const char *singular, char *ret_plural, size_t plural_n)
{
	const struct schema_object *object = schema_object(client_schema(client), singular);
	const char *name = object != NULL ? object->plural : plural(singular);
	if ((object == NULL && name == singular) || strlen(name) >= plural_n)
		return false;
	memcpy(ret_plural, name, strlen(name) + 1);
	return true;
}

const char *client_singular(const struct schema *schema, const char *object)
{
	const struct schema_object *known = schema_object(schema, object);
	if (known != NULL)
		return known->singular;
	for (size_t i = 0; i < ARRAY_N(names); i++)
		if (strcmp(names[i][1], object) == 0)
			return names[i][0];
	return object;
}

json_t *client_field(const json_t *record, const char *name)
{
	char column[FIELD_PATH_MAX];
	snprintf(column, sizeof(column), "%.100sId", name);
	json_t *id = json_object_get(record, column);
	return id != NULL ? id : json_object_get(record, name);
}

json_t *client_record(const char *object, const json_t *record)
{
	return fields_from_docs(plural(object), record);
}
