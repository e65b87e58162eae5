/* SPDX-License-Identifier: MIT */
/*
 * Selects pages of rows.
 * From: core_read.c, docs.c, graphql.c. To: store.c (rows), filter.c. Fails with a sentence for bad
 * orders and cursors. A filter that pins rows by id or unique value does not look at the others; an
 * unfiltered page in order of id starts where its cursor points.
 */
#include "tests/twin/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/twin/base64.h"
#include "tests/twin/print.h"
#include "tests/twin/value.h"

#define PINNED_MAX 1024

void page_query_done(struct page_query *q)
{
	filter_free(q->filter);
	json_decref(q->after);
	json_decref(q->before);
}

bool order_add(struct page_query *q, const struct schema *s, const char *path, bool descending,
	bool nulls_last, struct fail *fail)
{
	if (q->order_n == ORDER_MAX)
		return fail_bad(fail, "'order_by' has too many fields");
	struct order *o = &q->order[q->order_n];
	if (path_parse(&o->path, s, q->object, path) != PATH_OK) {
		snprintf(fail->field, sizeof(fail->field), "%s", path);
		return fail_with(fail, 400, "Error", "FIELD_NOT_FOUND",
			"Field \"%s\" does not exist or is not sortable", path);
	}
	o->descending = descending;
	o->nulls_last = nulls_last;
	q->order_n++;
	return true;
}

bool order_parse(struct page_query *q, const struct schema *s, const char *text, struct fail *fail)
{
	while (*text != '\0') {
		char item[200];
		size_t n = strcspn(text, ",");
		snprintf(item, sizeof(item), "%.*s", (int)(n < 199 ? n : 199), text);
		text += n + (text[n] == ',');
		const char *direction = "AscNullsFirst";
		char *open = strchr(item, '[');
		if (open != NULL && strchr(open, ']') != NULL) {
			*open = '\0';
			direction = open + 1;
			*strchr(open + 1, ']') = '\0';
		}
		static const char *const known[] = {
			"AscNullsFirst", "AscNullsLast", "DescNullsFirst", "DescNullsLast"};
		size_t i = 0;
		while (i < ARRAY_N(known) && strcmp(known[i], direction) != 0)
			i++;
		if (i == ARRAY_N(known))
			return fail_bad(fail,
				"'order_by' direction '%s' invalid. Allowed values are "
				"'AscNullsFirst', 'AscNullsLast', 'DescNullsFirst', "
				"'DescNullsLast'. eg: ?order_by=field_1[AscNullsFirst],"
				"field_2[DescNullsLast],field_3",
				direction);
		if (!order_add(q, s, item, i >= 2, i % 2 == 1, fail))
			return false;
	}
	return true;
}

bool cursor_parse(const char *text, json_t **ret, struct fail *fail)
{
	char *plain = base64_decode(text);
	json_t *cursor = plain != NULL ? json_loads(plain, 0, NULL) : NULL;
	free(plain);
	if (json_is_object(cursor) && json_is_string(json_object_get(cursor, "id"))) {
		*ret = cursor;
		return true;
	}
	json_decref(cursor);
	return fail_bad(fail, "Invalid cursor: %s", text);
}

/* {"name":{"lastName":"Abbott"},"id":".."} */
char *cursor_format(const struct page_query *q, const json_t *rec)
{
	json_t *cursor = json_object();
	for (size_t i = 0; i < q->order_n; i++) {
		const struct path *p = &q->order[i].path;
		json_t *value = path_value(p, rec);
		const char *key = p->via != NULL ? p->via->name : field_key(p->field);
		if (value == NULL)
			value = json_null();
		if (p->sub != NULL && p->via == NULL)
			json_object_set_new(cursor, key, json_pack("{s:O}", p->sub, value));
		else
			json_object_set(cursor, key, value);
	}
	json_object_set(cursor, "id", json_object_get(rec, "id"));
	struct buf out;
	buf_init(&out, 1u << 20);
	char *text = print_json(&out, cursor) == RC_OK ? base64_encode(out.p, out.n) : NULL;
	buf_done(&out);
	json_decref(cursor);
	return text;
}

static int value_compare(const struct order *o, const json_t *a, const json_t *b)
{
	bool a_null = value_is_empty(a), b_null = value_is_empty(b);
	if (a_null || b_null) {
		int c = (int)a_null - (int)b_null; /* 1: only a is null */
		return o->nulls_last ? c : -c;
	}
	int c = 0;
	if (json_is_number(a) && json_is_number(b)) {
		double x = json_number_value(a), y = json_number_value(b);
		c = (x > y) - (x < y);
	} else if (json_is_string(a) && json_is_string(b)) {
		c = strcasecmp(json_string_value(a), json_string_value(b));
		if (c == 0)
			c = strcmp(json_string_value(a), json_string_value(b));
	} else {
		c = json_is_true(a) - json_is_true(b);
	}
	return o->descending ? -c : c;
}

static int row_compare(const void *a, const void *b, void *arg)
{
	const struct page_query *q = arg;
	const struct row *const *x = a, *const *y = b;
	for (size_t i = 0; i < q->order_n; i++) {
		int c = value_compare(&q->order[i], path_value(&q->order[i].path, (*x)->rec),
			path_value(&q->order[i].path, (*y)->rec));
		if (c != 0)
			return c;
	}
	return strcmp((*x)->id, (*y)->id);
}

/* Where a row stands relative to a cursor: < 0 before it, 0 at it, > 0 behind it. */
static int cursor_compare(const struct page_query *q, const struct row *row, const json_t *cursor)
{
	for (size_t i = 0; i < q->order_n; i++) {
		const struct path *p = &q->order[i].path;
		const json_t *v = json_object_get(
			cursor, p->via != NULL ? p->via->name : field_key(p->field));
		if (p->sub != NULL && p->via == NULL)
			v = json_object_get(v, p->sub);
		int c = value_compare(&q->order[i], path_value(p, row->rec), v);
		if (c != 0)
			return c;
	}
	return strcmp(row->id, json_string_value(json_object_get(cursor, "id")));
}

struct row **page_all(const struct object *o, const struct filter *filter, bool deleted_too,
	size_t max, size_t *ret_n)
{
	deleted_too = deleted_too || filter_mentions(filter, "deletedAt");
	struct row *pinned[PINNED_MAX];
	size_t all_n = 0;
	struct row **all = pinned;
	bool is_pinned = filter_candidates(filter, o, pinned, PINNED_MAX, &all_n);
	if (!is_pinned)
		all = table_rows(o->table, &all_n);
	struct row **rows = malloc((all_n + 1) * sizeof(struct row *));
	size_t n = 0;
	for (size_t i = 0; rows != NULL && i < all_n && n < max; i++) {
		if ((all[i]->deleted && !deleted_too) || !filter_matches(filter, all[i]->rec))
			continue;
		rows[n++] = all[i];
	}
	struct page_query by_id = {.object = o};
	if (is_pinned && n > 1)
		qsort_r(rows, n, sizeof(struct row *), row_compare, &by_id);
	*ret_n = n;
	return rows;
}

/* Cuts the page out of the rows that match, which are in order. */
static void page_cut(const struct page_query *q, struct page *p)
{
	size_t from = 0, to = p->n;
	if (q->after != NULL) {
		while (from < to && cursor_compare(q, p->rows[from], q->after) <= 0)
			from++;
	}
	if (q->before != NULL) {
		while (to > from && cursor_compare(q, p->rows[to - 1], q->before) >= 0)
			to--;
	}
	if (to - from > q->limit) {
		p->has_next = q->before == NULL;
		p->has_previous = q->before != NULL;
		if (q->before != NULL)
			from = to - q->limit;
		else
			to = from + q->limit;
	}
	p->n = to - from;
	memmove(p->rows, p->rows + from, p->n * sizeof(struct row *));
}

/* An unfiltered list in order of id, nothing deleted: the page alone is looked at. */
static bool page_direct(const struct page_query *q, struct page *p)
{
	struct table *t = q->object->table;
	if (q->filter != NULL || q->order_n != 0 || q->before != NULL || t->deleted_n != 0)
		return false;
	size_t n, from = 0;
	struct row **rows = table_rows(t, &n);
	if (q->after != NULL) {
		size_t to = n;
		while (from < to) {
			size_t mid = from + (to - from) / 2;
			if (cursor_compare(q, rows[mid], q->after) <= 0)
				from = mid + 1;
			else
				to = mid;
		}
	}
	p->total = n;
	p->n = n - from < q->limit ? n - from : q->limit;
	p->has_next = n - from > q->limit;
	p->rows = malloc((p->n + 1) * sizeof(struct row *));
	if (p->rows != NULL && p->n != 0)
		memcpy(p->rows, rows + from, p->n * sizeof(struct row *));
	return true;
}

bool page_select(const struct page_query *q, struct page *ret, struct fail *fail)
{
	struct page p = {0};
	if (!page_direct(q, &p)) {
		p.rows = page_all(q->object, q->filter, false, SIZE_MAX, &p.n);
		p.total = p.n;
		if (p.rows != NULL && q->order_n != 0)
			qsort_r(p.rows, p.n, sizeof(struct row *), row_compare,
				(void *)(uintptr_t)q);
		if (p.rows != NULL)
			page_cut(q, &p);
	}
	if (p.rows == NULL)
		return fail_nomem(fail);
	if (p.n != 0) {
		/* going backwards a real server names the ends from its own point of view */
		size_t first = q->before != NULL ? p.n - 1 : 0;
		p.start = cursor_format(q, p.rows[first]->rec);
		p.end = cursor_format(q, p.rows[p.n - 1 - first]->rec);
	}
	*ret = p;
	return true;
}

void page_done(struct page *p)
{
	free(p->rows);
	free(p->start);
	free(p->end);
	*p = (struct page){0};
}
