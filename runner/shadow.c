/* SPDX-License-Identifier: MIT */
/*
 * Answers in the place of servers that are not asked.
 * From: call.c, effects of runs in shadow mode. To: reply.c, as any answer; nothing goes into the
 * ledger, for nothing was written. Answers are guesses from what is known here (copies of records,
 * the arguments), never from what a server would have made of them: its defaults and refusals are
 * missing. Fails by answering NULL when memory is short.
 */
#include "runner/shadow.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "queue/copy.h"
#include "queue/spend.h"
#include "runner/state.h"

struct guess {
	struct runner *r;
	const struct run *run;
	const struct asked *asked;
	char now[CLOCK_TEXT_N];
};

bool shadow_is(struct runner *r, struct run *run)
{
	struct err err = {0};
	if (!run->shadow_known &&
		queue_shadow_is(r->queue, run->q.seq, &run->shadow, &err) != RC_OK)
		runner_fatal(r, &err);
	run->shadow_known = true;
	return run->shadow;
}

static bool put(json_t *record, const char *name, json_t *value)
{
	return json_object_set_new(record, name, value) == 0;
}

/* A copy of data as a new record; n < 0: the only one of its call. */
static json_t *made(const struct guess *g, const json_t *data, int n)
{
	char name[ID_N + RULESET_NAME_MAX + JOURNAL_PATH_N + 24];
	struct uuid id;
	json_t *record = json_is_object(data) ? json_deep_copy(data) : json_object();
	int used = snprintf(name, sizeof(name), "%s/%s/%s", g->run->q.event.text, g->run->q.rule,
		g->asked->path);
	if (n >= 0 && used > 0 && (size_t)used < sizeof(name))
		snprintf(name + used, sizeof(name) - (size_t)used, "/%d", n);
	bool has_id = json_is_string(json_object_get(record, "id"));
	bool ok = record != NULL && uuid_derive(slice_of(name), &id) == RC_OK &&
		  (has_id || put(record, "id", json_string(id.text))) &&
		  put(record, "createdAt", json_string(g->now)) &&
		  put(record, "updatedAt", json_string(g->now));
	if (!ok) {
		json_decref(record);
		return NULL;
	}
	return record;
}

/* The record as it was last seen, with changes on top. */
static json_t *changed(const struct guess *g, const json_t *id, const json_t *changes)
{
	struct queue_copy copy;
	struct err err = {0};
	const char *text = json_string_value(id);
	const char *object = client_singular(client_schema(g->r->client), g->asked->object);
	json_t *record = NULL;
	union {
		const json_t *in;
		json_t *out;
	} with = {changes};
	if (text != NULL && queue_copy_find(g->r->queue, object, text, &copy, &err) == RC_OK)
		record = json_loadb(copy.text.p, copy.text.n, 0, NULL);
	if (!json_is_object(record)) {
		json_decref(record);
		record = json_object();
	}
	bool ok = record != NULL &&
		  (!json_is_object(changes) || json_object_update(record, with.out) == 0) &&
		  put(record, "id", json_string(text != NULL ? text : "")) &&
		  put(record, "updatedAt", json_string(g->now));
	if (!ok) {
		json_decref(record);
		return NULL;
	}
	return record;
}

static json_t *each(const struct guess *g, enum client_op op)
{
	json_t *list = json_array(), *one;
	size_t i;
	json_array_foreach(json_object_get(g->asked->args, "list"), i, one)
	{
		json_t *record = op == CLIENT_CREATE_MANY
					 ? made(g, one, (int)i)
					 : changed(g, json_object_get(one, "id"), one);
		if (record == NULL || json_array_append_new(list, record) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* What it looks for, as far as that is plain, and what it would make of it. */
static json_t *ensured(const struct guess *g)
{
	const char *name;
	json_t *value, *data = json_object();
	json_object_foreach(json_object_get(g->asked->args, "where"), name, value)
	{
		if (data != NULL && !json_is_object(value) && !json_is_array(value))
			(void)json_object_set(data, name, value);
	}
	json_t *given = json_object_get(g->asked->args, "data");
	if (data != NULL && json_is_object(given))
		(void)json_object_update(data, given);
	json_t *record = made(g, data, -1);
	json_decref(data);
	return record != NULL ? json_pack("{s:o, s:b}", "record", record, "created", 1) : NULL;
}

static json_t *binned(const struct guess *g, const json_t *id, const char *at)
{
	json_t *record = changed(g, id, NULL);
	if (record != NULL &&
		!put(record, "deletedAt", at != NULL ? json_string(at) : json_null())) {
		json_decref(record);
		return NULL;
	}
	return record;
}

json_t *shadow_answer(
	struct runner *r, const struct run *run, enum client_op op, const struct asked *asked)
{
	struct guess g = {r, run, asked, ""};
	const json_t *args = asked->args;
	json_t *id = json_object_get(args, "id");
	clock_format(clock_wall_ms(), g.now);
	switch (op) {
	case CLIENT_CREATE:
		return made(&g, json_object_get(args, "data"), -1);
	case CLIENT_CREATE_MANY:
	case CLIENT_UPDATE_MANY:
		return each(&g, op);
	case CLIENT_ENSURE:
		return ensured(&g);
	case CLIENT_UPDATE:
		return changed(&g, id, json_object_get(args, "data"));
	case CLIENT_UPDATE_WHERE:
		return json_array(); /* which they are is not asked */
	case CLIENT_DELETE:
		return binned(&g, id, g.now);
	case CLIENT_RESTORE:
		return binned(&g, id, NULL);
	case CLIENT_DESTROY:
	case CLIENT_ERASE:
		return json_pack("{s:O?}", "id", id);
	case CLIENT_MERGE:
		return changed(&g, json_object_get(args, "into"), NULL);
	case CLIENT_GRAPHQL:
		return json_object();
	case CLIENT_HTTP:
		return json_pack("{s:i, s:{}, s:s}", "status", 200, "headers", "body", "");
	case CLIENT_GET:
	case CLIENT_LIST:
	case CLIENT_COUNT:
	case CLIENT_GROUP_BY:
	case CLIENT_DUPLICATES:
	case CLIENT_MEMBER:
	case CLIENT_OP_N:
		break;
	}
	return json_null();
}
