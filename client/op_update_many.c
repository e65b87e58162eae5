/* SPDX-License-Identifier: MIT */
/*
 * update_many {list: [{id, ..}, ..]} -> [record, ..] in order
 * update_where {where, data, max} -> [record, ..]
 * From: life.c. To: one update each, made on behalf of this call, so that the engine may put
 * alike ones together. Records that meet a condition are listed first and then changed by their
 * ids: never by a request that is filtered by the condition itself, for which a server sends no
 * webhooks and which could hit others by the time it comes. More than max is an error before
 * anything is written. Where some fail, the others stay changed and the error says how many.
 */
#include <stdio.h>
#include <strings.h>

#include "client/listing.h"
#include "client/operation.h"

#define LIST_MAX 1000

struct updates {
	int n; /* made on behalf of the call */
};

static enum rc args_of(const json_t *each, json_t **ret_args, struct err *err)
{
	json_t *data = json_deep_copy(each);
	json_object_del(data, "id");
	*ret_args = json_pack("{s:O?, s:o}", "id", json_object_get(each, "id"), "data", data);
	return *ret_args != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for a record");
}

static enum rc check_one(const struct schema *schema, const char *object, const json_t *each,
	size_t place, struct err *err)
{
	json_t *args = NULL;
	struct err why = {.msg = ""};
	enum rc rc = json_is_object(each) ? args_of(each, &args, &why)
					  : err_set(&why, RC_INVALID, "a table is expected");
	if (rc == RC_OK)
		rc = operation_update.check(schema, object, args, &why);
	json_decref(args);
	return rc == RC_OK
		       ? rc
		       : err_set(err, rc, "update_many: element %zu: %.200s", place + 1, why.msg);
}

/* Two changes of one record at once would be in no order. */
static enum rc check_once(const json_t *list, struct err *err)
{
	json_t *seen = json_object();
	enum rc rc = seen != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for ids");
	for (size_t i = 0; rc == RC_OK && i < json_array_size(list); i++) {
		char id[40];
		snprintf(id, sizeof(id), "%s",
			json_string_value(json_object_get(json_array_get(list, i), "id")));
		for (char *p = id; *p != '\0'; p++)
			*p = *p >= 'A' && *p <= 'F' ? (char)(*p + 32) : *p;
		if (json_object_get(seen, id) != NULL)
			rc = err_set(err, RC_INVALID,
				"update_many: element %zu: its id is there "
				"twice",
				i + 1);
		else if (json_object_set_new(seen, id, json_true()) != 0)
			rc = err_set(err, RC_NOMEM, "no memory for ids");
	}
	json_decref(seen);
	return rc;
}

static enum rc many_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	const json_t *list = json_object_get(args, "list");
	if (!json_is_array(list) && (!json_is_object(list) || json_object_size(list) > 0))
		return err_set(err, RC_INVALID, "update_many: a list of records is missing");
	if (json_array_size(list) > LIST_MAX)
		return err_set(err, RC_INVALID, "update_many: at most %d records", LIST_MAX);
	size_t i;
	json_t *each;
	json_array_foreach(list, i, each)
	{
		enum rc rc = check_one(schema, object, each, i, err);
		if (rc != RC_OK)
			return rc;
	}
	return check_once(list, err);
}

/* All have ended: their records, or what went wrong first. */
static enum rc gathered(struct call *call, struct err *err)
{
	json_t *records = json_array();
	const struct call_result *bad = NULL;
	const struct updates *w = call->work;
	int done = 0, n = w->n;
	for (int i = 0; i < n; i++) {
		const struct call_result *r = call_result(call, i);
		call->unknown = call->unknown || r->unknown;
		if (r->code == RC_OK && json_array_append(records, r->value) == 0)
			done++;
		else if (bad == NULL)
			bad = r;
	}
	if (bad == NULL)
		return call_end(call, records, err);
	json_decref(records);
	call->status = bad->status;
	return err_set(err, bad->code == RC_OK ? RC_NOMEM : bad->code,
		"%s: element %d: %.120s (%d of %d are changed and stay so)",
		client_op_name(call->op), (int)(bad - call_result(call, 0)) + 1, bad->message, done,
		n);
}

/* Makes the updates. list: records with ids; data: what to change, NULL: the rest of each. */
static enum rc update_each(struct call *call, const json_t *list, json_t *data, struct err *err)
{
	size_t i;
	json_t *each;
	if (json_array_size(list) == 0)
		return call_end(call, json_array(), err);
	enum rc rc = call_work(call, sizeof(struct updates), NULL, err);
	if (rc != RC_OK)
		return rc;
	struct updates *w = call->work;
	w->n = (int)json_array_size(list);
	json_array_foreach(list, i, each)
	{
		json_t *args = NULL;
		if (data != NULL)
			args = json_pack(
				"{s:O, s:O}", "id", json_object_get(each, "id"), "data", data);
		else
			rc = args_of(each, &args, err);
		if (rc == RC_OK)
			rc = call_child(call, CLIENT_UPDATE, args, (int)i, err);
		if (rc != RC_OK)
			return rc;
	}
	call_await(call, gathered);
	return RC_OK;
}

static enum rc many_start(struct call *call, struct err *err)
{
	return update_each(call, json_object_get(call->args, "list"), NULL, err);
}

const struct operation operation_update_many = {many_check, many_start};

/* ---- where ---- */

static enum rc where_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	const json_t *data = json_object_get(args, "data"), *max = json_object_get(args, "max");
	double n = json_number_value(max);
	enum rc rc = check_condition(
		schema, object, json_object_get(args, "where"), "update_where", err);
	if (rc == RC_OK)
		rc = check_record(data, "update_where", err);
	if (rc == RC_OK && json_object_get(data, "id") != NULL)
		rc = err_set(err, RC_INVALID, "update_where: an id cannot be changed");
	if (rc == RC_OK && (!json_is_number(max) || n < 1 || n > LIST_MAX || n != (int)n))
		rc = err_set(err, RC_INVALID, "update_where max: a whole number up to %d is needed",
			LIST_MAX);
	json_t *whole = NULL;
	if (rc == RC_OK)
		rc = fields_expand(schema, object, data, &whole, err);
	if (rc == RC_OK && json_object_size(whole) == 0)
		rc = err_set(err, RC_INVALID, "update_where: there is nothing to change");
	json_decref(whole);
	return rc;
}

static enum rc listed(struct call *call, struct listing *l, struct err *err)
{
	int max = (int)json_number_value(json_object_get(call->args, "max"));
	int n = (int)json_array_size(l->records);
	if (n > max && l->total >= n)
		return err_set(err, RC_DENIED,
			"update_where: %lld records meet the condition, more than max (%d): "
			"nothing "
			"was changed",
			(long long)l->total, max);
	if (n > max)
		return err_set(err, RC_DENIED,
			"update_where: more records meet the condition than max (%d), at least %d: "
			"nothing was changed",
			max, n);
	return update_each(call, l->records, json_object_get(call->args, "data"), err);
}

static enum rc where_start(struct call *call, struct err *err)
{
	struct listing *l = NULL;
	enum rc rc = listing_new_where(call, json_object_get(call->args, "where"), &l, err);
	if (rc == RC_OK && where_names(l->where, "deletedAt"))
		rc = err_set(err, RC_INVALID, "update_where: deleted records cannot be changed");
	if (rc != RC_OK) {
		listing_free(l);
		return rc;
	}
	l->want = (int64_t)json_number_value(json_object_get(call->args, "max")) + 1;
	l->sure = true;
	return listing_start(call, l, listed, err);
}

const struct operation operation_update_where = {where_check, where_start};
