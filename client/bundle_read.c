/* SPDX-License-Identifier: MIT */
/*
 * Reads that go together: the same ones, records by their ids, searches for duplicates.
 * From: bundle.c, engine.c. To: the dialect, and back to the members. An answer that does not hold
 * what was asked for is not believed: then the members go alone, and ids are not put together any
 * more.
 */
#include <string.h>

#include "base/log.h"
#include "client/bundle.h"
#include "client/engine.h"

/* ---- the same request ---- */

static enum rc same_prepare(struct call *carrier, struct err *err)
{
	(void)err;
	struct call *first = carrier->bundle->member[0];
	if (carrier->request.target.n > 0) /* once made, it serves all */
		return RC_OK;
	struct request empty = carrier->request;
	carrier->request = first->request;
	first->request = empty;
	return RC_OK;
}

static enum rc same_came(struct call *carrier, const struct reply *reply, struct err *err)
{
	(void)err;
	bundle_reply_all(carrier, reply);
	return bundle_end(carrier);
}

const struct bundle_kind bundle_same = {"same", same_prepare, same_came};

/* ---- records by id ---- */

enum { VARIANT_DELETED = 3, VARIANT_DEPTH = 4 }; /* bits of share.variant, see call_share_ids */

static json_t *ids_of(const struct bundle *b)
{
	json_t *set = json_object(), *list = json_array();
	size_t k;
	json_t *each;
	for (size_t i = 0; i < b->n; i++)
		json_array_foreach(b->member[i]->share.item, k, each)
		{
			const char *id = json_string_value(each);
			if (json_object_get(set, id) == NULL &&
				(json_object_set_new(set, id, json_null()) != 0 ||
					json_array_append(list, each) != 0))
				goto out;
		}
	json_decref(set);
	return list;
out:
	json_decref(set);
	json_decref(list);
	return NULL;
}

enum rc bundle_list_ids(
	struct call *carrier, json_t *ids, enum deleted deleted, int depth, struct err *err)
{
	json_t *condition = ids != NULL ? json_pack("{s:o}", "id", ids) : NULL;
	struct where *where = NULL;
	enum where_fit fit = WHERE_NOTHING;
	if (condition == NULL)
		return err_set(err, RC_NOMEM, "no memory for ids");
	struct query query = {.object = carrier->object,
		.limit = (int64_t)json_array_size(ids),
		.depth = depth,
		.deleted = deleted};
	enum rc rc = where_parse(NULL, carrier->object, condition, &where, err);
	query.where = where;
	if (rc == RC_OK)
		rc = call_dialect(carrier)->list(&carrier->request, &query, &fit, err);
	if (rc == RC_OK && fit != WHERE_EXACT)
		rc = err_set(err, RC_UNSUPPORTED, "the server cannot be asked for ids");
	where_free(where);
	json_decref(condition);
	return rc;
}

bool bundle_plain_id(const char *id)
{
	for (const char *p = id; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			return false;
	return true;
}

static enum rc ids_prepare(struct call *carrier, struct err *err)
{
	struct bundle *b = carrier->bundle;
	int variant = b->member[0]->share.variant;
	return bundle_list_ids(carrier, ids_of(b), (enum deleted)(variant & VARIANT_DELETED),
		(variant & VARIANT_DEPTH) != 0, err);
}

void call_share_ids(struct call *call, enum deleted deleted, int depth, json_t *ids)
{
	size_t i;
	json_t *each;
	json_array_foreach(ids, i, each) if (!bundle_plain_id(json_string_value(each)))
	{
		json_decref(ids);
		return;
	}
	call_share(call, SHARE_IDS, (int)deleted | (depth > 0 ? VARIANT_DEPTH : 0), ids);
}

json_t *bundle_records_by_id(const json_t *records, const json_t *asked)
{
	json_t *wanted = json_object(), *found = json_object();
	size_t i;
	json_t *each;
	json_array_foreach(asked, i, each)
		json_object_set_new(wanted, json_string_value(each), json_null());
	json_array_foreach(records, i, each)
	{
		const char *id = json_string_value(json_object_get(each, "id"));
		if (id == NULL || json_object_get(wanted, id) == NULL ||
			json_object_get(found, id) != NULL ||
			json_object_set(found, id, each) != 0) {
			json_decref(found);
			found = NULL;
			break;
		}
	}
	json_decref(wanted);
	return found;
}

/* The page that a list by id would have answered. */
static void reply_page(struct call *member, json_t *found)
{
	json_t *records = json_array();
	size_t i;
	json_t *each;
	json_array_foreach(member->share.item, i, each)
	{
		json_t *record = json_object_get(found, json_string_value(each));
		if (record != NULL)
			json_array_append(records, record);
	}
	json_t *body = json_pack("{s:{s:o}, s:I, s:{s:b, s:n}}", "data", member->object, records,
		"totalCount", (json_int_t)json_array_size(records), "pageInfo", "hasNextPage", 0,
		"endCursor");
	struct reply reply = {.code = RC_OK, .status = 200, .body = body, .message = ""};
	if (body == NULL) {
		reply.code = RC_NOMEM;
		reply.message = "no memory for an answer";
	}
	bundle_reply(member, &reply);
	json_decref(body);
}

static void ids_answer(struct call *carrier, json_t *found)
{
	struct bundle *b = carrier->bundle;
	while (b->n > 0) {
		struct call *member = b->member[0];
		json_t *id = json_array_get(member->share.item, 0);
		json_t *record = json_object_get(found, json_string_value(id));
		if (member->share.form == SHARE_PAGE)
			reply_page(member, found);
		else if (record != NULL)
			bundle_reply_record(member, record, 200);
		else
			bundle_reply_missing(member);
	}
}

/* Records that were not asked for: the server did not understand the filter. */
static bool has_wrong_state(const json_t *records, enum deleted deleted)
{
	size_t i;
	json_t *each;
	json_array_foreach(records, i, each)
	{
		bool gone = field_value(each, "deletedAt") != NULL;
		if ((deleted == DELETED_NOT && gone) || (deleted == DELETED_ONLY && !gone))
			return true;
	}
	return false;
}

json_t *bundle_listed(
	struct call *carrier, const struct reply *reply, const json_t *asked, enum deleted deleted)
{
	struct page page = {.total = -1};
	json_t *found = NULL;
	if (asked == NULL || reply->code != RC_OK ||
		call_dialect(carrier)->read_page(carrier->object, reply->body, &page, NULL) !=
			RC_OK)
		return NULL;
	/* a server that gives fewer at once says so here: who is missing is not gone */
	bool whole = page.next == NULL &&
		     (page.total < 0 || page.total == (int64_t)json_array_size(page.records));
	if (whole && !has_wrong_state(page.records, deleted))
		found = bundle_records_by_id(page.records, asked);
	page_done(&page);
	return found;
}

static enum rc ids_came(struct call *carrier, const struct reply *reply, struct err *err)
{
	(void)err;
	struct bundle *b = carrier->bundle;
	if (reply->code != RC_OK) {
		bundle_refused(carrier, reply);
		return bundle_end(carrier);
	}
	json_t *asked = ids_of(b);
	enum deleted deleted = (enum deleted)(b->member[0]->share.variant & VARIANT_DELETED);
	json_t *found = bundle_listed(carrier, reply, asked, deleted);
	if (found == NULL) {
		log_warn(NULL,
			"Twenty ignored a list of ids: records are read one by one from now on");
		carrier->engine->coalesce.get = false;
		bundle_return_all(carrier);
	} else
		ids_answer(carrier, found);
	json_decref(found);
	json_decref(asked);
	return bundle_end(carrier);
}

const struct bundle_kind bundle_ids = {"ids", ids_prepare, ids_came};

/* ---- searches for duplicates ---- */

static enum rc compare_prepare(struct call *carrier, struct err *err)
{
	struct bundle *b = carrier->bundle;
	json_t *all = json_array();
	for (size_t i = 0; i < b->n; i++)
		if (json_array_extend(all, b->member[i]->share.item) != 0) {
			json_decref(all);
			return err_set(err, RC_NOMEM, "no memory for records");
		}
	enum rc rc =
		call_dialect(carrier)->duplicates(&carrier->request, carrier->object, all, err);
	json_decref(all);
	return rc;
}

/* One list of records in the words of the server. BORROWS nothing. */
static json_t *shown(json_t *records)
{
	return json_pack("{s:O}", "sameDuplicates", records);
}

static enum rc compare_came(struct call *carrier, const struct reply *reply, struct err *err)
{
	struct bundle *b = carrier->bundle;
	size_t total = 0, at = 0;
	for (size_t i = 0; i < b->n; i++)
		total += json_array_size(b->member[i]->share.item);
	if (reply->code != RC_OK) {
		bundle_refused(carrier, reply);
		return bundle_end(carrier);
	}
	json_t *lists = NULL;
	enum rc rc = call_dialect(carrier)->read_duplicates(
		carrier->object, reply->body, total, &lists, err);
	if (rc != RC_OK || json_array_size(lists) != total) {
		bundle_return_all(carrier);
		json_decref(lists);
		return bundle_end(carrier);
	}
	while (b->n > 0) {
		struct call *member = b->member[0];
		json_t *part = json_array();
		for (size_t i = json_array_size(member->share.item); i > 0; i--)
			json_array_append_new(part, shown(json_array_get(lists, at++)));
		json_t *body = json_pack("{s:o}", "data", part);
		struct reply one = {.code = body != NULL ? RC_OK : RC_NOMEM,
			.status = 200,
			.body = body,
			.message = body != NULL ? "" : "no memory for an answer"};
		bundle_reply(member, &one);
		json_decref(body);
	}
	json_decref(lists);
	return bundle_end(carrier);
}

const struct bundle_kind bundle_compare = {"compare", compare_prepare, compare_came};
