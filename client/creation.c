/* SPDX-License-Identifier: MIT */
/*
 * Making a record exactly once.
 * From: op_create.c, op_ensure.c. To: the dialect.
 * A duplicate error does not say what is duplicate: our own id from an earlier try (then the record
 * is read back and it is ours) or a unique value (then it is the caller's error).
 */
#include "client/creation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/evidence.h"
#include "client/listing.h"

#define SKEW_MS 300000 /* between our clock and Twenty's */

static enum rc came(struct call *call, const struct reply *reply, struct err *err);
static enum rc ask(struct call *call, struct err *err);

void creation_free(struct creation *c)
{
	if (c == NULL)
		return;
	json_decref(c->data);
	free(c);
}

static enum rc send(struct call *call, struct err *err)
{
	struct creation *c = call->creation;
	enum rc rc = call_dialect(call)->create(&call->request, c->object, c->data, err);
	if (rc == RC_OK) {
		call_send(call, came);
		call->ask = call_dialect(call)->own_ids ? NULL : ask;
		if (call_dialect(call)->own_ids)
			call_share(call, SHARE_CREATE, 0, json_incref(c->data));
	}
	return rc;
}

static enum rc found_by_id(struct call *call, struct listing *l, struct err *err)
{
	struct creation *c = call->creation;
	json_t *own = listing_find(l, json_string_value(json_object_get(c->data, "id")));
	if (!c->derived && !evidence_shows(own, c->data)) /* the rule's id: somebody else's? */
		own = NULL;
	struct reply failure = {.code = RC_DUPLICATE,
		.status = 400,
		.message = "another record, perhaps a deleted one, holds one of its unique values"};
	return c->then(call, own, own == NULL ? &failure : NULL, err);
}

static enum rc look_by_id(struct call *call, struct err *err)
{
	struct creation *c = call->creation;
	json_t *ids = json_pack("[O]", json_object_get(c->data, "id"));
	struct listing *l = ids != NULL ? listing_new() : NULL;
	json_t *condition = json_pack("{s:O}", "id", ids);
	enum rc rc = l == NULL || condition == NULL
			     ? err_set(err, RC_NOMEM, "no memory for a list")
			     : where_parse(call_schema(call), c->object, condition, &l->where, err);
	json_decref(condition);
	json_decref(ids);
	if (rc != RC_OK) {
		listing_free(l);
		return rc;
	}
	snprintf(l->object, sizeof(l->object), "%s", c->object);
	l->want = 1;
	l->deleted = DELETED_ALSO;
	return listing_start(call, l, found_by_id, err);
}

static enum rc came(struct call *call, const struct reply *reply, struct err *err)
{
	struct creation *c = call->creation;
	bool before = c->derived || call->resent || call_again(call);
	if (reply->code == RC_DUPLICATE && before && json_object_get(c->data, "id") != NULL)
		return look_by_id(call, err);
	if (reply->code != RC_OK)
		return c->then(call, NULL, reply, err);
	json_t *record = NULL;
	enum rc rc = call_dialect(call)->read_record(c->object, reply->body, &record, err);
	if (rc != RC_OK)
		return rc;
	rc = c->then(call, record, NULL, err);
	json_decref(record);
	return rc;
}

/* Values that a server gives back as they were sent. */
static bool comes_back(const char *path, const json_t *value)
{
	size_t n = strlen(path);
	bool link = n > 15 && strcmp(path + n - 15, ".primaryLinkUrl") == 0;
	bool plain = json_is_boolean(value) || json_is_integer(value) ||
		     (json_is_string(value) && json_string_length(value) > 0);
	return plain && !link && strncmp(path, "phones.", 7) != 0 && strcmp(path, "id") != 0;
}

json_t *creation_condition(const json_t *data)
{
	json_t *out = json_object();
	const char *key, *sub;
	json_t *value, *part;
	json_object_foreach((json_t *)(uintptr_t)data, key, value)
	{
		if (comes_back(key, value) && json_object_set(out, key, value) != 0)
			goto out;
		json_object_foreach(value, sub, part)
		{
			char path[FIELD_PATH_MAX];
			snprintf(path, sizeof(path), "%.60s.%.60s", key, sub);
			if (comes_back(path, part) && json_object_set(out, path, part) != 0)
				goto out;
		}
	}
	return out;
out:
	json_decref(out);
	return NULL;
}

bool creation_is_since(const json_t *record, int64_t since_ms)
{
	const char *text = json_string_value(json_object_get(record, "createdAt"));
	return text != NULL && clock_parse(text) >= since_ms - SKEW_MS;
}

static enum rc found_by_data(struct call *call, struct listing *l, struct err *err)
{
	struct creation *c = call->creation;
	size_t i;
	json_t *each;
	json_array_foreach(l->records, i, each)
	{
		if (creation_is_since(each, c->since_ms))
			return c->then(call, each, NULL, err);
	}
	return send(call, err);
}

/* Nobody knows whether the record was made, and its id is the server's: is there one like it? */
static enum rc ask(struct call *call, struct err *err)
{
	struct creation *c = call->creation;
	json_t *condition = creation_condition(c->data);
	if (condition == NULL)
		return err_set(err, RC_NOMEM, "no memory for a condition");
	if (json_object_size(condition) == 0) {
		json_decref(condition);
		call->unknown = true;
		return err_set(err, RC_TIMEOUT,
			"nobody knows whether the record was made, and it cannot be looked for");
	}
	struct listing *l = listing_new();
	enum rc rc = l == NULL
			     ? err_set(err, RC_NOMEM, "no memory for a list")
			     : where_parse(call_schema(call), c->object, condition, &l->where, err);
	json_decref(condition);
	if (rc != RC_OK) {
		listing_free(l);
		return rc;
	}
	snprintf(l->object, sizeof(l->object), "%s", c->object);
	l->order = json_pack("[s]", "-createdAt");
	l->want = 5;
	return listing_start(call, l, found_by_data, err);
}

enum rc creation_start(struct call *call, const char *object, json_t *data, int n,
	creation_then then, struct err *err)
{
	struct creation *c = calloc(1, sizeof(*c));
	if (c == NULL || data == NULL) {
		free(c);
		json_decref(data);
		return err_set(err, RC_NOMEM, "no memory for a record");
	}
	creation_free(call->creation);
	call->creation = c;
	c->data = data;
	c->then = then;
	c->since_ms = call_again(call) ? call->since_ms : clock_wall_ms();
	snprintf(c->object, sizeof(c->object), "%s", object);
	if (!call_dialect(call)->own_ids) {
		if (json_object_get(data, "id") != NULL)
			return err_set(err, RC_UNSUPPORTED, "this server chooses the ids itself");
		return call_again(call) ? ask(call, err) : send(call, err);
	}
	if (json_object_get(data, "id") == NULL) {
		struct uuid id;
		enum rc rc = call_new_id(call, n, &id, err);
		if (rc != RC_OK)
			return rc;
		c->derived = true;
		if (json_object_set_new(data, "id", json_string(id.text)) != 0)
			return err_set(err, RC_NOMEM, "no memory for a record");
	}
	return send(call, err);
}
