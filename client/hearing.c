/* SPDX-License-Identifier: MIT */
/*
 * Echoes of our own writes, as far as the client needs them.
 * From: client.c, every webhook of the workspace; upsert.c, calls that wait for theirs. To: the
 * calls, with the answer that was held back; upsert.c, where a record was revived. Does not know
 * rules, and does not decide what fires.
 */
#include "client/hearing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/engine.h"
#include "client/lane.h"
#include "client/schema.h"
#include "client/upsert.h"

struct hearing_late {
	char object[CALL_OBJECT_MAX], id[40], updated_at[40];
	int64_t until_ms; /* mono */
};

struct hearing_early {
	uint32_t hash; /* of the id; 0: empty */
	char id[40], updated_at[40];
	bool revived;
};

enum hearing_state hearing_find(const struct hearing *h, const char *object)
{
	for (size_t i = 0; i < HEARING_N; i++)
		if (strcmp(h->known[i].object, object) == 0)
			return h->known[i].state;
	return HEARING_UNKNOWN;
}

void hearing_note(struct hearing *h, const char *object, enum hearing_state state, int64_t now_ms)
{
	size_t at = 0;
	while (at < HEARING_N && strcmp(h->known[at].object, object) != 0)
		at++;
	if (at == HEARING_N) {
		at = h->next;
		h->next = (at + 1) % HEARING_N;
		snprintf(h->known[at].object, sizeof(h->known[at].object), "%s", object);
	}
	h->known[at].state = state;
	if (state == HEARING_HEARD)
		h->known[at].heard_ms = now_ms;
}

/* ---- the list of webhooks ---- */

enum rc hearing_ask(struct request *r, struct err *err)
{
	enum rc rc = request_start(r, REQUEST_GET, "/rest/webhooks");
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for a request");
}

/* "person.updated", "person.*", "*.updated", "*.*" */
static bool covers(const char *operation, const char *singular)
{
	const char *dot = strchr(operation, '.');
	if (dot == NULL)
		return false;
	size_t n = (size_t)(dot - operation);
	bool object = (n == 1 && *operation == '*') ||
		      (strlen(singular) == n && strncasecmp(operation, singular, n) == 0);
	return object && (strcmp(dot, ".*") == 0 || strcmp(dot, ".updated") == 0);
}

static bool is_ours(const json_t *hook)
{
	const char *target = json_string_value(json_object_get(hook, "targetUrl"));
	return target != NULL && strstr(target, "/hooks/") != NULL;
}

/* The answer is a list, or has one below data. */
static const json_t *list_of(const json_t *body)
{
	const json_t *data = json_object_get(body, "data");
	if (json_is_array(body))
		return body;
	return json_is_array(data) ? data : json_object_get(data, "webhooks");
}

void hearing_read(struct engine *e, const json_t *body)
{
	struct hearing *h = &e->hearing;
	json_t *hooks = json_array();
	size_t i;
	json_t *each;
	json_array_foreach(list_of(body), i, each)
	{
		if (is_ours(each))
			json_array_append(hooks, json_object_get(each, "operations"));
	}
	json_decref(h->hooks);
	h->hooks = hooks;
}

bool hearing_can(struct engine *e, const char *object, int64_t now_ms)
{
	struct hearing *h = &e->hearing;
	const struct schema_object *known = schema_object(e->schema, object);
	enum hearing_state state = hearing_find(h, object);
	if (state != HEARING_UNKNOWN || h->hooks == NULL || known == NULL)
		return state == HEARING_HEARD;
	state = HEARING_DEAF;
	size_t i, k;
	json_t *operations, *each;
	json_array_foreach(h->hooks, i, operations) json_array_foreach(operations, k, each)
	{
		if (json_is_string(each) && covers(json_string_value(each), known->singular))
			state = HEARING_HEARD;
	}
	hearing_note(h, object, state, now_ms);
	return state == HEARING_HEARD;
}

void hearing_done(struct hearing *h)
{
	json_decref(h->hooks);
	free(h->late);
	free(h->early);
	h->hooks = NULL;
	h->late = NULL;
	h->early = NULL;
}

enum rc hearing_listen(struct hearing *h, struct err *err)
{
	if (h->late == NULL)
		h->late = calloc(HEARING_LATE_N, sizeof(*h->late));
	if (h->early == NULL)
		h->early = calloc(HEARING_EARLY_N, sizeof(*h->early));
	return h->late != NULL && h->early != NULL ? RC_OK
						   : err_set(err, RC_NOMEM, "no memory for echoes");
}

/* ---- held calls ---- */

static uint32_t hash_of(const char *id)
{
	uint32_t n = 2166136261u;
	for (const char *p = id; *p != '\0'; p++)
		n = (n ^ (unsigned char)*p) * 16777619u;
	return n != 0 ? n : 1;
}

static struct lane *bucket(struct hearing *h, const char *id)
{
	return &h->held[hash_of(id) % HEARING_BUCKETS];
}

static const char *updated_at(const json_t *record)
{
	const char *at = json_string_value(json_object_get(record, "updatedAt"));
	return at != NULL ? at : "";
}

static void answer(struct call *call);

/* Has the echo come already? */
static bool heard_before(struct hearing *h, const char *id, const char *at, bool *ret_revived)
{
	uint32_t hash = hash_of(id);
	for (size_t i = 0; h->early != NULL && i < HEARING_EARLY_N; i++) {
		if (h->early[i].hash != hash || strcmp(h->early[i].id, id) != 0 ||
			strcmp(h->early[i].updated_at, at) != 0)
			continue;
		*ret_revived = h->early[i].revived;
		return true;
	}
	return false;
}

static void keep(struct hearing *h, const char *id, const char *at, bool revived)
{
	size_t i = h->early_next;
	if (h->early == NULL)
		return;
	h->early_next = (i + 1) % HEARING_EARLY_N;
	h->early[i].hash = hash_of(id);
	h->early[i].revived = revived;
	snprintf(h->early[i].id, sizeof(h->early[i].id), "%s", id);
	snprintf(h->early[i].updated_at, sizeof(h->early[i].updated_at), "%s", at);
}

void hearing_hold(struct call *call, json_t *record)
{
	struct hearing *h = &call->engine->hearing;
	bool revived = false;
	call->held = json_incref(record);
	if (heard_before(h, call_text(call, "id"), updated_at(record), &revived)) {
		if (revived)
			upsert_revived(call);
		else
			answer(call);
		return;
	}
	call->state = CALL_HELD;
	call->not_before_ms = clock_mono_ms() + HEARING_WAIT_MS;
	if (h->held_n++ == 0 || call->not_before_ms < h->due_ms)
		h->due_ms = call->not_before_ms;
	lane_put(bucket(h, call_text(call, "id")), call);
}

void hearing_drop(struct call *call)
{
	struct hearing *h = &call->engine->hearing;
	lane_drop(bucket(h, call_text(call, "id")), call);
	h->held_n--;
}

static void answer(struct call *call)
{
	json_t *body = json_pack("{s:{s:O}}", "data", "record", call->held);
	struct reply reply = {.code = body != NULL ? RC_OK : RC_NOMEM,
		.status = 200,
		.body = body,
		.message = body != NULL ? "" : "no memory for an answer"};
	engine_reply(call, &reply);
	json_decref(body);
}

/* Its echo may still come: then it has to be known what it is the echo of. */
static void remember(struct hearing *h, const struct call *call)
{
	size_t at = h->late_next;
	h->late_next = (at + 1) % HEARING_LATE_N;
	snprintf(h->late[at].object, sizeof(h->late[at].object), "%s", call->object);
	snprintf(h->late[at].id, sizeof(h->late[at].id), "%s", call_text(call, "id"));
	snprintf(h->late[at].updated_at, sizeof(h->late[at].updated_at), "%s",
		updated_at(call->held));
	h->late[at].until_ms = clock_mono_ms() + HEARING_KEEP_MS;
}

void hearing_leave(struct call *call)
{
	remember(&call->engine->hearing, call);
	hearing_drop(call);
}

/* Has nothing about its object come since it is held? A change that turned out to be none has no
 * echo, so that one that does not come is no proof alone. */
static bool is_deaf(const struct hearing *h, const struct call *c)
{
	for (size_t i = 0; i < HEARING_N; i++)
		if (strcmp(h->known[i].object, c->object) == 0)
			return h->known[i].state == HEARING_HEARD &&
			       h->known[i].heard_ms < c->not_before_ms - HEARING_WAIT_MS;
	return false;
}

/* The first that has waited long enough; NULL: *ret_due_ms is when one will have. An answer may end
 * any other call, so that the search begins anew after each. */
static struct call *expired(struct hearing *h, int64_t now_ms, int64_t *ret_due_ms)
{
	*ret_due_ms = INT64_MAX;
	for (size_t i = 0; i < HEARING_BUCKETS; i++)
		for (struct call *c = h->held[i].head; c != NULL; c = c->next) {
			if (c->not_before_ms <= now_ms)
				return c;
			if (c->not_before_ms < *ret_due_ms)
				*ret_due_ms = c->not_before_ms;
		}
	return NULL;
}

void hearing_expire(struct engine *e, int64_t now_ms)
{
	struct hearing *h = &e->hearing;
	int64_t due_ms;
	if (h->held_n == 0 || now_ms < h->due_ms)
		return;
	for (struct call *c; (c = expired(h, now_ms, &due_ms)) != NULL;) {
		if (is_deaf(h, c)) {
			hearing_note(h, c->object, HEARING_DEAF, now_ms);
			log_warn(NULL,
				"webhooks about %s do not come: changes of them go one by one "
				"until one does",
				c->object);
		}
		remember(h, c);
		hearing_drop(c);
		answer(c);
	}
	h->due_ms = due_ms;
}

/* ---- webhooks ---- */

static bool has_deleted_at(const json_t *fields)
{
	size_t i;
	json_t *each;
	json_array_foreach(fields, i, each)
	{
		const char *name = json_string_value(each);
		if (name != NULL && strcmp(name, "deletedAt") == 0)
			return true;
	}
	return false;
}

static void hear_late(
	struct engine *e, const char *id, const char *at, bool revived, int64_t now_ms)
{
	struct hearing *h = &e->hearing;
	for (size_t i = 0; h->late != NULL && i < HEARING_LATE_N; i++) {
		if (h->late[i].until_ms <= now_ms || strcmp(h->late[i].id, id) != 0 ||
			strcmp(h->late[i].updated_at, at) != 0)
			continue;
		h->late[i].until_ms = 0;
		if (revived)
			upsert_take_back(e, h->late[i].object, id);
	}
}

static struct call *echoed(struct hearing *h, const char *object, const char *id, const char *at)
{
	for (struct call *c = bucket(h, id)->head; c != NULL; c = c->next)
		if (strcmp(call_text(c, "id"), id) == 0 && strcmp(c->object, object) == 0 &&
			strcmp(updated_at(c->held), at) == 0)
			return c;
	return NULL;
}

void hearing_event(struct engine *e, const char *object, const json_t *record, const json_t *fields,
	int64_t now_ms)
{
	struct hearing *h = &e->hearing;
	const char *id = json_string_value(json_object_get(record, "id"));
	const char *at = updated_at(record);
	hearing_note(h, object, HEARING_HEARD, now_ms);
	if (id == NULL || *at == '\0')
		return;
	bool revived = has_deleted_at(fields) && field_value(record, "deletedAt") == NULL;
	keep(h, id, at, revived);
	hear_late(e, id, at, revived, now_ms);
	for (struct call *c; (c = echoed(h, object, id, at)) != NULL;) {
		hearing_drop(c);
		if (revived)
			upsert_revived(c);
		else
			answer(c);
	}
	engine_wake(e);
}
