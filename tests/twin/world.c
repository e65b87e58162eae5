/* SPDX-License-Identifier: MIT */
/*
 * Holds the world together and turns changes into deliveries.
 * From: main.c, change.c. To: hook.c. Cannot fail after the start: a delivery that finds no memory
 * is lost, as deliveries may be.
 */
#include "tests/twin/world.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tests/twin/docs_record.h"

bool world_init(struct world *w, enum dialect dialect, const char *key, const char *key_name)
{
	*w = (struct world){.dialect = dialect, .key = key, .key_name = key_name};
	w->now_ms = clock_wall_ms();
	w->webhooks = json_array();
	w->actor = json_pack("{s:s,s:n,s:s,s:{}}", "source", "API", "workspaceMemberId", "name",
		key_name, "context");
	w->program = json_incref(w->actor);
	w->member = json_pack("{s:s,s:s,s:s,s:{}}", "source", "MANUAL", "workspaceMemberId",
		"20202020-0687-4c41-b707-ed1bfca972a7", "name", "Ann Member", "context");
	return schema_init(&w->schema, w->now_ms) && w->webhooks != NULL && w->actor != NULL &&
	       w->member != NULL;
}

void world_done(struct world *w)
{
	schema_done(&w->schema);
	json_decref(w->webhooks);
	json_decref(w->actor);
	json_decref(w->program);
	json_decref(w->member);
	journal_done(&w->journal);
}

/* "person.*" matches "person.created". */
static bool operation_matches(const char *operation, const char *object, const char *action)
{
	const char *dot = strchr(operation, '.');
	if (dot == NULL)
		return false;
	size_t n = (size_t)(dot - operation);
	bool object_ok = (n == 1 && operation[0] == '*') ||
			 (n == strlen(object) && strncmp(operation, object, n) == 0);
	return object_ok && (strcmp(dot + 1, "*") == 0 || strcmp(dot + 1, action) == 0);
}

static bool webhook_wants(const json_t *webhook, const char *object, const char *action)
{
	size_t i;
	json_t *operation;
	json_array_foreach(json_object_get(webhook, "operations"), i, operation)
	{
		if (operation_matches(json_string_value(operation), object, action))
			return true;
	}
	return false;
}

void world_emit(
	struct world *w, const struct object *o, const char *action, json_t *rec, json_t *fields)
{
	json_t *data = NULL;
	size_t i;
	json_t *webhook;
	json_array_foreach(w->webhooks, i, webhook)
	{
		if (w->hooks == NULL || !webhook_wants(webhook, o->singular, action))
			continue;
		if (data == NULL)
			data = w->dialect == DIALECT_DOCS ? docs_record(w, o, rec, NULL)
							  : json_incref(rec);
		struct hook_event event = {.webhook = webhook,
			.object_id = o->id,
			.object = o->singular,
			.action = action,
			.data = data,
			.fields = fields,
			.docs = w->dialect == DIALECT_DOCS};
		hooks_send(w->hooks, &event);
	}
	json_decref(data);
}

void world_emit_metadata(struct world *w, const char *kind, const char *id, json_t *after)
{
	json_t *data = json_pack("{s:s,s:s,s:s,s:{s:O}}", "type", "created", "metadataName", kind,
		"recordId", id, "properties", "after", after);
	char object[80];
	snprintf(object, sizeof(object), "metadata.%s", kind);
	size_t i;
	json_t *webhook;
	json_array_foreach(w->webhooks, i, webhook)
	{
		bool all = webhook_wants(webhook, "*", "*");
		if (w->hooks == NULL || !all || w->dialect == DIALECT_DOCS)
			continue;
		struct hook_event event = {
			.webhook = webhook, .object = object, .action = "created", .data = data};
		hooks_send(w->hooks, &event);
	}
	json_decref(data);
}
