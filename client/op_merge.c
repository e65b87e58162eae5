/* SPDX-License-Identifier: MIT */
/*
 * merge {into, from, preview?} -> the merged record. What is merged away is gone for good.
 * From: life.c. More records than one request can take become several with the same survivor.
 * After a request whose outcome nobody knows, the losers are looked for before anything is
 * repeated; where all of them are gone and the survivor is there, the merge has been done, be it by
 * an earlier try of this call or by somebody else. A deleted loser is an error: it can still come
 * back.
 */
#include <string.h>
#include <strings.h>

#include "client/listing.h"
#include "client/operation.h"

#define FROM_MAX 200

struct merge {
	json_t *left;   /* owned; ids that are still to be merged away */
	json_t *batch;  /* owned; those of the request at hand */
	json_t *record; /* owned; the survivor as last seen */
	bool doubtful;  /* nobody knows whether the batch was merged */
};

static enum rc merge_next(struct call *call, struct err *err);
static enum rc look(struct call *call, struct err *err);

static void merge_done(void *work)
{
	struct merge *w = work;
	json_decref(w->left);
	json_decref(w->batch);
	json_decref(w->record);
}

static enum rc merge_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	(void)schema, (void)object;
	const json_t *into = json_object_get(args, "into"), *from = json_object_get(args, "from");
	enum rc rc = check_id(into, "merge into", err);
	if (rc == RC_OK && (!json_is_array(from) || json_array_size(from) == 0))
		rc = err_set(err, RC_DENIED, "merge from: a list of ids is missing");
	if (rc == RC_OK && json_array_size(from) > FROM_MAX)
		rc = err_set(err, RC_INVALID, "merge from: at most %d ids", FROM_MAX);
	for (size_t i = 0; rc == RC_OK && i < json_array_size(from); i++) {
		const json_t *id = json_array_get(from, i);
		rc = check_id(id, "merge from", err);
		if (rc == RC_OK && strcasecmp(json_string_value(id), json_string_value(into)) == 0)
			rc = err_set(
				err, RC_DENIED, "merge: a record cannot be merged into itself");
		for (size_t k = 0; rc == RC_OK && k < i; k++)
			if (strcasecmp(json_string_value(id),
				    json_string_value(json_array_get(from, k))) == 0)
				rc = err_set(err, RC_DENIED, "merge from: an id is there twice");
	}
	return rc;
}

static bool is_preview(const struct call *call)
{
	return json_is_true(json_object_get(call->args, "preview"));
}

/* The losers that still exist are what is left to do. */
static enum rc looked(struct call *call, struct listing *l, struct err *err)
{
	struct merge *w = call->work;
	json_t *survivor = listing_find(l, call_text(call, "into"));
	if (survivor == NULL || field_value(survivor, "deletedAt") != NULL)
		return err_set(err, RC_NOT_FOUND, "the record to merge into is not there");
	json_t *there = json_array();
	size_t i;
	json_t *id;
	json_array_foreach(w->batch, i, id)
	{
		json_t *loser = listing_find(l, json_string_value(id));
		bool bad = loser != NULL && field_value(loser, "deletedAt") != NULL;
		if (bad || (loser != NULL && json_array_append(there, id) != 0)) {
			json_decref(there);
			return bad ? err_set(err, RC_NOT_FOUND, "a record to merge is deleted")
				   : err_set(err, RC_NOMEM, "no memory for ids");
		}
	}
	bool vain = json_array_size(there) == json_array_size(w->batch) && !w->doubtful;
	w->doubtful = false;
	json_array_extend(there, w->left);
	json_decref(w->left);
	w->left = there;
	json_decref(w->record);
	w->record = json_deep_copy(survivor);
	if (vain)
		return err_set(err, RC_NOT_FOUND, "one of the records to merge is not there");
	return merge_next(call, err);
}

static enum rc look(struct call *call, struct err *err)
{
	struct merge *w = call->work;
	json_t *ids = json_pack("[O]", json_object_get(call->args, "into"));
	bool all = call_dialect(call)->deleted_lists;
	enum rc rc =
		json_array_extend(ids, w->batch) != 0
			? err_set(err, RC_NOMEM, "no memory for ids")
			: listing_by_ids(call, ids, all ? DELETED_ALSO : DELETED_NOT, looked, err);
	json_decref(ids);
	return rc;
}

/* The answer was lost. */
static enum rc look_after(struct call *call, struct err *err)
{
	struct merge *w = call->work;
	w->doubtful = true;
	return look(call, err);
}

static enum rc came(struct call *call, const struct reply *reply, struct err *err)
{
	struct merge *w = call->work;
	if (reply->code == RC_NOT_FOUND)
		return look(call, err);
	json_t *record = NULL;
	enum rc rc = call_record(call, reply, &record, err);
	if (rc != RC_OK)
		return rc;
	json_decref(w->record);
	w->record = record;
	const char *id = json_string_value(json_object_get(record, "id"));
	if (is_preview(call)) { /* its id is made up, and it is no deleted record */
		json_t *copy = json_copy(record);
		json_object_set(copy, "id", json_object_get(call->args, "into"));
		json_object_set_new(copy, "deletedAt", json_null());
		return call_end(call, copy, err);
	}
	if (strcasecmp(id, call_text(call, "into")) != 0)
		return err_set(
			err, RC_UPSTREAM, "Twenty merged into another record than was asked for");
	return merge_next(call, err);
}

static enum rc merge_next(struct call *call, struct err *err)
{
	struct merge *w = call->work;
	const struct dialect *d = call_dialect(call);
	if (json_array_size(w->left) == 0)
		return call_end(call, json_incref(w->record), err);
	json_array_clear(w->batch);
	while (json_array_size(w->left) > 0 && (int)json_array_size(w->batch) < d->merge_n) {
		if (json_array_append(w->batch, json_array_get(w->left, 0)) != 0)
			return err_set(err, RC_NOMEM, "no memory for ids");
		json_array_remove(w->left, 0);
	}
	enum rc rc = d->merge(&call->request, call->object, call_text(call, "into"), w->batch,
		is_preview(call), err);
	if (rc != RC_OK)
		return rc;
	call_send(call, came);
	call->ask = is_preview(call) ? NULL : look_after;
	return RC_OK;
}

static enum rc merge_start(struct call *call, struct err *err)
{
	const struct dialect *d = call_dialect(call);
	const json_t *from = json_object_get(call->args, "from");
	if (is_preview(call) && !d->merge_preview)
		return err_set(err, RC_UNSUPPORTED, "this server cannot try a merge out");
	if (is_preview(call) && (int)json_array_size(from) > d->merge_n)
		return err_set(err, RC_UNSUPPORTED,
			"a merge of more than %d records takes several requests, which cannot be "
			"tried out",
			d->merge_n + 1);
	enum rc rc = call_work(call, sizeof(struct merge), merge_done, err);
	if (rc != RC_OK)
		return rc;
	struct merge *w = call->work;
	w->left = json_copy((json_t *)(uintptr_t)from);
	w->batch = json_array();
	if (w->left == NULL || w->batch == NULL)
		return err_set(err, RC_NOMEM, "no memory for ids");
	if (!call_again(call) || is_preview(call))
		return merge_next(call, err);
	json_t *none = w->batch; /* which of all are still there? */
	w->batch = w->left;
	w->left = none;
	return look_after(call, err);
}

const struct operation operation_merge = {merge_check, merge_start};
