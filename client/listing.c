/* SPDX-License-Identifier: MIT */
/*
 * Lists, page by page.
 * From: op_list.c and every operation that looks something up. To: the dialect, one request per
 * page.
 *
 * Where the server's filter says exactly what was asked, a page holds what is still wanted. Where
 * it is wider, pages are looked through here. A list of values that is too long for one request is
 * asked for in parts, one after another.
 *
 * Only the server can make a cursor, and it makes them for ends of pages. Where enough is found in
 * the middle of one, `next` names the page's beginning and the last id that was taken from it, and
 * the part of the list: "~part~id~cursor".
 */
#include "client/listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/order.h"

#define STALE_MAX 3 /* pages in a row without a new record */

static enum rc ask_page(struct call *call, struct err *err);
static enum rc page_came(struct call *call, const struct reply *reply, struct err *err);

struct listing *listing_new(void)
{
	struct listing *l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->records = json_array();
	l->seen = json_object();
	l->total = -1;
	if (l->records != NULL && l->seen != NULL)
		return l;
	listing_free(l);
	return NULL;
}

enum rc listing_new_where(const struct call *call, const json_t *condition,
	struct listing **ret_listing, struct err *err)
{
	struct listing *l = listing_new();
	enum rc rc =
		l == NULL ? err_set(err, RC_NOMEM, "no memory for a list")
			  : where_parse(call_schema(call), call->object, condition, &l->where, err);
	if (rc == RC_OK)
		*ret_listing = l;
	else
		listing_free(l);
	return rc;
}

void listing_free(struct listing *l)
{
	if (l == NULL)
		return;
	where_free(l->where);
	json_decref(l->order);
	json_decref(l->records);
	json_decref(l->ids);
	json_decref(l->seen);
	json_decref(l->last);
	where_free(l->part_where);
	free(l->after);
	free(l->next);
	free(l);
}

static enum rc complete(struct call *call, struct err *err)
{
	struct listing *l = call->listing;
	return l->then(call, l, err);
}

static const struct where *where_now(const struct listing *l)
{
	return l->part_where != NULL ? l->part_where : l->where;
}

/* Writes the request for the next page. */
static enum rc write_page(struct call *call, int64_t size, struct err *err)
{
	struct listing *l = call->listing;
	struct query query = {
		.schema = call_schema(call),
		.object = l->object,
		.where = where_now(l),
		.order = l->order,
		.limit = size,
		.after = l->after,
		.depth = l->depth,
		.deleted = l->deleted,
	};
	l->asked = size;
	return call_dialect(call)->list(&call->request, &query, &l->fit, err);
}

static enum rc ask_page(struct call *call, struct err *err)
{
	struct listing *l = call->listing;
	const struct dialect *d = call_dialect(call);
	int64_t left = l->want - (int64_t)json_array_size(l->records);
	int64_t size = left < d->page_n ? left : d->page_n;
	enum rc rc = write_page(call, size, err);
	if (rc != RC_OK)
		return rc;
	/* nothing is wanted: only an exact filter can tell how many there are */
	if (l->want == 0 && (l->fit != WHERE_EXACT || l->parts > 1 || !d->deleted_lists))
		return complete(call, err);
	if ((l->fit != WHERE_EXACT || l->each != NULL) && l->pages >= LISTING_PAGES)
		return err_set(err, RC_UNSUPPORTED,
			"the server cannot %s, and %d pages were not enough",
			l->each != NULL ? "do that by itself" : "filter by this condition",
			LISTING_PAGES);
	/* of what is filtered here, nobody knows how much a page holds: first a usual one, then
	 * large ones */
	int64_t least = l->pages > 0 ? d->page_n : d->page_default;
	if ((l->fit != WHERE_EXACT || l->skip[0] != '\0') && size < least)
		rc = write_page(call, least, err);
	if (rc == RC_OK)
		call_send(call, page_came);
	return rc;
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
	enum match m = where_match(where_now(l), record, core ? MATCH_EXACT : MATCH_ABSENT);
	if (l->fit != WHERE_EXACT && m == MATCH_UNSURE)
		return err_set(err, RC_UNSUPPORTED,
			"this condition can be judged neither by the server nor here");
	/* what is unsure for another reason than that, is so with and without the field */
	if (l->sure && m == MATCH_UNSURE &&
		where_match(where_now(l), record, MATCH_ABSENT) != MATCH_UNSURE)
		return err_set(err, RC_UNSUPPORTED,
			"Twenty's records do not show what the condition is about, so that "
			"nobody can tell whether it was minded");
	if (l->fit == WHERE_EXACT && m == MATCH_NO &&
		where_match(where_now(l), record, MATCH_LOOSE) == MATCH_NO)
		return ignored(err);
	bool earlier = l->part > 0 && m != MATCH_NO && where_part_of(l->where, record) < l->part;
	*ret_match = m == MATCH_NO || earlier ? MATCH_NO : MATCH_YES;
	return RC_OK;
}

static const char *id_of(const json_t *record)
{
	const char *id = json_string_value(json_object_get(record, "id"));
	return id != NULL ? id : "";
}

struct taken {          /* from a page */
	size_t new_n;   /* records that were not seen before */
	bool more;      /* it holds some that are meant, but no longer wanted */
	const char *id; /* of the last one before those; BORROWS */
};

static enum rc take_one(struct call *call, json_t *record, struct taken *taken, struct err *err)
{
	struct listing *l = call->listing;
	const char *id = id_of(record);
	if (json_object_get(l->seen, id) != NULL)
		return RC_OK; /* it has moved to this page meanwhile */
	enum match match = MATCH_NO;
	enum rc rc = judge(call, record, &match, err);
	if (rc != RC_OK)
		return rc;
	bool full = (int64_t)json_array_size(l->records) >= l->want;
	taken->new_n++;
	taken->more = taken->more || (full && match == MATCH_YES);
	if (taken->more)
		return RC_OK;
	taken->id = id;
	if (json_object_set_new(l->seen, id, json_boolean(match == MATCH_YES)) != 0)
		return err_set(err, RC_NOMEM, "no memory for records");
	if (match == MATCH_YES && l->each != NULL)
		return l->each(call, record, err);
	if (match == MATCH_YES && json_array_append(l->records, record) != 0)
		return err_set(err, RC_NOMEM, "no memory for records");
	return RC_OK;
}

/* How many records of this page were given before the call. Where the last of them is gone, the
 * order of ids tells, which a real server keeps unless it is told otherwise. */
static size_t given_n(struct listing *l, const json_t *records, bool by_id)
{
	size_t i, n = 0, below_n = 0;
	json_t *each;
	json_array_foreach(records, i, each)
	{
		if (strcmp(id_of(each), l->skip) == 0)
			n = i + 1;
		if (l->skip[0] != '\0' && below_n == i && strcmp(id_of(each), l->skip) < 0)
			below_n++;
	}
	l->skip[0] = '\0';
	return n == 0 && by_id ? below_n : n;
}

static enum rc take(
	struct call *call, const json_t *records, struct taken *ret_taken, struct err *err)
{
	struct taken taken = {.id = ""};
	enum rc rc = RC_OK;
	size_t n = json_array_size(records);
	bool by_id =
		call_dialect(call)->deleted_lists && json_array_size(call->listing->order) == 0;
	size_t given = given_n(call->listing, records, by_id);
	for (size_t i = given; i < n && rc == RC_OK; i++)
		rc = take_one(call, json_array_get(records, i), &taken, err);
	*ret_taken = taken;
	return rc;
}

/* Is the page what was asked for, whatever the condition? */
static enum rc check_page(struct call *call, const struct page *page, struct err *err)
{
	struct listing *l = call->listing;
	if ((int64_t)json_array_size(page->records) > l->asked)
		return err_set(
			err, RC_UPSTREAM, "Twenty ignored the limit: its answer is not believed");
	if (page->next != NULL && l->after != NULL && strcmp(page->next, l->after) == 0)
		return err_set(err, RC_UPSTREAM, "Twenty's cursor does not move");
	struct order order;
	enum rc rc = order_parse(call_schema(call), l->object, l->order, &order, err);
	size_t i;
	json_t *each;
	json_array_foreach(page->records, i, each)
	{
		if (rc != RC_OK)
			return rc;
		if (l->last != NULL &&
			!order_fits(&order, l->last, each, call_dialect(call)->deleted_lists))
			return err_set(err, RC_UPSTREAM,
				"Twenty ignored the order: its answer is not believed");
		json_decref(l->last);
		l->last = json_incref(each);
	}
	return rc;
}

/* Pages have to come to an end, also where each has a cursor to another one. */
static enum rc check_progress(
	struct listing *l, const struct page *page, const struct taken *taken, struct err *err)
{
	const char *id = id_of(json_array_get(page->records, 0));
	bool again = l->pages > 0 && strcmp(l->first_id, id) == 0;
	if (l->pages == 0)
		snprintf(l->first_id, sizeof(l->first_id), "%s", id);
	l->stale = taken->new_n > 0 ? 0 : l->stale + 1;
	if (l->stale == 0 || page->next == NULL || json_array_size(page->records) == 0)
		return RC_OK;
	if (again || l->stale >= STALE_MAX)
		return err_set(err, RC_UPSTREAM, "Twenty ignored the cursor and began again");
	return RC_OK;
}

/* GIVES. NULL: no memory. */
static char *cursor_format(size_t part, const char *id, const char *cursor)
{
	if (part == 0 && *id == '\0')
		return strdup(cursor);
	size_t n = strlen(id) + strlen(cursor) + 32;
	char *text = malloc(n);
	if (text != NULL)
		snprintf(text, n, "~%zu~%s~%s", part, id, cursor);
	return text;
}

/* Reads the cursor that the listing begins at. */
static enum rc cursor_parse(struct listing *l, struct err *err)
{
	l->whole = l->after == NULL;
	if (l->after == NULL || *l->after != '~')
		return RC_OK;
	char *end = l->after, *id = NULL;
	bool number = end[1] >= '0' && end[1] <= '9';
	unsigned long long part = strtoull(l->after + 1, &end, 10);
	size_t n = 0;
	if (number && *end == '~' && part < l->parts) {
		id = end + 1;
		n = strcspn(id, "~");
	}
	if (id == NULL || id[n] != '~' || n >= sizeof(l->skip))
		return err_set(err, RC_INVALID, "after: no cursor of this list");
	snprintf(l->skip, sizeof(l->skip), "%.*s", (int)n, id);
	l->part = (size_t)part;
	memmove(l->after, id + n + 1, strlen(id + n + 1) + 1);
	if (*l->after == '\0') {
		free(l->after);
		l->after = NULL;
	}
	return RC_OK;
}

/* The condition of the part that is due. */
static enum rc part_open(struct listing *l, struct err *err)
{
	where_free(l->part_where);
	l->part_where = l->parts > 1 ? where_part(l->where, l->part) : NULL;
	if (l->parts > 1 && l->part_where == NULL)
		return err_set(err, RC_NOMEM, "no memory for a list");
	return RC_OK;
}

/* What one part of the condition did not want, the next one may. */
static void forget_unwanted(struct listing *l)
{
	const char *id;
	json_t *wanted;
	void *next;
	json_object_foreach_safe(l->seen, next, id, wanted) if (!json_is_true(wanted))
		json_object_del(l->seen, id);
}

static enum rc part_next(struct call *call, struct err *err)
{
	struct listing *l = call->listing;
	forget_unwanted(l);
	free(l->after);
	l->after = NULL;
	l->first_id[0] = '\0';
	l->stale = 0;
	l->part++;
	enum rc rc = part_open(l, err);
	return rc == RC_OK ? ask_page(call, err) : rc;
}

/* All there is was found: where the choice was made here, that is its number. */
static void count(struct listing *l)
{
	if (l->whole && (l->fit != WHERE_EXACT || l->parts > 1))
		l->total = (int64_t)json_array_size(l->records);
}

/* Everything that is wanted was found: where does it go on? */
static enum rc cut(
	struct call *call, const struct page *page, const struct taken *taken, struct err *err)
{
	struct listing *l = call->listing;
	if (l->kind != LISTING_CURSOR)
		return complete(call, err);
	bool parts_left = l->part + 1 < l->parts;
	if (taken->more)
		l->next = cursor_format(l->part, taken->id, l->after != NULL ? l->after : "");
	else if (page->next != NULL)
		l->next = cursor_format(l->part, "", page->next);
	else if (parts_left)
		l->next = cursor_format(l->part + 1, "", "");
	if (l->next == NULL && (taken->more || page->next != NULL || parts_left))
		return err_set(err, RC_NOMEM, "no memory for a cursor");
	if (l->next == NULL)
		count(l);
	return complete(call, err);
}

static enum rc page_read(struct call *call, struct page *page, struct err *err)
{
	struct listing *l = call->listing;
	struct taken taken = {.id = ""};
	enum rc rc = check_page(call, page, err);
	if (rc == RC_OK)
		rc = take(call, page->records, &taken, err);
	if (rc == RC_OK)
		rc = check_progress(l, page, &taken, err);
	if (rc != RC_OK)
		return rc;
	if (l->pages++ == 0 && l->fit == WHERE_EXACT && l->parts <= 1)
		l->total = page->total;
	bool last = page->next == NULL || json_array_size(page->records) == 0;
	if ((int64_t)json_array_size(l->records) >= l->want && (!last || taken.more || l->want > 0))
		return cut(call, page, &taken, err);
	if (!last) {
		free(l->after);
		l->after = page->next;
		page->next = NULL;
		return ask_page(call, err);
	}
	if (l->part + 1 < l->parts)
		return part_next(call, err);
	count(l);
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
	bool core = call_dialect(call)->deleted_lists;
	listing->parts = core && listing->where != NULL ? where_parts(listing->where) : 1;
	if (listing->parts > 1 && json_array_size(listing->order) > 0)
		return err_set(err, RC_INVALID,
			"order: a list that long is asked for in parts, which cannot be sorted: "
			"list fewer values or leave out order");
	enum rc rc = cursor_parse(listing, err);
	if (rc == RC_OK)
		rc = part_open(listing, err);
	return rc == RC_OK ? ask_page(call, err) : rc;
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
