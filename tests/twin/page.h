/* SPDX-License-Identifier: MIT */
/* Selecting rows: filter, order, cursors, a page. */
#ifndef MOONHOOK_TESTS_TWIN_PAGE_H
#define MOONHOOK_TESTS_TWIN_PAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "tests/twin/fail.h"
#include "tests/twin/filter.h"

#define ORDER_MAX 8

struct order {
	struct path path;
	bool descending, nulls_last;
};

struct page_query {
	const struct object *object;
	struct filter *filter; /* owned; NULL: all */
	struct order order[ORDER_MAX];
	size_t order_n; /* the id comes last by itself */
	size_t limit;
	json_t *after, *before; /* owned; decoded cursors, or NULL */
};

struct page {
	struct row **rows; /* owned list of borrowed rows */
	size_t n;
	size_t total;
	bool has_next, has_previous;
	char *start, *end; /* owned; cursors, NULL where there is no row */
};

void page_query_done(struct page_query *q);
/* Reads "createdAt[DescNullsLast],name.lastName". */
bool order_parse(struct page_query *q, const struct schema *s, const char *text,
	struct fail *fail) must_check;
bool order_add(struct page_query *q, const struct schema *s, const char *path, bool descending,
	bool nulls_last, struct fail *fail) must_check;
/* Reads a cursor: base64 of {"<order path>":..,"id":..}. GIVES. */
bool cursor_parse(const char *text, json_t **ret, struct fail *fail) must_check;
/* The cursor of a row under that order. GIVES; NULL when out of memory. */
char *cursor_format(const struct page_query *q, const json_t *rec);

/* Picks the page. Rows that are softly deleted count only where the filter speaks of deletedAt. */
bool page_select(const struct page_query *q, struct page *ret, struct fail *fail) must_check;
void page_done(struct page *p);
/* All rows that match, in order of id, at most max of them. GIVES the list. */
struct row **page_all(const struct object *o, const struct filter *filter, bool deleted_too,
	size_t max, size_t *ret_n);

#endif
