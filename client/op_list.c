/* SPDX-License-Identifier: MIT */
/*
 * list {where?, order?, limit?, after?, depth?, fields?, deleted?} -> {records, next, total}
 * From: life.c. The pages are listing.c's business; here the arguments are read and the answer is
 * put together. next and total are null where there is none or nobody knows.
 */
#include <stdlib.h>
#include <string.h>

#include "client/listing.h"
#include "client/operation.h"
#include "client/order.h"

#define LIMIT_MAX 10000

static enum rc check_order(
	const struct schema *schema, const char *object, json_t *order, struct err *err)
{
	struct order parsed;
	json_t *names = json_is_string(order) ? json_pack("[O]", order) : json_incref(order);
	enum rc rc = order_parse(schema, object, names, &parsed, err);
	json_decref(names);
	return rc;
}

static enum rc list_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	const json_t *limit = json_object_get(args, "limit");
	json_t *order = json_object_get(args, "order");
	const json_t *after = json_object_get(args, "after");
	double n = json_number_value(limit);
	if (limit != NULL && !json_is_null(limit) &&
		(!json_is_number(limit) || n < 0 || n > LIMIT_MAX || n != (double)(int64_t)n))
		return err_set(err, RC_INVALID, "limit: a whole number up to %d", LIMIT_MAX);
	if (after != NULL && !json_is_null(after) && json_string_length(after) == 0)
		return err_set(err, RC_INVALID, "after: the cursor of a page");
	enum rc rc = check_deleted(json_object_get(args, "deleted"), err);
	if (rc == RC_OK && !json_is_string(order))
		rc = check_list(order, "order", err);
	if (rc == RC_OK)
		rc = check_order(schema, object, order, err);
	if (rc == RC_OK)
		rc = check_fields(schema, object, json_object_get(args, "fields"), err);
	return rc == RC_OK ? check_filter(schema, object, json_object_get(args, "where"), err) : rc;
}

static json_t *pick_all(struct call *call, json_t *records, struct err *err)
{
	const json_t *fields = json_object_get(call->args, "fields");
	if (json_array_size(fields) == 0)
		return json_incref(records);
	json_t *out = json_array();
	size_t i;
	json_t *each;
	json_array_foreach(records, i, each)
	{
		json_t *part = NULL;
		if (fields_pick(call_schema(call), call->object, each, fields, &part, err) !=
				RC_OK ||
			json_array_append_new(out, part) != 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

static enum rc listed(struct call *call, struct listing *l, struct err *err)
{
	json_t *records = pick_all(call, l->records, err);
	json_t *next = l->next != NULL ? json_string(l->next) : json_null();
	json_t *total = l->total >= 0 ? json_integer(l->total) : json_null();
	return call_end(call,
		json_pack("{s:o, s:o, s:o}", "records", records, "next", next, "total", total),
		err);
}

static enum rc list_start(struct call *call, struct err *err)
{
	struct listing *l = NULL;
	const json_t *limit = json_object_get(call->args, "limit");
	json_t *order = json_object_get(call->args, "order");
	const char *after = call_text(call, "after");
	enum deleted deleted = deleted_of(call->args);
	enum rc rc = listing_new_where(call, json_object_get(call->args, "where"), &l, err);
	if (rc == RC_OK && after != NULL) {
		l->after = strdup(after);
		if (l->after == NULL)
			rc = err_set(err, RC_NOMEM, "no memory for a list");
	}
	if (rc == RC_OK && deleted == DELETED_NOT && where_names(l->where, "deletedAt"))
		rc = err_set(err, RC_INVALID, "deletedAt: say deleted = \"only\" or \"also\" too");
	if (rc != RC_OK) {
		listing_free(l);
		return rc;
	}
	l->order = json_is_string(order) ? json_pack("[O]", order) : json_incref(order);
	l->want = json_is_number(limit) ? (int64_t)json_number_value(limit)
					: call_dialect(call)->page_default;
	l->depth = json_number_value(json_object_get(call->args, "depth")) > 0 ? 1 : 0;
	l->deleted = deleted;
	l->kind = LISTING_CURSOR;
	return listing_start(call, l, listed, err);
}

const struct operation operation_list = {list_check, list_start};
