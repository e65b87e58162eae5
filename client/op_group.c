/* SPDX-License-Identifier: MIT */
/*
 * group_by {field, sum?, where?, by?, zone?} -> rows (group.h), in no order
 * From: life.c. The server groups where it can say all of it. Whether it minds a condition there
 * is nowhere promised, so that its counts are held against the total of a list with the same
 * condition; where they differ, or the server cannot say it, the records are grouped here, over as
 * many pages as listing.h allows.
 */
#include <string.h>

#include "client/listing.h"
#include "client/operation.h"

struct grouped {
	struct grouping grouping;
	struct groups groups; /* owned; made here */
	json_t *rows;         /* owned; of the server */
};

static void grouped_done(void *work)
{
	struct grouped *w = work;
	groups_done(&w->groups);
	json_decref(w->rows);
}

static enum rc group_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	struct grouping grouping;
	enum rc rc = group_parse(schema, object, args, &grouping, err);
	return rc == RC_OK ? check_filter(schema, object, json_object_get(args, "where"), err) : rc;
}

static enum rc listing_of(struct call *call, struct listing **ret_listing, struct err *err)
{
	return listing_new_where(call, json_object_get(call->args, "where"), ret_listing, err);
}

static enum rc add(struct call *call, const json_t *record, struct err *err)
{
	struct grouped *w = call->work;
	return groups_add(&w->groups, &w->grouping, record, err);
}

static enum rc all_added(struct call *call, struct listing *l, struct err *err)
{
	(void)l;
	struct grouped *w = call->work;
	json_t *rows = NULL;
	enum rc rc = groups_rows(&w->groups, &w->grouping, &rows, err);
	return rc == RC_OK ? call_end(call, rows, err) : rc;
}

/* Fields of related records come with the records they belong to. */
static int depth_of(const struct grouping *g)
{
	int depth = 0;
	for (size_t i = 0; i < g->by_n + g->sum_n; i++) {
		const struct group_field *f = i < g->by_n ? &g->by[i] : &g->sum[i - g->by_n];
		if (strchr(f->field.path, '.') != NULL)
			depth = 1;
	}
	return depth;
}

static enum rc group_here(struct call *call, struct err *err)
{
	struct grouped *w = call->work;
	struct listing *l = NULL;
	if (w->grouping.step != GROUP_WHOLE && strcmp(w->grouping.zone, "UTC") != 0)
		return err_set(err, RC_UNSUPPORTED,
			"this server's API cannot cut times in a zone: leave zone out, for UTC");
	enum rc rc = listing_of(call, &l, err);
	if (rc != RC_OK)
		return rc;
	l->want = INT64_MAX;
	l->each = add;
	l->depth = depth_of(&w->grouping);
	return listing_start(call, l, all_added, err);
}

static enum rc checked(struct call *call, struct listing *l, struct err *err)
{
	struct grouped *w = call->work;
	int64_t n = 0;
	size_t i;
	json_t *row;
	json_array_foreach(w->rows, i, row) n += json_integer_value(json_object_get(row, "count"));
	return n == l->total ? call_end(call, json_incref(w->rows), err) : group_here(call, err);
}

static enum rc came(struct call *call, const struct reply *reply, struct err *err)
{
	struct grouped *w = call->work;
	struct listing *l = NULL;
	if (reply->code != RC_OK)
		return call_pass(call, reply, err);
	enum rc rc = call_dialect(call)->read_groups(&w->grouping, reply->body, &w->rows, err);
	if (rc == RC_UNSUPPORTED)
		return group_here(call, err);
	if (rc == RC_OK)
		rc = listing_of(call, &l, err);
	if (rc != RC_OK)
		return rc;
	if (!where_tests(l->where)) {
		listing_free(l);
		return call_end(call, json_incref(w->rows), err);
	}
	l->want = 1;
	return listing_start(call, l, checked, err);
}

static enum rc group_start(struct call *call, struct err *err)
{
	struct where *where = NULL;
	enum where_fit fit = WHERE_NOTHING;
	enum rc rc = call_work(call, sizeof(struct grouped), grouped_done, err);
	if (rc != RC_OK)
		return rc;
	struct grouped *w = call->work;
	rc = group_parse(call_schema(call), call->object, call->args, &w->grouping, err);
	if (rc == RC_OK)
		rc = where_parse(call_schema(call), call->object,
			json_object_get(call->args, "where"), &where, err);
	if (rc == RC_OK && where_names(where, "deletedAt"))
		rc = err_set(err, RC_INVALID, "deletedAt: deleted records are in no group");
	if (rc == RC_OK)
		rc = call_dialect(call)->group(
			&call->request, call->object, &w->grouping, where, &fit, err);
	else {
		where_free(where);
		return rc;
	}
	where_free(where);
	if (rc == RC_UNSUPPORTED || (rc == RC_OK && fit != WHERE_EXACT))
		return group_here(call, err);
	if (rc == RC_OK)
		call_send(call, came);
	return rc;
}

const struct operation operation_group_by = {group_check, group_start};
