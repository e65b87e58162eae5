/* SPDX-License-Identifier: MIT */
/*
 * List and get in the core dialect.
 * From: core.c. To: page.c. Unknown parameters are ignored without a word, as on a real server.
 */
#include <string.h>

#include "tests/twin/core.h"

#define LIMIT_DEFAULT 60
#define LIMIT_MAX 200

static bool list_query(struct call *c, struct object *o, struct page_query *q, struct fail *fail)
{
	const char *order = query_find(&c->query, "order_by");
	const char *after = query_find(&c->query, "starting_after");
	const char *before = query_find(&c->query, "ending_before");
	q->object = o;
	if (!call_limit(c, LIMIT_DEFAULT, LIMIT_MAX, &q->limit, fail) ||
		!core_filter(c, o, &q->filter, fail))
		return false;
	if (order != NULL && !order_parse(q, &c->world->schema, order, fail))
		return false;
	if (after != NULL && before != NULL)
		return fail_bad(fail, "Cannot provide both before and after");
	if (after != NULL && !cursor_parse(after, &q->after, fail))
		return false;
	return before == NULL || cursor_parse(before, &q->before, fail);
}

static json_t *page_info(const struct page *p)
{
	return json_pack("{s:s?,s:s?,s:b,s:b}", "startCursor", p->start, "endCursor", p->end,
		"hasNextPage", p->has_next, "hasPreviousPage", p->has_previous);
}

bool core_list(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	struct page_query q = {0};
	struct page page = {0};
	int depth;
	bool ok = call_depth(c, &depth, fail) && list_query(c, o, &q, fail) &&
		  page_select(&q, &page, fail);
	if (ok) {
		json_t *list = json_array();
		for (size_t i = 0; i < page.n; i++)
			json_array_append_new(
				list, record_show(c->world, o, page.rows[i]->rec, depth));
		answer_json(c, 200,
			json_pack("{s:{s:o},s:I,s:o}", "data", o->plural, list, "totalCount",
				(json_int_t)page.total, "pageInfo", page_info(&page)));
	}
	page_done(&page);
	page_query_done(&q);
	return ok;
}

bool core_get(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	int depth;
	if (!call_depth(c, &depth, fail))
		return false;
	const struct row *row = table_find(o->table, id);
	if (row == NULL || row->deleted)
		return fail_not_found(fail);
	answer_data(c, 200, "", o->singular, record_show(c->world, o, row->rec, depth));
	return true;
}
