/* SPDX-License-Identifier: MIT */
/*
 * Reads lists of webhooks, and what their operations send.
 * From: workspace.c, answers of a server. To: the command. Sends nothing.
 */
#include "client/webhook.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/uuid.h"

#define TEXT_MAX 4096
#define OPERATIONS_MAX 500

/* A text without NUL inside; NULL: none. */
static const char *text_of(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);
	const char *text = json_string_value(value);
	if (text == NULL || strlen(text) != json_string_length(value) || strlen(text) > TEXT_MAX)
		return NULL;
	return text;
}

bool webhook_masked(const char *secret)
{
	return secret[0] != '\0' && secret[strspn(secret, "*")] == '\0';
}

static json_t *operations_of(const json_t *row)
{
	json_t *kept = json_array(), *each;
	size_t i;
	json_array_foreach(json_object_get(row, "operations"), i, each)
	{
		const char *text = json_string_value(each);
		if (text != NULL && strlen(text) == json_string_length(each) &&
			strlen(text) < 128 && json_array_size(kept) < OPERATIONS_MAX)
			json_array_append(kept, each);
	}
	return kept;
}

/* The answer is a list, or has one below data. */
static const json_t *list_of(const json_t *body)
{
	const json_t *data = json_object_get(body, "data");
	if (json_is_array(body))
		return body;
	return json_is_array(data) ? data : json_object_get(data, "webhooks");
}

/* Fills w from the row, a copy of ours. */
static bool read_row(json_t *row, struct webhook *w)
{
	const char *created = text_of(row, "createdAt");
	json_t *operations = operations_of(row);
	*w = (struct webhook){.id = text_of(row, "id"),
		.target = text_of(row, "targetUrl"),
		.description = text_of(row, "description"),
		.secret = text_of(row, "secret"),
		.operations = operations};
	if (json_object_set_new(row, "operations", operations) != 0 || w->id == NULL ||
		!uuid_valid(w->id) || w->target == NULL)
		return false;
	if (w->description == NULL)
		w->description = "";
	if (w->secret != NULL && webhook_masked(w->secret))
		w->secret = NULL;
	int64_t at = created != NULL ? clock_parse(created) : 0;
	w->created_ms = at > 0 ? at : 0;
	return true;
}

enum rc webhooks_read(const json_t *body, struct webhooks *ret_webhooks, struct err *err)
{
	const json_t *list = list_of(body);
	size_t n = json_array_size(list) < WEBHOOKS_MAX ? json_array_size(list) : WEBHOOKS_MAX;
	struct webhooks w = {.rows = json_array(), .p = calloc(n + 1, sizeof(*w.p))};
	enum rc rc = RC_OK;
	if (!json_is_array(list))
		rc = err_set(err, RC_UPSTREAM, "Twenty's answer is no list of webhooks");
	else if (w.rows == NULL || w.p == NULL)
		rc = err_set(err, RC_NOMEM, "no memory for the webhooks");
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		json_t *row = json_copy(json_array_get(list, i));
		if (row == NULL || json_array_append_new(w.rows, row) != 0)
			rc = err_set(err, RC_NOMEM, "no memory for the webhooks");
		else if (json_is_object(row) && read_row(row, &w.p[w.n]))
			w.n++;
	}
	if (rc != RC_OK) {
		webhooks_done(&w);
		return rc;
	}
	*ret_webhooks = w;
	return RC_OK;
}

void webhooks_done(struct webhooks *webhooks)
{
	json_decref(webhooks->rows);
	free(webhooks->p);
	*webhooks = (struct webhooks){.n = 0};
}

/* ---- operations ---- */

static bool word_is(const char *word, size_t n, const char *name)
{
	return (n == 1 && *word == '*') || (strlen(name) == n && strncasecmp(word, name, n) == 0);
}

bool operation_sends(const char *operation, const char *object, const char *action)
{
	const char *dot = strrchr(operation, '.');
	return dot != NULL && word_is(operation, (size_t)(dot - operation), object) &&
	       word_is(dot + 1, strlen(dot + 1), action);
}

static bool any_sends(const json_t *operations, const char *object, const char *action)
{
	size_t i;
	json_t *each;
	json_array_foreach((json_t *)(uintptr_t)operations, i, each)
	{
		if (operation_sends(json_string_value(each), object, action))
			return true;
	}
	return false;
}

bool operations_send(const json_t *operations, const char *pattern)
{
	static const char *const actions[] = {
		"created", "updated", "deleted", "restored", "destroyed"};
	char object[128];
	const char *dot = strrchr(pattern, '.');
	size_t n = dot != NULL ? (size_t)(dot - pattern) : sizeof(object);
	if (n >= sizeof(object))
		return false;
	memcpy(object, pattern, n);
	object[n] = '\0';
	if (strcmp(dot + 1, "*") != 0)
		return any_sends(operations, object, dot + 1);
	for (size_t i = 0; i < ARRAY_N(actions); i++)
		if (!any_sends(operations, object, actions[i]))
			return false;
	return true;
}
