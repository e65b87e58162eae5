/* SPDX-License-Identifier: MIT */
/*
 * Telling the dialects apart.
 * From: engine.c, before anything else is sent and whenever the line was down. To: engine.c, which
 * dialect it is. `data` of a list of people is an object with the key people: core; an array: docs.
 * A server that forbids people still shows its dialect by the form of its errors. Where the
 * configuration names a dialect and the server evidently speaks the other one, it is not used: the
 * documented delete destroys for good on a real server.
 */
#include "client/probe.h"

#include <stdio.h>
#include <string.h>

#define SCHEMA_TRIES 3

void probe_init(struct probe *probe, const char *choice)
{
	*probe = (struct probe){.chosen = NULL};
	request_init(&probe->request);
	if (strcmp(choice, "core") == 0)
		probe->chosen = &dialect_core;
	else if (strcmp(choice, "docs") == 0)
		probe->chosen = &dialect_docs;
}

void probe_done(struct probe *probe)
{
	request_done(&probe->request);
}

enum rc probe_ask(struct probe *probe, struct err *err)
{
	enum rc rc = request_start(&probe->request, REQUEST_GET, "/rest/people?limit=1");
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for a request");
}

enum rc probe_ask_schema(struct probe *probe, struct err *err)
{
	enum rc rc = request_start(&probe->request, REQUEST_GET, "/rest/open-api/core");
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for a request");
}

/* The dialect that an answer shows; NULL: neither. */
static const struct dialect *shown(int status, const json_t *body)
{
	const json_t *data = json_object_get(body, "data");
	if (status == 200 && json_is_array(json_object_get(data, "people")))
		return &dialect_core;
	if (status == 200 && json_is_array(data))
		return &dialect_docs;
	bool error = status >= 400 && json_is_integer(json_object_get(body, "statusCode"));
	if (error && json_is_array(json_object_get(body, "messages")))
		return &dialect_core;
	if (error && status == 403 && json_is_string(json_object_get(body, "message")))
		return &dialect_docs;
	return NULL;
}

/* Whether an error is about the key as a whole, not about people. */
static bool about_key(int status, const json_t *body)
{
	const char *code = json_string_value(json_object_get(body, "code"));
	return (status == 401 || status == 403) &&
	       (code == NULL || strcmp(code, "PERMISSION_DENIED") != 0);
}

enum probe_verdict probe_understand(
	struct probe *probe, int status, const json_t *body, char *problem, size_t problem_n)
{
	if (status == 429)
		return PROBE_LIMITED;
	if (status >= 500)
		return PROBE_FAILING;
	if (about_key(status, body))
		return PROBE_REFUSED;
	const struct dialect *seen = shown(status, body);
	if (seen == NULL) {
		snprintf(problem, problem_n,
			"what answers at twenty.url (with status %d) is not Twenty's REST API",
			status);
		return PROBE_STRANGE;
	}
	if (probe->chosen != NULL && probe->chosen != seen) {
		snprintf(problem, problem_n,
			"twenty.dialect is \"%s\", but this server speaks \"%s\": set it to "
			"\"auto\"",
			probe->chosen->name, seen->name);
		return PROBE_STRANGE;
	}
	probe->dialect = seen;
	return PROBE_KNOWN;
}

static bool has(struct slice body, const char *text)
{
	return body.n > 0 && memmem(body.p, body.n, text, strlen(text)) != NULL;
}

void probe_read_schema(struct probe *probe, struct slice body)
{
	probe->schema_read = has(body, "\"paths\"");
	probe->soft_delete = has(body, "\"soft_delete\"");
	probe->restore_by_filter = has(body, "\"/restore/people\"");
	probe->restore_by_path = has(body, "\"/people/{id}/restore\"");
}

bool probe_miss_schema(struct probe *probe, int status)
{
	bool passing = status == 0 || status == 429 || status >= 500;
	return passing && ++probe->schema_tries < SCHEMA_TRIES;
}
