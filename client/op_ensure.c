/* SPDX-License-Identifier: MIT */
/*
 * ensure {where, data} -> {record, created}: finds one or makes one, never two, revives nothing.
 * From: life.c. Alike ensures (same object and condition) wait for each other here; between
 * processes the server's unique values decide, and whoever loses finds the winner's record. A
 * record that carries the id derived from this call's name was made by an earlier try of it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/creation.h"
#include "client/evidence.h"
#include "client/listing.h"
#include "client/operation.h"
#include "client/turn.h"

static bool is_nothing(const json_t *value)
{
	return json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
}

/* A condition that compares with nothing would find anybody. The ways to write a domain are a list.
 */
static bool compares_with_nothing(const struct where *w)
{
	size_t k;
	json_t *each;
	bool test = w->kind == WHERE_TEST && !w->negated;
	bool empty = test && w->op == WHERE_EQ && is_nothing(w->value);
	if (test && w->op == WHERE_IN)
		json_array_foreach(w->value, k, each) empty = empty || is_nothing(each);
	for (size_t i = 0; !empty && i < w->child_n; i++)
		empty = compares_with_nothing(w->child[i]);
	return empty;
}

static enum rc ensure_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	const json_t *condition = json_object_get(args, "where"),
		     *data = json_object_get(args, "data");
	struct where *where = NULL;
	enum rc rc = where_parse(schema, object, condition, &where, err);
	if (rc == RC_OK && !where_tests(where))
		rc = err_set(err, RC_DENIED, "ensure: the condition is empty");
	if (rc == RC_OK && compares_with_nothing(where))
		rc = err_set(err, RC_DENIED, "ensure: the condition compares with nothing");
	where_free(where);
	if (rc == RC_OK && data != NULL && !json_is_null(data))
		rc = check_record(data, "ensure", err);
	json_t *whole = NULL;
	if (rc == RC_OK && json_is_object(data))
		rc = fields_expand(schema, object, data, &whole, err);
	json_decref(whole);
	return rc;
}

static bool is_plain(const json_t *v)
{
	return json_is_string(v) || json_is_number(v) || json_is_boolean(v);
}

/* The plain equalities of the condition, and over them the data. GIVES. */
static enum rc whole_data(const struct call *call, json_t **ret_data, struct err *err)
{
	json_t *flat = json_object();
	const char *key;
	json_t *value;
	json_object_foreach(json_object_get(call->args, "where"), key,
		value) if (is_plain(value) && json_object_set(flat, key, value) != 0)
	{
		json_decref(flat);
		return err_set(err, RC_NOMEM, "no memory for a record");
	}
	json_t *out = NULL, *over = NULL;
	enum rc rc = fields_expand(call_schema(call), call->object, flat, &out, err);
	json_decref(flat);
	const json_t *data = json_object_get(call->args, "data");
	if (rc == RC_OK && json_is_object(data))
		rc = fields_expand(call_schema(call), call->object, data, &over, err);
	if (rc == RC_OK && over != NULL && json_object_update_recursive(out, over) != 0)
		rc = err_set(err, RC_NOMEM, "no memory for a record");
	json_decref(over);
	if (rc == RC_OK)
		*ret_data = out;
	else
		json_decref(out);
	return rc;
}

static enum rc answer(struct call *call, const json_t *record, bool created, struct err *err)
{
	json_t *copy = json_deep_copy(record);
	return call_end(
		call, json_pack("{s:o, s:b}", "record", copy, "created", created ? 1 : 0), err);
}

/* Was the record made by an earlier try of this very call? */
static bool is_own(struct call *call, const json_t *record)
{
	struct uuid id;
	const char *have = json_string_value(json_object_get(record, "id"));
	return call->name != NULL && *call->name != '\0' && have != NULL &&
	       call_dialect(call)->own_ids && call_new_id(call, -1, &id, NULL) == RC_OK &&
	       strcasecmp(id.text, have) == 0;
}

static enum rc find(
	struct call *call, enum deleted deleted, int64_t want, listing_then then, struct err *err)
{
	struct listing *l = NULL;
	enum rc rc = listing_new_where(call, json_object_get(call->args, "where"), &l, err);
	if (rc != RC_OK)
		return rc;
	l->want = want;
	l->sure = true;
	l->deleted = deleted;
	l->order = json_pack("[s]", "createdAt");
	return listing_start(call, l, then, err);
}

/* Somebody else holds one of the unique values: who? */
static enum rc found_after_all(struct call *call, struct listing *l, struct err *err)
{
	bool in_bin = false;
	size_t i;
	json_t *each;
	json_array_foreach(l->records, i, each)
	{
		if (field_value(each, "deletedAt") == NULL)
			return answer(call, each, is_own(call, each), err);
		in_bin = true;
	}
	return err_set(err, RC_DUPLICATE,
		in_bin ? "only a deleted record meets the condition; it still holds the unique "
			 "value "
			 "and is not revived: restore it or destroy it"
		       : "another record, perhaps a deleted one, holds one of the unique values");
}

static enum rc created(
	struct call *call, const json_t *record, const struct reply *failure, struct err *err)
{
	if (record != NULL && field_value(record, "deletedAt") == NULL) {
		enum rc rc = call->status == 201
				     ? evidence_relations(record, call->creation->data, "made", err)
				     : RC_OK;
		return rc == RC_OK ? answer(call, record, true, err) : rc;
	}
	if (record == NULL && failure->code != RC_DUPLICATE)
		return call_pass(call, failure, err);
	bool all = call_dialect(call)->deleted_lists;
	return find(call, all ? DELETED_ALSO : DELETED_NOT, 20, found_after_all, err);
}

/* Where ids are the server's, one that an earlier life may have made is told by what it holds. */
static enum rc answer_found(struct call *call, const json_t *record, struct err *err)
{
	bool own = is_own(call, record);
	json_t *data = NULL;
	if (own || !call_again(call) || call_dialect(call)->own_ids)
		return answer(call, record, own, err);
	enum rc rc = whole_data(call, &data, err);
	if (rc != RC_OK)
		return rc;
	own = creation_is_since(record, call->since_ms) && evidence_shows(record, data);
	json_decref(data);
	return answer(call, record, own, err);
}

static enum rc found(struct call *call, struct listing *l, struct err *err)
{
	json_t *first = json_array_get(l->records, 0);
	if (first != NULL)
		return answer_found(call, first, err);
	json_t *data = NULL;
	enum rc rc = whole_data(call, &data, err);
	return rc == RC_OK ? creation_start(call, call->object, data, -1, created, err) : rc;
}

static enum rc ensure_start(struct call *call, struct err *err)
{
	bool mine = false;
	enum rc rc = turn_take(call,
		json_pack("[s, O]", call->object, json_object_get(call->args, "where")), &mine,
		err);
	if (rc != RC_OK || !mine)
		return rc;
	return find(call, DELETED_NOT, 1, found, err);
}

const struct operation operation_ensure = {ensure_check, ensure_start};
