/* SPDX-License-Identifier: MIT */
/*
 * create {data} -> record; create_many {list} -> [record, ..] in the order of the list.
 * From: life.c. A batch is all or nothing at the server; more than one batch is not, but each
 * record's id is derived from the call's name and its place, so a repeated call makes none twice.
 * `about = {opportunity = id}` on a new task or note links it, with a record of the linking object.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "client/creation.h"
#include "client/evidence.h"
#include "client/listing.h"
#include "client/operation.h"
#include "client/written.h"

#define LIST_MAX 1000

struct create {
	json_t *record; /* owned */
	json_t *about;  /* owned; links that are still to be made: {"person": id} */
	bool old_names; /* links are called personId, not targetPersonId */
};

static void create_done(void *work)
{
	struct create *w = work;
	json_decref(w->record);
	json_decref(w->about);
}

static enum rc check_about(
	const struct schema *schema, const char *object, const json_t *about, struct err *err)
{
	if (about == NULL)
		return RC_OK;
	if (strcmp(object, "tasks") != 0 && strcmp(object, "notes") != 0)
		return err_set(err, RC_INVALID, "about: only tasks and notes are about something");
	if (!json_is_object(about) || json_object_size(about) == 0)
		return err_set(err, RC_INVALID, "about: a table such as {person = id}");
	const char *key;
	json_t *id;
	json_object_foreach((json_t *)(uintptr_t)about, key, id)
	{
		struct field field;
		enum rc rc =
			strchr(key, '.') == NULL && strlen(key) < 40
				? field_find(schema, object, key, &field, err)
				: err_set(err, RC_INVALID, "about: a table such as {person = id}");
		if (rc == RC_OK)
			rc = check_id(id, "about", err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc create_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	const json_t *data = json_object_get(args, "data");
	enum rc rc = check_record(data, "create", err);
	if (rc == RC_OK)
		rc = check_about(schema, object, json_object_get(data, "about"), err);
	json_t *whole = NULL;
	if (rc == RC_OK)
		rc = fields_expand(schema, object, data, &whole, err);
	json_decref(whole);
	return rc;
}

/* Only the answer to the creation itself: a record that was found may have changed since. */
static enum rc check_relations(
	const struct call *call, const json_t *record, const json_t *data, struct err *err)
{
	return call->status == 201 ? evidence_relations(record, data, "made", err) : RC_OK;
}

static enum rc link_next(struct call *call, struct err *err);

static enum rc linked(
	struct call *call, const json_t *record, const struct reply *failure, struct err *err)
{
	struct create *w = call->work;
	if (record == NULL && failure->code == RC_REJECTED && !w->old_names) {
		w->old_names = true; /* before version 2 */
		return link_next(call, err);
	}
	if (record == NULL)
		return call_pass(call, failure, err);
	written_also(call, call->creation->object, record);
	json_object_del(w->about, json_object_iter_key(json_object_iter(w->about)));
	return link_next(call, err);
}

/* tasks -> taskTargets {taskId, targetOpportunityId} */
static enum rc link_next(struct call *call, struct err *err)
{
	struct create *w = call->work;
	void *it = json_object_iter(w->about);
	if (it == NULL)
		return call_end(call, json_incref(w->record), err);
	bool task = strcmp(call->object, "tasks") == 0;
	const char *key = json_object_iter_key(it);
	char name[64];
	if (w->old_names)
		snprintf(name, sizeof(name), "%.40sId", key);
	else
		snprintf(name, sizeof(name), "target%c%.40sId", toupper((unsigned char)key[0]),
			key + 1);
	json_t *data = json_pack("{s:O, s:O}", task ? "taskId" : "noteId",
		json_object_get(w->record, "id"), name, json_object_iter_value(it));
	return creation_start(call, task ? "taskTargets" : "noteTargets", data,
		(int)json_object_size(w->about), linked, err);
}

static enum rc created(
	struct call *call, const json_t *record, const struct reply *failure, struct err *err)
{
	struct create *w = call->work;
	if (record == NULL)
		return call_pass(call, failure, err);
	enum rc rc = check_relations(call, record, call->creation->data, err);
	if (rc != RC_OK)
		return rc;
	if (json_object_size(w->about) > 0) /* should a link fail, this is made all the same */
		written_also(call, call->object, record);
	w->record = json_deep_copy(record);
	return w->record == NULL ? err_set(err, RC_NOMEM, "no memory for a record")
				 : link_next(call, err);
}

static enum rc create_start(struct call *call, struct err *err)
{
	json_t *data = NULL;
	enum rc rc = call_work(call, sizeof(struct create), create_done, err);
	if (rc == RC_OK)
		rc = fields_expand(call_schema(call), call->object,
			json_object_get(call->args, "data"), &data, err);
	if (rc != RC_OK)
		return rc;
	struct create *w = call->work;
	w->about = json_incref(json_object_get(data, "about"));
	json_object_del(data, "about");
	return creation_start(call, call->object, data, -1, created, err);
}

const struct operation operation_create = {create_check, create_start};

/* ---- many ---- */

struct many {
	json_t *list;    /* owned; expanded, with ids where we choose them */
	json_t *records; /* owned; null where one is not made yet */
	size_t from, n;  /* the batch at hand */
	size_t looked;   /* docs: the record that is looked for */
	size_t asked; /* docs: those before it have been looked for, for an earlier life's sake */
	int64_t since_ms; /* wall: when the first of them may have gone out */
};

static enum rc many_next(struct call *call, struct err *err);
static enum rc many_ask(struct call *call, struct err *err);

static void many_done(void *work)
{
	struct many *w = work;
	json_decref(w->list);
	json_decref(w->records);
}

static enum rc many_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	const json_t *list = json_object_get(args, "list");
	if (!json_is_array(list) && json_object_size(list) > 0)
		return err_set(err, RC_INVALID, "create_many: a list of records is missing");
	if (json_array_size(list) > LIST_MAX)
		return err_set(err, RC_INVALID, "create_many: at most %d records", LIST_MAX);
	size_t i;
	json_t *each;
	json_array_foreach(list, i, each)
	{
		json_t *whole = NULL;
		enum rc rc = check_record(each, "create_many", err);
		if (rc == RC_OK && json_object_get(each, "about") != NULL)
			rc = err_set(err, RC_INVALID, "create_many: about works with create only");
		if (rc == RC_OK)
			rc = fields_expand(schema, object, each, &whole, err);
		json_decref(whole);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* Puts records of an answer into their places by id. False: one is missing. */
static bool place_by_id(struct many *w, const json_t *records)
{
	size_t found = 0;
	for (size_t i = w->from; i < w->from + w->n; i++) {
		const char *id =
			json_string_value(json_object_get(json_array_get(w->list, i), "id"));
		size_t k;
		json_t *each;
		json_array_foreach(records, k, each)
		{
			const char *have = json_string_value(json_object_get(each, "id"));
			if (have == NULL || strcasecmp(have, id) != 0)
				continue;
			if (json_array_set(w->records, i, each) != 0)
				return false;
			found++;
			break;
		}
	}
	return found == w->n;
}

/* Puts them into the places that are still empty, in order. */
static bool place_in_order(struct many *w, const json_t *records)
{
	size_t k = 0;
	for (size_t i = w->from; i < w->from + w->n; i++) {
		if (!json_is_null(json_array_get(w->records, i)))
			continue;
		if (json_array_set(w->records, i, json_array_get(records, k++)) != 0)
			return false;
	}
	return k == json_array_size(records);
}

static enum rc many_looked(struct call *call, struct listing *l, struct err *err)
{
	struct many *w = call->work;
	if (!place_by_id(w, l->records))
		return err_set(err, RC_DUPLICATE,
			"one of the records holds a unique value that exists already");
	w->from += w->n;
	return many_next(call, err);
}

static enum rc look_for_all(struct call *call, struct err *err)
{
	struct many *w = call->work;
	json_t *ids = json_array();
	for (size_t i = w->from; i < w->from + w->n; i++)
		if (json_array_append(ids, json_object_get(json_array_get(w->list, i), "id")) !=
			0) {
			json_decref(ids);
			return err_set(err, RC_NOMEM, "no memory for ids");
		}
	enum rc rc = listing_by_ids(call, ids, DELETED_ALSO, many_looked, err);
	json_decref(ids);
	return rc;
}

static enum rc many_came(struct call *call, const struct reply *reply, struct err *err)
{
	struct many *w = call->work;
	bool own = call_dialect(call)->own_ids;
	if (reply->code == RC_DUPLICATE && own)
		return look_for_all(call, err);
	if (reply->code != RC_OK)
		return call_pass(call, reply, err);
	json_t *records = NULL;
	enum rc rc = call_dialect(call)->read_records(call->object, reply->body, &records, err);
	if (rc != RC_OK)
		return rc;
	bool ok = own ? place_by_id(w, records) : place_in_order(w, records);
	json_decref(records);
	if (!ok)
		return err_set(err, RC_UPSTREAM, "Twenty's answer does not hold every record");
	for (size_t i = w->from; rc == RC_OK && i < w->from + w->n; i++)
		rc = check_relations(
			call, json_array_get(w->records, i), json_array_get(w->list, i), err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = w->from; w->from + w->n < json_array_size(w->list) && i < w->from + w->n;
		i++)
		written_also(call, call->object, json_array_get(w->records, i));
	w->from += w->n;
	return many_next(call, err);
}

static enum rc look_one(struct call *call, struct err *err);

static enum rc one_looked(struct call *call, struct listing *l, struct err *err)
{
	struct many *w = call->work;
	size_t i;
	json_t *each;
	json_array_foreach(l->records, i, each)
	{
		bool taken = false;
		for (size_t k = w->from; k < w->from + w->n; k++)
			taken = taken || json_equal(json_array_get(w->records, k), each);
		if (!taken && creation_is_since(each, w->since_ms) &&
			json_array_set(w->records, w->looked, each) == 0)
			break;
	}
	w->looked++;
	return look_one(call, err);
}

/* Which of the batch were made? Then the rest is sent again. */
static enum rc look_one(struct call *call, struct err *err)
{
	struct many *w = call->work;
	if (w->looked >= w->from + w->n)
		return many_next(call, err);
	json_t *condition = creation_condition(json_array_get(w->list, w->looked));
	struct listing *l = NULL;
	if (json_object_size(condition) == 0) {
		json_decref(condition);
		call->unknown = true;
		return err_set(err, RC_TIMEOUT, "nobody knows whether the records were made");
	}
	enum rc rc = listing_new_where(call, condition, &l, err);
	json_decref(condition);
	if (rc != RC_OK)
		return rc;
	l->order = json_pack("[s]", "-createdAt");
	l->want = (int64_t)w->n;
	return listing_start(call, l, one_looked, err);
}

static enum rc many_ask(struct call *call, struct err *err)
{
	struct many *w = call->work;
	w->looked = w->from;
	return look_one(call, err);
}

static enum rc many_next(struct call *call, struct err *err)
{
	struct many *w = call->work;
	const struct dialect *d = call_dialect(call);
	size_t total = json_array_size(w->list);
	json_t *batch = json_array();
	for (;; w->from += w->n) {
		if (w->from >= total) {
			json_decref(batch);
			return call_end(call, json_incref(w->records), err);
		}
		size_t left = total - w->from;
		w->n = left < (size_t)d->batch_n ? left : (size_t)d->batch_n;
		for (size_t i = w->from; i < w->from + w->n; i++)
			if (json_is_null(json_array_get(w->records, i)) &&
				json_array_append(batch, json_array_get(w->list, i)) != 0) {
				json_decref(batch);
				return err_set(err, RC_NOMEM, "no memory for records");
			}
		if (json_array_size(batch) > 0)
			break;
	}
	if (call_again(call) && !d->own_ids && w->asked < w->from + w->n) {
		w->asked = w->from + w->n;
		json_decref(batch);
		return many_ask(call, err);
	}
	enum rc rc = d->create_many(&call->request, call->object, batch, err);
	json_decref(batch);
	if (rc != RC_OK)
		return rc;
	call_send(call, many_came);
	call->ask = d->own_ids ? NULL : many_ask;
	return RC_OK;
}

static enum rc many_start(struct call *call, struct err *err)
{
	enum rc rc = call_work(call, sizeof(struct many), many_done, err);
	if (rc != RC_OK)
		return rc;
	struct many *w = call->work;
	w->list = json_array();
	w->records = json_array();
	w->since_ms = call_again(call) ? call->since_ms : clock_wall_ms();
	bool own = call_dialect(call)->own_ids;
	size_t i;
	json_t *each;
	json_array_foreach(json_object_get(call->args, "list"), i, each)
	{
		json_t *data = NULL;
		struct uuid id;
		rc = fields_expand(call_schema(call), call->object, each, &data, err);
		bool given = json_object_get(data, "id") != NULL;
		if (rc == RC_OK && given && !own)
			rc = err_set(err, RC_UNSUPPORTED, "this server chooses the ids itself");
		if (rc == RC_OK && own && !given)
			rc = call_new_id(call, (int)i, &id, err);
		if (rc == RC_OK && own && !given &&
			json_object_set_new(data, "id", json_string(id.text)) != 0)
			rc = RC_NOMEM;
		if (rc != RC_OK) {
			json_decref(data);
			return rc;
		}
		if (json_array_append_new(w->list, data) != 0 ||
			json_array_append_new(w->records, json_null()) != 0)
			return err_set(err, RC_NOMEM, "no memory for records");
	}
	return many_next(call, err);
}

const struct operation operation_create_many = {many_check, many_start};
