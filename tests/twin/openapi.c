/* SPDX-License-Identifier: MIT */
/*
 * /rest/open-api/core: a small document whose paths and parameters are right. It is what a client
 * asks to tell servers apart: this one restores by filter (older ones not at all, newer ones by
 * path) and selects no fields. From: app.c. Fails only when out of memory. Has no schemas of
 * records: /rest/metadata/objects does.
 */
#include <stdio.h>
#include <string.h>

#include "tests/twin/call.h"

static const char *const parameters[] = {"order_by", "filter", "limit", "depth", "starting_after",
	"ending_before", "upsert", "soft_delete", "group_by", "aggregate"};

static json_t *operation(const char *names, enum age age)
{
	json_t *list = json_array();
	for (size_t i = 0; i < ARRAY_N(parameters); i++) {
		bool known = age != AGE_OLD || strcmp(parameters[i], "soft_delete") != 0;
		if (known && strstr(names, parameters[i]) != NULL)
			json_array_append_new(list,
				json_pack("{s:s,s:s,s:b,s:{s:s}}", "name", parameters[i], "in",
					"query", "required", 0, "schema", "type", "string"));
	}
	if (strstr(names, "id;") != NULL)
		json_array_append_new(
			list, json_pack("{s:s,s:s,s:b,s:{s:s,s:s}}", "name", "id", "in", "path",
				      "required", 1, "schema", "type", "string", "format", "uuid"));
	return json_pack("{s:o,s:{s:{s:s}}}", "parameters", list, "responses", "200", "description",
		"Successful operation");
}

static bool is_there(enum age age, const char *path)
{
	bool newer = strstr(path, "}/restore") != NULL;
	bool restores = newer || strncmp(path, "/restore", 8) == 0;
	return !restores || (age == AGE_NEWER ? newer : age == AGE_CURRENT && !newer);
}

static void paths_add(json_t *paths, const char *plural, enum age age)
{
	static const struct {
		const char *path, *method, *names;
	} all[] = {{"/%s", "get", "order_by filter limit depth starting_after ending_before"},
		{"/%s", "post", "depth upsert"}, {"/%s", "patch", "depth filter"},
		{"/%s", "delete", "filter soft_delete"}, {"/batch/%s", "post", "depth upsert"},
		{"/%s/{id}", "get", "id; depth"}, {"/%s/{id}", "patch", "id; depth"},
		{"/%s/{id}", "delete", "id; soft_delete"}, {"/%s/duplicates", "post", "depth"},
		{"/restore/%s/{id}", "patch", "id; depth"},
		{"/restore/%s", "patch", "filter depth"}, {"/%s/merge", "patch", "depth"},
		{"/%s/groupBy", "get", "group_by aggregate filter order_by limit"},
		{"/%s/{id}/restore", "patch", "id; depth"}};
	for (size_t i = 0; i < ARRAY_N(all); i++) {
		const char *at = strstr(all[i].path, "%s");
		if (!is_there(age, all[i].path))
			continue;
		char path[200];
		snprintf(path, sizeof(path), "%.*s%s%s", (int)(at - all[i].path), all[i].path,
			plural, at + 2);
		json_t *methods = json_object_get(paths, path);
		if (methods == NULL) {
			methods = json_object();
			json_object_set_new(paths, path, methods);
		}
		json_object_set_new(methods, all[i].method, operation(all[i].names, age));
	}
}

void openapi_answer(struct call *c)
{
	json_t *paths = json_object();
	for (size_t i = 0; i < c->world->schema.object_n; i++)
		paths_add(paths, c->world->schema.objects[i]->plural, c->world->age);
	answer_json(c, 200,
		json_pack("{s:s,s:{s:s,s:s},s:o}", "openapi", "3.1.1", "info", "title",
			"Twenty Api", "version", "v0.1", "paths", paths));
}
