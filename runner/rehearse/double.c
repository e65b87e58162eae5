/* SPDX-License-Identifier: MIT */
/*
 * Calls of rules, answered without a Twenty.
 * From: the client's front door, where a call has been checked. To: a stub in the test file's
 * state, or world.c; then back to call.c as a client's answer. A stub that fails itself ends the
 * test. Nothing is journaled here: what a rule did is read from its journal.
 */
#include "runner/rehearse/double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/dialect.h"
#include "client/stand_in.h"

struct double_call {
	struct double_call *next;
	uint64_t ticket;
	enum client_op op;
	char object[80];
	json_t *args;
	client_done_fn done;
	void *ctx;
};

static void call_done(struct double_call *c)
{
	json_decref(c->args);
	free(c);
}

/* --- stubs -------------------------------------------------------------------------------------
 */

static bool has_stub(const struct understudy *u, const char *key)
{
	size_t i;
	json_t *each;
	json_array_foreach((json_t *)(uintptr_t)u->stubs, i, each)
	{
		if (strcmp(json_string_value(each), key) == 0)
			return true;
	}
	return false;
}

/* "people:get", "graphql", "member", "http GET https://..": false where no stub has that name. */
static bool find_stub(const struct understudy *u, const struct double_call *c, char *key, size_t n)
{
	const char *op = client_op_name(c->op);
	if (c->op == CLIENT_GRAPHQL || c->op == CLIENT_MEMBER)
		snprintf(key, n, "%s", op);
	else
		snprintf(key, n, "%s:%s", c->object, op);
	return has_stub(u, key);
}

/* What fail { status = 500 } means, as the client would read such an answer. */
static enum rc read_failure(const json_t *error, struct client_answer *a, struct fault *fault)
{
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));
	int status = (int)json_integer_value(json_object_get(error, "status"));
	fault_of_status(status, fault);
	enum rc rc = code != NULL ? rc_find(code) : RC_N;
	if (rc == RC_N || rc == RC_OK)
		rc = status == 0 ? RC_TIMEOUT : fault->code;
	if (message != NULL)
		snprintf(fault->message, sizeof(fault->message), "%s", message);
	else if (status == 0)
		snprintf(fault->message, sizeof(fault->message), "%s", rc_text(rc));
	a->status = status;
	a->name = rc_name(rc);
	a->message = fault->message;
	a->retryable = rc_fate(rc) != RC_FATE_DEAD;
	a->unknown = json_is_true(json_object_get(error, "unknown"));
	if (json_is_boolean(json_object_get(error, "retryable")))
		a->retryable = json_is_true(json_object_get(error, "retryable"));
	return rc;
}

/* What a stub gives -> what the client answers for this operation. GIVES. */
static json_t *shape_answer(const struct double_call *c, const json_t *told)
{
	json_t *value = json_object_get(told, "value");
	json_t *nothing = json_null();
	if (value == NULL)
		value = nothing;
	if (c->op == CLIENT_LIST && json_object_get(value, "records") == NULL)
		return json_pack("{s:o, s:n, s:I}", "records",
			json_is_array(value) ? json_incref(value) : json_array(), "next", "total",
			(json_int_t)json_array_size(value));
	if (c->op == CLIENT_ENSURE && json_object_get(value, "record") == NULL)
		return json_pack("{s:O, s:b}", "record", value, "created",
			json_is_true(json_object_get(told, "second")));
	bool many = c->op == CLIENT_DUPLICATES || c->op == CLIENT_CREATE_MANY ||
		    c->op == CLIENT_UPDATE_MANY || c->op == CLIENT_UPDATE_WHERE ||
		    c->op == CLIENT_GROUP_BY;
	if (many && !json_is_array(value))
		return json_array();
	return json_incref(value);
}

static enum rc ask_stub(struct understudy *u, const struct double_call *c, const char *key,
	struct client_answer *a, struct fault *fault)
{
	json_t *told = NULL, *args = script_mark(c->args);
	json_t *arg = json_pack("{s:s, s:s, s:s, s:s, s:o}", "kind", "api", "key", key, "method",
		client_op_name(c->op), "object", c->object, "args", args);
	enum rc rc = script_ask(u->script, "stub", arg, &told, &u->error, &u->err);
	json_decref(arg);
	if (rc != RC_OK)
		return rc;
	json_t *error = json_object_get(told, "error");
	if (error != NULL) {
		a->code = read_failure(error, a, fault);
	} else {
		a->value = shape_answer(c, told);
		a->code = a->value != NULL ? RC_OK : RC_NOMEM;
	}
	json_decref(told);
	return RC_OK;
}

/* --- answers -----------------------------------------------------------------------------------
 */

static void ask_world(
	struct understudy *u, const struct double_call *c, struct client_answer *a, struct err *err)
{
	struct world_call call = {c->op, c->object, c->args};
	a->code = world_answer(u->world, &call, &a->value, err);
	a->name = rc_name(a->code);
	a->message = err->msg;
	a->retryable = a->code != RC_OK && rc_fate(a->code) != RC_FATE_DEAD;
	a->status = a->code == RC_OK ? 200 : a->code == RC_NOT_FOUND ? 404 : 0;
}

/* There is no server: a stub answers, or the test is not complete. */
static void ask_http(struct understudy *u, const struct double_call *c, struct client_answer *a,
	struct fault *fault, struct err *err)
{
	json_t *told = NULL, *args = double_http_args(c->args);
	const char *key = double_http_stub(u->stubs, args);
	a->name = rc_name(RC_UNSUPPORTED);
	if (key == NULL) {
		const char *url = json_string_value(json_object_get(args, "url"));
		a->code = err_set(err, RC_UNSUPPORTED,
			"no answer is known here: the test says one with http = { [\"%s %.120s\"] "
			"= "
			"function(request) .. end }",
			json_string_value(json_object_get(args, "method")), url);
		a->message = err->msg;
		json_decref(args);
		return;
	}
	json_t *arg = json_pack("{s:s, s:s, s:s, s:s, s:O}", "kind", "http", "key", key, "method",
		"http", "object", "http", "args", args);
	u->failed = script_ask(u->script, "stub", arg, &told, &u->error, &u->err);
	json_decref(arg);
	const json_t *error = json_object_get(told, "error");
	json_int_t status = json_integer_value(json_object_get(error, "status"));
	if (u->failed == RC_OK && error != NULL && status < 400)
		a->code = read_failure(error, a, fault);
	else if (u->failed == RC_OK)
		double_http_answer(args, error != NULL ? error : json_object_get(told, "value"), a,
			fault->message, sizeof(fault->message));
	json_decref(told);
	json_decref(args);
}

static void answer(struct understudy *u, struct double_call *c)
{
	char key[512];
	struct client_answer a = {.requests = 1, .started_us = clock_mono_us()};
	struct fault fault = {.code = RC_OK};
	struct err err = {0};
	if (c->op == CLIENT_HTTP)
		ask_http(u, c, &a, &fault, &err);
	else if (find_stub(u, c, key, sizeof(key)))
		u->failed = ask_stub(u, c, key, &a, &fault);
	else
		ask_world(u, c, &a, &err);
	if (u->failed == RC_OK)
		c->done(c->ctx, &a);
	json_decref(a.value);
}

static int on_calls(sd_event_source *source, void *ctx)
{
	struct understudy *u = ctx;
	(void)source;
	while (u->first != NULL && u->failed == RC_OK) {
		struct double_call *c = u->first;
		u->first = c->next;
		if (u->first == NULL)
			u->end = &u->first;
		answer(u, c);
		call_done(c);
	}
	return 0;
}

static enum rc submit(
	void *ctx, const struct client_call *call, uint64_t *ret_ticket, struct err *err)
{
	struct understudy *u = ctx;
	struct double_call *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(err, RC_NOMEM, "no memory for a call");
	c->op = call->op;
	snprintf(c->object, sizeof(c->object), "%s", call->object);
	c->args = json_is_object(call->args) ? json_incref(call->args) : json_object();
	c->done = call->done;
	c->ctx = call->ctx;
	c->ticket = *ret_ticket = ++u->tickets;
	*u->end = c;
	u->end = &c->next;
	(void)sd_event_source_set_enabled(u->source, SD_EVENT_ONESHOT);
	return RC_OK;
}

static void cancel(void *ctx, uint64_t ticket)
{
	struct understudy *u = ctx;
	for (struct double_call **at = &u->first; *at != NULL; at = &(*at)->next) {
		if ((*at)->ticket != ticket)
			continue;
		struct double_call *gone = *at;
		*at = gone->next;
		if (*at == NULL)
			u->end = at;
		call_done(gone);
		return;
	}
}

enum rc understudy_open(
	struct understudy *u, sd_event *loop, struct client **ret_client, struct err *err)
{
	const struct stand_in stand_in = {u, submit, cancel};
	u->end = &u->first;
	int n = sd_event_add_defer(loop, &u->source, on_calls, u);
	if (n >= 0)
		n = sd_event_source_set_enabled(u->source, SD_EVENT_OFF);
	if (n < 0)
		return err_set_errno(err, RC_NOMEM, -n, "cannot watch the calls of a test");
	return client_new_stand_in(&stand_in, ret_client, err);
}

void understudy_close(struct understudy *u)
{
	while (u->first != NULL) {
		struct double_call *c = u->first;
		u->first = c->next;
		call_done(c);
	}
	u->source = sd_event_source_disable_unref(u->source);
}
