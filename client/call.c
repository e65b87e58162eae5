/* SPDX-License-Identifier: MIT */
/*
 * What a step may do with its call.
 * From: the operations. To: life.c, which looks at what the step left behind. Sends nothing.
 */
#include "client/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/creation.h"
#include "client/engine.h"

void call_send(struct call *call, call_step step)
{
	call->step = step;
	call->ask = NULL;
	call->armed = true;
	json_decref(call->share.item);
	call->share = (struct share){.kind = SHARE_NONE};
}

void call_share(struct call *call, enum share_kind kind, int variant, json_t *item)
{
	if (item == NULL)
		return;
	call->share = (struct share){.kind = kind, .variant = variant, .item = item};
}

const char *call_shared_object(const struct call *call)
{
	bool made = call->share.kind == SHARE_CREATE && call->creation != NULL;
	return made ? call->creation->object : call->object;
}

enum rc call_end(struct call *call, json_t *value, struct err *err)
{
	if (value == NULL)
		return err_set(err, RC_NOMEM, "no memory for the answer");
	call->value = value;
	call->ended = true;
	return RC_OK;
}

enum rc call_pass(struct call *call, const struct reply *reply, struct err *err)
{
	call->unknown = reply->unknown;
	return err_set(err, reply->code, "%s", reply->message);
}

enum rc call_record(
	struct call *call, const struct reply *reply, json_t **ret_record, struct err *err)
{
	if (reply->code != RC_OK)
		return call_pass(call, reply, err);
	return call_dialect(call)->read_record(call->object, reply->body, ret_record, err);
}

enum rc call_read(struct call *call, call_step step, struct err *err)
{
	enum rc rc = call_dialect(call)->get(
		&call->request, call->object, call_text(call, "id"), 0, NULL, err);
	if (rc == RC_OK)
		call_send(call, step);
	return rc;
}

enum rc call_work(struct call *call, size_t bytes, void (*done)(void *work), struct err *err)
{
	call->work = calloc(1, bytes);
	call->work_done = done;
	return call->work != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for a call");
}

static bool results_grow(struct call *call, int place)
{
	if (place < call->results_n)
		return true;
	int n = place < 8 ? 8 : place * 2;
	struct call_result *grown = realloc(call->results, (size_t)n * sizeof(*grown));
	if (grown == NULL)
		return false;
	memset(grown + call->results_n, 0, (size_t)(n - call->results_n) * sizeof(*grown));
	call->results = grown;
	call->results_n = n;
	return true;
}

enum rc call_child(struct call *call, enum client_op op, json_t *args, int place, struct err *err)
{
	struct call *c = args != NULL && results_grow(call, place) ? calloc(1, sizeof(*c)) : NULL;
	if (c == NULL || asprintf(&c->name, "%s/%d", call->name, place) < 0) {
		free(c);
		json_decref(args);
		return err_set(err, RC_NOMEM, "no memory for a call");
	}
	request_init(&c->request);
	c->op = op;
	c->lane = call->lane;
	c->args = args;
	c->parent = call;
	c->place = place;
	c->since_ms = call->since_ms;
	snprintf(c->object, sizeof(c->object), "%s", call->object);
	call->children++;
	engine_add(call->engine, c);
	return RC_OK;
}

void call_await(struct call *call, call_start then)
{
	call->children_done = then;
	call->state = CALL_BLOCKED;
}

const struct call_result *call_result(const struct call *call, int place)
{
	return &call->results[place];
}

const struct dialect *call_dialect(const struct call *call)
{
	return call->engine->probe.dialect;
}

const struct schema *call_schema(const struct call *call)
{
	return call->engine->schema;
}

const char *call_text(const struct call *call, const char *key)
{
	return json_string_value(json_object_get(call->args, key));
}

bool call_again(const struct call *call)
{
	return call->since_ms != 0;
}

enum rc call_new_id(struct call *call, int n, struct uuid *ret_id, struct err *err)
{
	if (call->name == NULL || *call->name == '\0')
		return uuid_new(ret_id, err);
	char *name = NULL;
	int size =
		n < 0 ? asprintf(&name, "%s", call->name) : asprintf(&name, "%s/%d", call->name, n);
	if (size < 0)
		return err_set(err, RC_NOMEM, "no memory for an id");
	enum rc rc = uuid_derive(slice_of(name), ret_id);
	free(name);
	return rc == RC_OK ? rc : err_set(err, rc, "an id cannot be derived");
}
