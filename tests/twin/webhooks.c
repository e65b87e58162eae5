/* SPDX-License-Identifier: MIT */
/*
 * /rest/webhooks: subscriptions. Not limited by the budget, plain JSON without an envelope.
 * From: app.c, main.c. To: world.c reads the list. Subscriptions are replaced, never changed in
 * place: the sender's thread holds references.
 */
#include "tests/twin/webhooks.h"

#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/clock.h"
#include "tests/twin/call.h"

static json_t *webhook_new(struct world *w, const char *url, json_t *operations,
	json_t *description, const char *secret)
{
	char id[IDENT_N], at[CLOCK_TEXT_N], made[65] = "";
	ident_random(id);
	clock_format(w->now_ms, at);
	if (secret == NULL) {
		uint8_t bytes[32];
		RAND_bytes(bytes, sizeof(bytes));
		for (size_t i = 0; i < sizeof(bytes); i++)
			snprintf(made + 2 * i, 3, "%02x", bytes[i]);
		secret = made;
	}
	return json_pack("{s:s,s:s,s:O,s:O?,s:s,s:s,s:s,s:s,s:s,s:n}", "id", id, "targetUrl", url,
		"operations", operations, "description", description, "secret", secret,
		"workspaceId", WORKSPACE_ID, "applicationId", APPLICATION_ID, "createdAt", at,
		"updatedAt", at, "deletedAt");
}

bool webhooks_add(struct world *w, const char *url, const char *secret)
{
	json_t *operations = json_pack("[s]", "*.*");
	json_t *webhook = webhook_new(w, url, operations, NULL, secret);
	json_decref(operations);
	return webhook != NULL && json_array_append_new(w->webhooks, webhook) == 0;
}

static bool url_valid(const char *url)
{
	if (url == NULL)
		return false;
	bool http = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
	return http && strpbrk(url, " \t\r\n") == NULL && strlen(strchr(url, '/')) > 2;
}

static void create(struct call *c)
{
	struct fail fail = {0};
	const char *url = json_string_value(json_object_get(c->input, "targetUrl"));
	json_t *operations = json_object_get(c->input, "operations");
	json_t *description = json_object_get(c->input, "description");
	if (!url_valid(url) || !json_is_array(operations)) {
		fail_with(&fail, 400, "WorkspaceMigrationBuilderException", NULL,
			"Multiple validation errors occurred while creating webhook");
		answer_fail(c, &fail);
		return;
	}
	json_t *webhook = webhook_new(c->world, url, operations,
		json_is_string(description) ? description : NULL,
		json_string_value(json_object_get(c->input, "secret")));
	json_array_append(c->world->webhooks, webhook);
	answer_json(c, 201, webhook);
}

static size_t find(const struct world *w, const char *id)
{
	size_t i;
	json_t *webhook;
	json_array_foreach(w->webhooks, i, webhook)
	{
		if (strcmp(json_string_value(json_object_get(webhook, "id")), id) == 0)
			return i;
	}
	return SIZE_MAX;
}

static void update(struct call *c, size_t at)
{
	json_t *next = json_copy(json_array_get(c->world->webhooks, at));
	static const char *const keys[] = {"targetUrl", "operations", "description", "secret"};
	for (size_t i = 0; i < ARRAY_N(keys); i++) {
		json_t *value = json_object_get(c->input, keys[i]);
		if (value != NULL)
			json_object_set(next, keys[i], value);
	}
	char text[CLOCK_TEXT_N];
	clock_format(c->world->now_ms, text);
	json_object_set_new(next, "updatedAt", json_string(text));
	json_array_set(c->world->webhooks, at, next);
	answer_json(c, 200, next);
}

static void one(struct call *c, const char *id)
{
	struct fail fail = {0};
	size_t at = find(c->world, id);
	if (strcmp(c->method, "GET") == 0) {
		if (at == SIZE_MAX)
			answer_text(c, 200, NULL, "");
		else
			answer_json(c, 200, json_incref(json_array_get(c->world->webhooks, at)));
		return;
	}
	if (at == SIZE_MAX) {
		fail_with(&fail, 400, "Error", "WEBHOOK_NOT_FOUND", "Webhook not found");
		answer_fail(c, &fail);
	} else if (strcmp(c->method, "DELETE") == 0) {
		json_array_remove(c->world->webhooks, at);
		answer_text(c, 200, "text/html; charset=utf-8", "true");
	} else {
		update(c, at);
	}
}

void webhooks_answer(struct call *c, const char *id)
{
	struct fail fail = {0};
	if (c->read_only) {
		fail_with(&fail, 400, "Error", "PERMISSION_DENIED",
			"Entity performing the request does not have permission");
		answer_fail(c, &fail);
	} else if (*id != '\0') {
		one(c, id);
	} else if (strcmp(c->method, "POST") == 0) {
		create(c);
	} else {
		answer_json(c, 200, json_incref(c->world->webhooks));
	}
}
