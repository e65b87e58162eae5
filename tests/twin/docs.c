/* SPDX-License-Identifier: MIT */
/*
 * The dialect of the published REST documentation: flat records, {data, pageInfo}, deletes that can
 * be taken back, rate limit headers on every answer. From: app.c. To: change.c, page.c, merge.c,
 * through docs_record.c and docs_query.c. The rows are the same as in the core dialect: this is a
 * translation at the edge.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/twin/change.h"
#include "tests/twin/core.h"
#include "tests/twin/docs_query.h"
#include "tests/twin/docs_record.h"
#include "tests/twin/group.h"
#include "tests/twin/merge.h"

static void answer_record(struct call *c, int status, struct object *o, const json_t *rec)
{
	answer_json(c, status, json_pack("{s:o}", "data", docs_record(c->world, o, rec, NULL)));
}

static bool docs_list(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	struct page_query q = {0};
	struct page page = {0};
	json_t *fields = NULL;
	bool ok = docs_fields(c, o, &fields, fail) && docs_page_query(c, o, &q, fail) &&
		  page_select(&q, &page, fail);
	if (ok) {
		json_t *list = json_array();
		for (size_t i = 0; i < page.n; i++)
			json_array_append_new(
				list, docs_record(c->world, o, page.rows[i]->rec, fields));
		answer_json(c, 200,
			json_pack("{s:o,s:{s:b,s:b,s:s?,s:s?}}", "data", list, "pageInfo",
				"hasNextPage", page.has_next, "hasPreviousPage", q.after != NULL,
				"startCursor", page.start, "endCursor", page.end));
	}
	json_decref(fields);
	page_done(&page);
	page_query_done(&q);
	return ok;
}

static bool row_find(
	struct object *o, const char *id, bool deleted, struct row **ret, struct fail *fail)
{
	*ret = id != NULL ? table_find(o->table, id) : NULL;
	return (*ret != NULL && (deleted || !(*ret)->deleted)) || fail_not_found(fail);
}

static bool docs_get(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	struct row *row;
	json_t *fields = NULL;
	if (!row_find(o, id, false, &row, fail) || !docs_fields(c, o, &fields, fail))
		return false;
	answer_json(c, 200, json_pack("{s:o}", "data", docs_record(c->world, o, row->rec, fields)));
	json_decref(fields);
	return true;
}

static bool docs_create(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	json_t *input = NULL, *rec = NULL;
	bool ok = docs_input(o, c->input, &input, fail) &&
		  change_create(c->world, o, input, CREATE_NEW, &rec, fail);
	if (ok)
		answer_record(c, 201, o, rec);
	json_decref(input);
	json_decref(rec);
	return ok;
}

static bool docs_update(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	struct row *row;
	json_t *input = NULL, *rec = NULL;
	bool ok = row_find(o, id, false, &row, fail) && docs_input(o, c->input, &input, fail) &&
		  change_update(c->world, o, row, input, &rec, fail);
	if (ok)
		answer_record(c, 200, o, rec);
	json_decref(input);
	json_decref(rec);
	return ok;
}

static bool docs_delete(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	struct row *row;
	if (!row_find(o, id, false, &row, fail))
		return false;
	json_t *rec = change_soft_delete(c->world, o, row);
	answer_json(c, 200,
		json_pack("{s:{s:O,s:O}}", "data", "id", json_object_get(rec, "id"), "deletedAt",
			json_object_get(rec, "deletedAt")));
	json_decref(rec);
	return true;
}

static bool docs_restore(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	struct row *row;
	if (!row_find(o, id, true, &row, fail))
		return false;
	json_t *rec = change_restore(c->world, o, row);
	answer_record(c, 200, o, rec);
	json_decref(rec);
	return true;
}

static json_t *flat_list(const struct world *w, const struct object *o, const json_t *recs)
{
	json_t *list = json_array();
	size_t i;
	json_t *rec;
	json_array_foreach((json_t *)(uintptr_t)recs, i, rec)
		json_array_append_new(list, docs_record(w, o, rec, NULL));
	return list;
}

static bool docs_create_many(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	json_t *inputs = json_array(), *recs = NULL, *flat;
	size_t i;
	bool ok = json_is_array(c->input) || fail_bad(fail, "Validation failed");
	for (i = 0; ok && i < json_array_size(c->input); i++) {
		json_t *input = NULL;
		flat = json_array_get(c->input, i);
		ok = docs_input(o, flat, &input, fail);
		if (ok)
			json_array_append_new(inputs, input);
	}
	ok = ok && change_create_many(c->world, o, inputs, CREATE_NEW, &recs, fail);
	if (ok)
		answer_json(c, 201, json_pack("{s:o}", "data", flat_list(c->world, o, recs)));
	json_decref(inputs);
	json_decref(recs);
	return ok;
}

static bool docs_duplicates(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	struct row *self = NULL;
	json_t *input = NULL;
	const char *own = json_string_value(json_object_get(c->input, "id"));
	if (own != NULL && !row_find(o, own, false, &self, fail))
		return false;
	if (own == NULL && !docs_input(o, c->input, &input, fail))
		return false;
	json_t *recs = duplicates_find(o, self != NULL ? self->rec : input, self);
	answer_json(c, 200, json_pack("{s:o}", "data", flat_list(c->world, o, recs)));
	json_decref(recs);
	json_decref(input);
	return true;
}

static bool docs_merge(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	const char *source = json_string_value(json_object_get(c->input, "sourceId"));
	const char *target = json_string_value(json_object_get(c->input, "targetId"));
	struct row *rows[2];
	if (source == NULL || target == NULL || strcmp(source, target) == 0)
		return fail_bad(
			fail, "sourceId and targetId of two different records are required");
	if (!row_find(o, target, false, &rows[0], fail) ||
		!row_find(o, source, false, &rows[1], fail))
		return false;
	json_t *rec = NULL;
	if (!merge_rows(c->world, o, rows, 2, 0, &rec, fail))
		return false;
	answer_record(c, 200, o, rec);
	json_decref(rec);
	return true;
}

static bool docs_group_by(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	struct page_query q = {0};
	const char *flat = query_find(&c->query, "field");
	struct docs_name name = {0};
	if (flat != NULL)
		name = docs_name_find(o, flat);
	if (name.field == NULL) {
		snprintf(fail->field, sizeof(fail->field), "field");
		return fail_bad(fail, "Unknown field \"%.100s\"", flat != NULL ? flat : "");
	}
	bool ok = docs_page_query(c, o, &q, fail);
	if (ok)
		answer_json(c, 200,
			json_pack("{s:o}", "data",
				group_docs(o, q.filter, flat, field_key(name.field), name.sub)));
	page_query_done(&q);
	return ok;
}

struct docs_action {
	const char *head; /* first segment, or NULL: the object */
	const char *tail; /* last segment; "*": an id; NULL: none */
	const char *method;
	bool writes;
	bool (*run)(struct call *c, struct object *o, const char *id, struct fail *fail);
};

static const struct docs_action docs_actions[] = {
	{NULL, "duplicates", "POST", false, docs_duplicates},
	{NULL, "merge", "PATCH", true, docs_merge},
	{NULL, "groupBy", "GET", false, docs_group_by},
	{"batch", NULL, "POST", true, docs_create_many},
	{"restore", "*", "PATCH", true, docs_restore},
	{NULL, NULL, "GET", false, docs_list},
	{NULL, NULL, "POST", true, docs_create},
	{NULL, "*", "GET", false, docs_get},
	{NULL, "*", "PATCH", true, docs_update},
	{NULL, "*", "PUT", true, docs_update},
	{NULL, "*", "DELETE", true, docs_delete},
};

static const struct docs_action *action_find(const char *method, const char *head, const char *tail)
{
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < ARRAY_N(docs_actions); i++) {
		const struct docs_action *a = &docs_actions[i];
		bool head_ok = (a->head == NULL) == (head == NULL) &&
			       (head == NULL || strcmp(a->head, head) == 0);
		bool tail_ok = (a->tail == NULL) == (tail == NULL) &&
			       (tail == NULL || a->tail[0] == '*' || strcmp(a->tail, tail) == 0);
		if (head_ok && tail_ok && strcmp(a->method, method) == 0)
			return a;
	}
	return NULL;
}

static bool docs_run(struct call *c, char *path, struct fail *fail)
{
	char *segments[SEGMENT_MAX] = {NULL};
	size_t n = 0;
	for (char *save = NULL, *s = strtok_r(path, "/", &save); s != NULL && n < SEGMENT_MAX;
		s = strtok_r(NULL, "/", &save))
		segments[n++] = s;
	size_t at = 1; /* behind "rest" */
	const char *head = NULL;
	if (n > 1 && (strcmp(segments[1], "batch") == 0 || strcmp(segments[1], "restore") == 0))
		head = segments[at++];
	const char *name = segments[at], *tail = n > at + 1 ? segments[at + 1] : NULL;
	const struct docs_action *a = n <= at + 2 ? action_find(c->method, head, tail) : NULL;
	struct object *o = name != NULL ? schema_find_plural(&c->world->schema, name) : NULL;
	if (a == NULL || o == NULL)
		return fail_with(fail, 404, "NotFoundException", NULL, "Cannot %s %.200s",
			c->method, c->path);
	if (!budget_charge(c, fail))
		return false;
	if (c->read_only && a->writes)
		return fail_with(fail, 403, "ForbiddenException", NULL, "Insufficient permissions");
	return a->run(c, o, tail, fail);
}

/* "emails.primaryEmail" is "email" to somebody who has only read the documentation. */
static void fail_translate(struct fail *fail)
{
	static const char *const pairs[][2] = {{"emails.primaryEmail", "email"},
		{"name.firstName", "firstName"}, {"name.lastName", "lastName"},
		{"phones.primaryPhoneNumber", "phone"}, {"domainName.primaryLinkUrl", "website"}};
	for (size_t i = 0; i < ARRAY_N(pairs); i++) {
		if (strcmp(fail->field, pairs[i][0]) == 0)
			snprintf(fail->field, sizeof(fail->field), "%s", pairs[i][1]);
	}
	size_t n = strlen(fail->field);
	if (n > 2 && strcmp(fail->field + n - 2, "Id") == 0)
		fail->field[n - 2] = '\0'; /* companyId is written as company */
}

void docs_rate_headers(struct call *c)
{
	const struct budget *b = &c->world->budget;
	if (b->per_minute == 0)
		return;
	int64_t mono_ms = clock_mono_ms();
	int64_t reset_ms = c->world->now_ms + budget_full_in_ms(b, mono_ms);
	call_header(c, "X-RateLimit-Limit", "%lld", (long long)b->per_minute);
	call_header(c, "X-RateLimit-Remaining", "%lld", (long long)budget_tokens(b, mono_ms));
	call_header(c, "X-RateLimit-Reset", "%lld", (long long)((reset_ms + 999) / 1000));
}

void docs_answer(struct call *c)
{
	struct fail fail = {0};
	char *path = strdup(c->path);
	if (path == NULL)
		fail_nomem(&fail);
	if (path == NULL || !docs_run(c, path, &fail)) {
		fail_translate(&fail);
		answer_fail(c, &fail);
	}
	free(path);
}
