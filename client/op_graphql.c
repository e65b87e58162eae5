/* SPDX-License-Identifier: MIT */
/*
 * graphql {query, variables?} -> data
 * From: life.c. POST /graphql, which has no dialects. Errors come with status 200; one of them,
 * even beside data, is an error of the call. A document of queries alone is repeated as other reads
 * are; anything else goes out once, and where its answer is lost the call ends with RC_UNKNOWN,
 * because nothing here knows how to look. A refusal for the budget that left nothing done is waited
 * out.
 */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "client/document.h"
#include "client/engine.h"
#include "client/operation.h"

#define QUERY_MAX 100000 /* bytes */

static enum rc graphql_send(struct call *call, struct err *err);

static enum rc graphql_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	(void)schema;
	const json_t *query = json_object_get(args, "query");
	const json_t *variables = json_object_get(args, "variables");
	size_t n = json_string_length(query);
	if (strcmp(object, "graphql") != 0)
		return err_set(err, RC_INVALID, "graphql is about no object");
	if (n == 0 || strlen(json_string_value(query)) != n)
		return err_set(err, RC_INVALID, "graphql: the query is missing");
	if (n > QUERY_MAX)
		return err_set(
			err, RC_TOO_LARGE, "graphql: the query is longer than %d bytes", QUERY_MAX);
	bool none = variables == NULL || json_is_null(variables) ||
		    (json_is_array(variables) && json_array_size(variables) == 0);
	if (!none && !json_is_object(variables))
		return err_set(err, RC_INVALID, "graphql: the variables are a table of names");
	return RC_OK;
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "";
}

static bool is_limit(const json_t *error)
{
	const json_t *more = json_object_get(error, "extensions");
	return strcmp(text_at(more, "subCode"), "LIMIT_REACHED") == 0 ||
	       strncmp(text_at(error, "message"), "Limit reached", 13) == 0;
}

/* Has a root field an answer, or one that an error below it took away? */
static bool any_done(const json_t *body)
{
	json_t *data = json_object_get(body, "data"), *value, *each;
	const char *key;
	size_t i;
	json_object_foreach(data, key, value) if (!json_is_null(value)) return true;
	json_array_foreach(json_object_get(body, "errors"), i,
		each) if (json_array_size(json_object_get(each, "path")) > 1) return true;
	return false;
}

/* Over the budget, and nothing was done. */
static bool all_limited(const json_t *body)
{
	const json_t *errors = json_object_get(body, "errors");
	size_t i;
	json_t *each;
	json_array_foreach(errors, i, each) if (!is_limit(each)) return false;
	return json_array_size(errors) > 0 && !any_done(body);
}

static enum rc code_of(const json_t *error)
{
	static const struct {
		const char *code;
		enum rc rc;
	} known[] = {{"FORBIDDEN", RC_DENIED}, {"PERMISSION_DENIED", RC_DENIED},
		{"UNAUTHENTICATED", RC_AUTH}, {"NOT_FOUND", RC_NOT_FOUND},
		{"CONFLICT", RC_DUPLICATE}, {"INTERNAL_SERVER_ERROR", RC_UPSTREAM},
		{"TIMEOUT", RC_UPSTREAM}};
	const char *code = text_at(json_object_get(error, "extensions"), "code");
	if (is_limit(error))
		return RC_LIMITED;
	if (strstr(text_at(error, "message"), "duplicate entry") != NULL)
		return RC_DUPLICATE;
	for (size_t i = 0; i < ARRAY_N(known); i++)
		if (strcmp(known[i].code, code) == 0)
			return known[i].rc;
	return RC_REJECTED;
}

/* Part of an effect may have been done before its error came, whatever the error is about. */
static enum rc end_badly(struct call *call, const json_t *body, struct err *err)
{
	const json_t *errors = json_object_get(body, "errors");
	const json_t *first = json_array_get(errors, 0);
	struct fault fault = {.code = code_of(first)};
	fault_message(&fault, text_at(first, "message"));
	const char *message = fault.message[0] != '\0' ? fault.message : rc_text(fault.code);
	if (call->request.effect && (any_done(body) || rc_fate(fault.code) != RC_FATE_DEAD)) {
		call->unknown = true;
		return err_set(err, RC_UNKNOWN, "%s: part of it may have been done", message);
	}
	return err_set(err, fault.code, "%s", message);
}

static enum rc came(struct call *call, const struct reply *reply, struct err *err)
{
	const json_t *errors = json_object_get(reply->body, "errors");
	json_t *data = json_object_get(reply->body, "data");
	if (reply->status == 404)
		return err_set(err, RC_UNSUPPORTED, "this server has no GraphQL API");
	if (all_limited(reply->body)) {
		struct budget_notice notice = {-1, -1, -1, -1};
		ration_refused(&call->engine->ration, clock_mono_ms(), &notice, 0, 0);
		return graphql_send(call, err);
	}
	if (json_array_size(errors) > 0)
		return end_badly(call, reply->body, err);
	if (reply->code != RC_OK)
		return call_pass(call, reply, err);
	if (!json_is_object(data))
		return dialect_strange(err);
	return call_end(call, json_incref(data), err);
}

/* The answer to an effect was lost. */
static enum rc give_up(struct call *call, struct err *err)
{
	call->unknown = true;
	return err_set(
		err, RC_UNKNOWN, "the answer was lost: nobody knows whether the mutation was done");
}

static enum rc graphql_send(struct call *call, struct err *err)
{
	json_t *variables = json_object_get(call->args, "variables");
	bool reads = document_reads(call_text(call, "query"));
	json_t *body = json_pack("{s:O}", "query", json_object_get(call->args, "query"));
	enum rc rc =
		body != NULL ? request_start(&call->request, REQUEST_POST, "/graphql") : RC_NOMEM;
	if (rc == RC_OK && json_object_size(variables) > 0 &&
		json_object_set(body, "variables", variables) != 0)
		rc = RC_NOMEM;
	if (rc == RC_OK)
		rc = request_json(&call->request, body);
	json_decref(body);
	if (rc != RC_OK)
		return dialect_built(rc, err);
	if (!reads && call_again(call) && call->requests == 0)
		return give_up(call, err);
	call->request.effect = !reads;
	call->request.once = !reads;
	call_send(call, came);
	call->ask = reads ? NULL : give_up;
	return RC_OK;
}

const struct operation operation_graphql = {graphql_check, graphql_send};
