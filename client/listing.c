/* SPDX-License-Identifier: MIT */
/*
 * Lists, page by page.
 * From: op_list.c and every operation that looks something up. To: the dialect, one request per
 * page.
 *
 * Where the server's filter says exactly what was asked, a page holds what is still wanted. Where
 * it is wider, pages are looked through here; when enough is found in the middle of a page, its
 * part is asked for once more, because only the server can make a cursor.
 */
#include "client/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static enum rc ask_page(struct call *call, struct err *err);
static enum rc page_came(struct call *call, const struct reply *reply, struct err *err);
static enum rc cut_came(struct call *call, const struct reply *reply, struct err *err);

struct listing *listing_new(void)
{
	struct listing *l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->records = json_array();
	l->total = -1;
	if (l->records == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void listing_free(struct listing *l)
{
	if (l == NULL)
		return;
	where_free(l->where);
	json_decref(l->order);
	json_decref(l->records);
	json_decref(l->ids);
	free(l->after);
	free(l->next);
	free(l);
}

static enum rc ask(struct call *call, int64_t size, call_step step, struct err *err)
{
	struct listing *l = call->listing;
	struct query query = {
		.schema = call_schema(call),
		.object = l->object,
		.where = l->where,
		.order = l->order,
		.limit = size,
		.after = l->after,
		.depth = l->depth,
		.deleted = l->deleted,
	};
	l->asked = size;
	enum rc rc = call_dialect(call)->list(&call->request, &query, &l->fit, err);
	if (rc == RC_OK)
		call_send(call, step);
	return rc;
}

static enum rc ask_page(struct call *call, struct err *err)
{
	struct listing *l = call->listing;
	const struct dialect *d = call_dialect(call);
	int64_t left = l->want - (int64_t)json_array_size(l->records);
	enum rc rc = ask(call, left < d->page_n ? left : d->page_n, page_came, err);
	if (rc != RC_OK || (l->fit == WHERE_EXACT && l->each == NULL))
		return rc;
	if (l->pages >= LISTING_PAGES)
		return err_set(err, RC_UNSUPPORTED,
			"the server cannot %s, and %d pages were not enough",
			l->each != NULL ? "do that by itself" : "filter by this condition",
			LISTING_PAGES);
	int64_t size = left > d->page_default ? left : d->page_default;
	return ask(call, size < d->page_n ? size : d->page_n, page_came, err);
}

static enum rc ignored(struct err *err)
{
	return err_set(err, RC_UPSTREAM,
		"Twenty ignored the condition and answered with other records: not believed");
}

/* Whether a record of an answer belongs to it. */
static enum rc judge(
	struct call *call, const json_t *record, enum match *ret_match, struct err *err)
{
	struct listing *l = call->listing;
	bool core = call_dialect(call)->deleted_lists;
	bool is_deleted = field_value(record, "deletedAt") != NULL;
	if ((l->deleted == DELETED_ONLY && !is_deleted) ||
		(l->deleted == DELETED_NOT && is_deleted))
		return ignored(err);
	*ret_match = MATCH_YES;
	if (l->where == NULL)
		return RC_OK;
	enum match m = where_match(l->where, record, core ? MATCH_EXACT : MATCH_ABSENT);
	if (l->fit != WHERE_EXACT && m == MATCH_UNSURE)
		return err_set(err, RC_UNSUPPORTED,
			"this condition can be judged neither by the server nor here");
	if (l->fit == WHERE_EXACT && m == MATCH_NO &&
		where_match(l->where, record, MATCH_LOOSE) == MATCH_NO)
		return ignored(err);
	*ret_match = m == MATCH_NO ? MATCH_NO : MATCH_YES;
	return RC_OK;
}

/* Takes what fits from a page; answers how many of its records were looked at. */
static enum rc take(struct call *call, const json_t *records, size_t *ret_seen, struct err *err)
{
	struct listing *l = call->listing;
	size_t i;
	json_t *each;
	json_array_foreach(records, i, each)
	{
		if ((int64_t)json_array_size(l->records) >= l->want)
			break;
		enum match match = MATCH_NO;
		enum rc rc = judge(call, each, &match, err);
		if (rc != RC_OK)
			return rc;
		if (match == MATCH_YES && l->each != NULL)
			rc = l->each(call, each, err);
		else if (match == MATCH_YES && json_array_append(l->records, each) != 0)
			rc = err_set(err, RC_NOMEM, "no memory for records");
		if (rc != RC_OK)
			return rc;
	}
	*ret_seen = i;
	return RC_OK;
}

static enum rc ignored_limit(struct err *err)
{
	return err_set(err, RC_UPSTREAM, "Twenty ignored the limit: its answer is not believed");
}

static enum rc check_progress(struct listing *l, const struct page *page, struct err *err)
{
	const char *id = json_string_value(json_object_get(json_array_get(page->records, 0), "id"));
	if (id == NULL)
		return RC_OK;
	if (l->pages == 0)
		snprintf(l->first_id, sizeof(l->first_id), "%s", id);
	else if (strcmp(l->first_id, id) == 0)
		return err_set(err, RC_UPSTREAM, "Twenty ignored the cursor and began again");
	if (page->next != NULL && l->after != NULL && strcmp(page->next, l->after) == 0)
		return err_set(err, RC_UPSTREAM, "Twenty's cursor does not move");
	return RC_OK;
}

static enum rc complete(struct call *call, struct err *err)
{
	struct listing *l = call->listing;
	return l->then(call, l, err);
}

static enum rc page_read(struct call *call, struct page *page, struct err *err)
{
	struct listing *l = call->listing;
	enum rc rc = check_progress(l, page, err);
	size_t seen = 0, n = json_array_size(page->records);
	bool from_start = l->pages == 0 && l->after == NULL;
	if (rc == RC_OK && (int64_t)n > l->asked)
		rc = ignored_limit(err);
	if (rc == RC_OK)
		rc = take(call, page->records, &seen, err);
	if (rc != RC_OK)
		return rc;
	if (l->pages++ == 0 && l->fit == WHERE_EXACT)
		l->total = page->total;
	bool full = (int64_t)json_array_size(l->records) >= l->want;
	if (full && seen < n && l->kind == LISTING_CURSOR)
		return ask(call, (int64_t)seen, cut_came, err);
	if (!full && page->next != NULL && n > 0) {
		free(l->after);
		l->after = page->next;
		page->next = NULL;
		return ask_page(call, err);
	}
	l->next = page->next;
	page->next = NULL;
	if (l->fit != WHERE_EXACT && from_start && l->next == NULL && seen == n)
		l->total = (int64_t)json_array_size(l->records);
	return complete(call, err);
}

static enum rc page_came(struct call *call, const struct reply *reply, struct err *err)
{
	if (reply->code != RC_OK)
		return call_pass(call, reply, err);
	struct page page = {.total = -1};
	enum rc rc = call_dialect(call)->read_page(call->listing->object, reply->body, &page, err);
	if (rc == RC_OK)
		rc = page_read(call, &page, err);
	page_done(&page);
	return rc;
}

/* The first part of a page came once more: only its cursor matters. */
static enum rc cut_came(struct call *call, const struct reply *reply, struct err *err)
{
	if (reply->code != RC_OK)
		return call_pass(call, reply, err);
	struct page page = {.total = -1};
	enum rc rc = call_dialect(call)->read_page(call->listing->object, reply->body, &page, err);
	if (rc == RC_OK && (int64_t)json_array_size(page.records) > call->listing->asked)
		rc = ignored_limit(err);
	if (rc == RC_OK) {
		call->listing->next = page.next;
		page.next = NULL;
		rc = complete(call, err);
	}
	page_done(&page);
	return rc;
}

enum rc listing_start(
	struct call *call, struct listing *listing, listing_then then, struct err *err)
{
	if (listing == NULL)
		return err_set(err, RC_NOMEM, "no memory for a list");
	listing_free(call->listing);
	call->listing = listing;
	if (listing->object[0] == '\0')
		snprintf(listing->object, sizeof(listing->object), "%s", call->object);
	listing->then = then;
	return ask_page(call, err);
}

static enum rc read_next(struct call *call, struct err *err);

static enum rc record_came(struct call *call, const struct reply *reply, struct err *err)
{
	struct listing *l = call->listing;
	json_t *record = NULL;
	if (reply->code != RC_OK && reply->code != RC_NOT_FOUND)
		return call_pass(call, reply, err);
	enum rc rc = RC_OK;
	if (reply->code == RC_OK)
		rc = call_dialect(call)->read_record(l->object, reply->body, &record, err);
	if (rc == RC_OK && record != NULL && json_array_append_new(l->records, record) != 0)
		rc = err_set(err, RC_NOMEM, "no memory for records");
	return rc == RC_OK ? read_next(call, err) : rc;
}

/* One record after another, by its id. */
static enum rc read_next(struct call *call, struct err *err)
{
	struct listing *l = call->listing;
	size_t n = json_array_size(l->ids);
	if (n == 0)
		return complete(call, err);
	const char *id = json_string_value(json_array_get(l->ids, n - 1));
	enum rc rc = call_dialect(call)->get(&call->request, l->object, id, 0, NULL, err);
	json_array_remove(l->ids, n - 1);
	if (rc == RC_OK)
		call_send(call, record_came);
	return rc;
}

static enum rc start_reading(
	struct call *call, struct listing *l, const json_t *ids, listing_then then, struct err *err)
{
	l->ids = json_deep_copy(ids);
	l->then = then;
	snprintf(l->object, sizeof(l->object), "%s", call->object);
	listing_free(call->listing);
	call->listing = l;
	return l->ids != NULL ? read_next(call, err)
			      : err_set(err, RC_NOMEM, "no memory for a list");
}

enum rc listing_by_ids(struct call *call, const json_t *ids, enum deleted deleted,
	listing_then then, struct err *err)
{
	struct listing *l = listing_new();
	if (l == NULL)
		return err_set(err, RC_NOMEM, "no memory for a list");
	if (!call_dialect(call)->deleted_lists)
		return start_reading(call, l, ids, then, err);
	json_t *list = json_deep_copy(ids), *condition = json_pack("{s:o}", "id", list);
	enum rc rc = condition != NULL ? where_parse(call_schema(call), call->object, condition,
						 &l->where, err)
				       : err_set(err, RC_NOMEM, "no memory for a list");
	json_decref(condition);
	if (rc != RC_OK) {
		listing_free(l);
		return rc;
	}
	l->want = (int64_t)json_array_size(ids);
	l->deleted = deleted;
	rc = listing_start(call, l, then, err);
	if (rc == RC_OK && l->want <= call_dialect(call)->page_n) {
		call_share_ids(call, deleted, 0, json_deep_copy(ids));
		call->share.form = SHARE_PAGE;
	}
	return rc;
}

json_t *listing_find(const struct listing *l, const char *id)
{
	size_t i;
	json_t *each;
	json_array_foreach(l->records, i, each)
	{
		const char *have = json_string_value(json_object_get(each, "id"));
		if (have != NULL && strcasecmp(have, id) == 0)
			return each;
	}
	return NULL;
}
