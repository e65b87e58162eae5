/* SPDX-License-Identifier: MIT */
/*
 * Records as they come with webhooks.
 * From: the runner, whose events hold records of either shape. To: rules, which see one shape. A
 * record that has that shape already is handed back as it is.
 */
#include <string.h>

#include "base/attr.h"
#include "client/client.h"
#include "client/fields.h"

/* Plurals of the standard objects; others have no flat fields, so their name does not matter. */
static const char *plural(const char *object)
{
	static const char *const names[][2] = {{"person", "people"}, {"company", "companies"},
		{"opportunity", "opportunities"}, {"task", "tasks"}, {"note", "notes"},
		{"workspaceMember", "workspaceMembers"}};
	for (size_t i = 0; i < ARRAY_N(names); i++)
		if (strcmp(names[i][0], object) == 0)
			return names[i][1];
	return object;
}

json_t *client_record(const char *object, const json_t *record)
{
	return fields_from_docs(plural(object), record);
}
