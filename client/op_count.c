/* SPDX-License-Identifier: MIT */
/*
 * count {where?, deleted?} -> number
 * From: life.c. Where the server can say the condition and tells totals, it is asked for one
 * record and its total, and the record is held against the condition: who ignored it is not
 * believed. Otherwise the pages are looked through and counted here, no more than listing.h allows.
 */
#include "client/listing.h"
#include "client/operation.h"

struct count {
	int64_t n;
};

static enum rc count_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	enum rc rc = check_deleted(json_object_get(args, "deleted"), err);
	return rc == RC_OK ? check_filter(schema, object, json_object_get(args, "where"), err) : rc;
}

static enum rc listing_of(struct call *call, struct listing **ret_listing, struct err *err)
{
	enum rc rc =
		listing_new_where(call, json_object_get(call->args, "where"), ret_listing, err);
	if (rc == RC_OK)
		(*ret_listing)->deleted = deleted_of(call->args);
	return rc;
}

static enum rc one_more(struct call *call, const json_t *record, struct err *err)
{
	(void)record, (void)err;
	struct count *w = call->work;
	w->n++;
	return RC_OK;
}

static enum rc counted(struct call *call, struct listing *l, struct err *err)
{
	(void)l;
	struct count *w = call->work;
	return call_end(call, json_integer(w->n), err);
}

static enum rc by_pages(struct call *call, struct err *err)
{
	struct listing *l = NULL;
	enum rc rc = call_work(call, sizeof(struct count), NULL, err);
	if (rc == RC_OK)
		rc = listing_of(call, &l, err);
	if (rc != RC_OK)
		return rc;
	l->want = INT64_MAX;
	l->each = one_more;
	return listing_start(call, l, counted, err);
}

static enum rc told(struct call *call, struct listing *l, struct err *err)
{
	if (l->total < 0)
		return by_pages(call, err);
	if ((l->total == 0) != (json_array_size(l->records) == 0))
		return err_set(err, RC_UPSTREAM, "Twenty's total does not fit its records");
	return call_end(call, json_integer(l->total), err);
}

/* Does the server's filter say exactly what was asked? */
static enum rc find_fit(
	struct call *call, const struct listing *l, enum where_fit *ret_fit, struct err *err)
{
	struct query query = {.schema = call_schema(call),
		.object = call->object,
		.where = l->where,
		.limit = 1,
		.deleted = l->deleted};
	return call_dialect(call)->list(&call->request, &query, ret_fit, err);
}

static enum rc count_start(struct call *call, struct err *err)
{
	struct listing *l = NULL;
	enum where_fit fit = WHERE_NOTHING;
	enum rc rc = listing_of(call, &l, err);
	if (rc != RC_OK)
		return rc;
	if (l->deleted == DELETED_NOT && where_names(l->where, "deletedAt"))
		rc = err_set(err, RC_INVALID, "deletedAt: say deleted = \"only\" or \"also\" too");
	if (rc == RC_OK)
		rc = find_fit(call, l, &fit, err);
	if (rc == RC_OK && fit == WHERE_EXACT && call_dialect(call)->totals) {
		l->want = 1;
		return listing_start(call, l, told, err);
	}
	listing_free(l);
	return rc == RC_OK ? by_pages(call, err) : rc;
}

const struct operation operation_count = {count_check, count_start};
