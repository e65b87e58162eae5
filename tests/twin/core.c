/* SPDX-License-Identifier: MIT */
/*
 * Routes of the core dialect: /rest/<objects>[/<id>] and its relatives.
 * From: app.c. To: core_read.c, core_write.c, merge.c, group.c. Fails with the sentences of Twenty
 * 2.21, including those that come from its habit of removing every "/rest" from a path.
 */
#include "tests/twin/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum route {
	ROUTE_MANY,
	ROUTE_ONE,
	ROUTE_BATCH,
	ROUTE_RESTORE,
	ROUTE_RESTORE_ONE,
	ROUTE_DUPLICATES,
	ROUTE_MERGE,
	ROUTE_GROUP
};

struct action {
	enum route route;
	const char *method;
	bool writes;
	bool (*run)(struct call *c, struct object *o, const char *id, struct fail *fail);
};

static const struct action actions[] = {
	{ROUTE_MANY, "GET", false, core_list},
	{ROUTE_MANY, "POST", true, core_create},
	{ROUTE_MANY, "PATCH", true, core_update_many},
	{ROUTE_MANY, "PUT", true, core_update_many},
	{ROUTE_MANY, "DELETE", true, core_delete_many},
	{ROUTE_ONE, "GET", false, core_get},
	{ROUTE_ONE, "PATCH", true, core_update},
	{ROUTE_ONE, "PUT", true, core_update},
	{ROUTE_ONE, "DELETE", true, core_delete},
	{ROUTE_BATCH, "POST", true, core_create_many},
	{ROUTE_BATCH, "PATCH", true, core_update_many},
	{ROUTE_BATCH, "DELETE", true, core_delete_many},
	{ROUTE_RESTORE, "PATCH", true, core_restore_many},
	{ROUTE_RESTORE_ONE, "PATCH", true, core_restore},
	{ROUTE_DUPLICATES, "POST", false, core_duplicates},
	{ROUTE_MERGE, "PATCH", true, core_merge},
	{ROUTE_GROUP, "GET", false, core_group_by},
};

bool budget_charge(struct call *c, struct fail *fail)
{
	if (budget_take(&c->world->budget, clock_mono_ms()))
		return true;
	return fail_with(fail, 429, "HttpException", NULL,
		"Limit reached (%lld tokens per 60000 ms)", (long long)c->world->budget.per_minute);
}

bool core_filter(struct call *c, const struct object *o, struct filter **ret, struct fail *fail)
{
	const char *text = query_find(&c->query, "filter");
	*ret = NULL;
	if (text == NULL || *text == '\0')
		return true;
	*ret = filter_parse(&c->world->schema, o, text, fail);
	return *ret != NULL;
}

static bool object_find(struct call *c, const char *name, struct object **ret, struct fail *fail)
{
	const struct schema *s = &c->world->schema;
	*ret = schema_find_plural(s, name);
	if (*ret != NULL)
		return true;
	const struct object *near = schema_find_singular(s, name);
	if (near != NULL)
		return fail_bad(
			fail, "object '%s' not found. Did you mean '%s'?", name, near->plural);
	return fail_bad(fail, "object '%s' not found. eg: companies", name);
}

/* Removes every "/rest" and splits what is left. */
static size_t path_split(char *path, char *segments[static SEGMENT_MAX])
{
	for (char *at; (at = strstr(path, "/rest")) != NULL;)
		memmove(at, at + 5, strlen(at + 5) + 1);
	size_t n = 0;
	for (char *save = NULL, *s = strtok_r(path, "/", &save); s != NULL && n < SEGMENT_MAX;
		s = strtok_r(NULL, "/", &save))
		segments[n++] = s;
	return n;
}

static bool route_find(struct call *c, char *segments[static SEGMENT_MAX], size_t n,
	enum route *ret, char **ret_object, char **ret_id, struct fail *fail)
{
	*ret = ROUTE_MANY;
	*ret_object = segments[0];
	*ret_id = NULL;
	if (n == 1)
		return true;
	if (n != 2)
		return fail_bad(fail,
			"Query path '%s' invalid. Valid examples: /rest/companies/id or "
			"/rest/companies or /rest/batch/companies",
			c->path);
	static const struct {
		const char *word, *method;
		enum route route;
	} tails[] = {{"duplicates", "POST", ROUTE_DUPLICATES}, {"merge", "PATCH", ROUTE_MERGE},
		{"groupBy", "GET", ROUTE_GROUP}};
	for (size_t i = 0; i < ARRAY_N(tails); i++) {
		if (strcmp(segments[1], tails[i].word) == 0 &&
			strcmp(c->method, tails[i].method) == 0) {
			*ret = tails[i].route;
			return true;
		}
	}
	if (strcmp(segments[0], "batch") == 0) {
		*ret = ROUTE_BATCH;
		*ret_object = segments[1];
		return true;
	}
	*ret = ROUTE_ONE;
	*ret_id = segments[1];
	if (ident_valid(segments[1])) {
		for (char *p = segments[1]; *p != '\0'; p++)
			*p |= *p >= 'A' && *p <= 'F' ? 0x20 : 0;
		return true;
	}
	return fail_bad(fail, "'%s' is not a valid UUID", segments[1]);
}

/* "/rest/people/{id}/restore", as servers after 2.21 have it. */
static bool restore_split(char *path, char **ret_object, char **ret_id)
{
	size_t n = strlen(path);
	if (strncmp(path, "/rest/", 6) != 0 || n < 14 || strcmp(path + n - 8, "/restore") != 0)
		return false;
	char *slash = strchr(path + 6, '/');
	if (slash == NULL || slash == path + n - 8)
		return false;
	path[n - 8] = '\0';
	*slash = '\0';
	*ret_object = path + 6;
	*ret_id = slash + 1;
	return true;
}

static bool core_run(struct call *c, char *path, struct fail *fail)
{
	char *segments[SEGMENT_MAX] = {NULL}, *name = NULL, *id = NULL;
	static const char restore[] = "/rest/restore/";
	enum route route = ROUTE_RESTORE;
	if (c->world->age == AGE_NEWER && restore_split(path, &name, &id))
		route = ROUTE_RESTORE_ONE;
	else if (c->world->age == AGE_CURRENT && strncmp(path, restore, sizeof(restore) - 1) == 0 &&
		 strchr(path + sizeof(restore) - 1, '/') == NULL)
		name = path + sizeof(restore) - 1;
	else if (!route_find(c, segments, path_split(path, segments), &route, &name, &id, fail))
		return false;
	const char *method = strcmp(c->method, "HEAD") == 0 ? "GET" : c->method;
	const struct action *action = NULL;
	for (size_t i = 0; i < ARRAY_N(actions); i++) {
		if (actions[i].route == route && strcmp(actions[i].method, method) == 0)
			action = &actions[i];
	}
	if (action == NULL)
		return fail_with(
			fail, 404, "NotFoundException", NULL, "Cannot %s %s", c->method, c->path);
	struct object *o = NULL;
	if (!object_find(c, name, &o, fail) || !budget_charge(c, fail))
		return false;
	if (c->read_only && action->writes)
		return fail_with(fail, 400, "Error", "PERMISSION_DENIED",
			"Entity performing the request does not have permission");
	return action->run(c, o, id, fail);
}

void core_answer(struct call *c)
{
	struct fail fail = {0};
	char *path = strdup(c->path);
	if (path == NULL)
		fail_nomem(&fail);
	if (path == NULL || !core_run(c, path, &fail))
		answer_fail(c, &fail);
	free(path);
}
