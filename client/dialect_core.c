/* SPDX-License-Identifier: MIT */
/*
 * The dialect that real servers speak (measured on 2.21).
 * From: the operations. To: requests, and answers understood.
 *
 * What must never happen is decided here: a delete is always the restorable one, and no path is
 * ever built from an empty id. Answers carry one member below `data` whose name depends on the
 * operation; it is not looked up by name, because plurals of custom objects are not ours to form.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/uuid.h"
#include "client/dialect.h"

#define FILTER_MAX 9000  /* bytes before escaping */
#define GROUPS_LIMIT 200 /* rows of one answer */

static enum rc get(struct request *r, const char *object, const char *id, int depth,
	const json_t *fields, struct err *err)
{
	(void)fields;
	enum rc rc = dialect_start_record(r, REQUEST_GET, object, id, err);
	return rc == RC_OK && depth > 0 ? dialect_built(request_param_n(r, "depth", depth), err)
					: rc;
}

static enum rc put_order(struct request *r, const struct query *q, struct err *err)
{
	struct buf b;
	buf_init(&b, 2000);
	enum rc rc = RC_OK;
	size_t i;
	json_t *each;
	json_array_foreach(q->order, i, each)
	{
		const char *name = json_string_value(each);
		bool down = *name == '-';
		struct field field;
		rc = field_find(q->schema, q->object, name + down, &field, err);
		if (rc != RC_OK)
			break;
		field_single(&field);
		rc = dialect_built(buf_printf(&b, "%s%s[%s]", i > 0 ? "," : "", field.path,
					   down ? "DescNullsLast" : "AscNullsFirst"),
			err);
		if (rc != RC_OK)
			break;
	}
	if (rc == RC_OK && b.n > 0)
		rc = dialect_built(request_param(r, "order_by", b.p), err);
	buf_done(&b);
	return rc;
}

static enum rc put_filter(
	struct request *r, const struct query *q, enum where_fit *ret_fit, struct err *err)
{
	static const char *const bin[] = {[DELETED_NOT] = "",
		[DELETED_ONLY] = "deletedAt[is]:NOT_NULL",
		[DELETED_ALSO] = "or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)"};
	struct buf filter, whole;
	buf_init(&filter, FILTER_MAX);
	buf_init(&whole, FILTER_MAX);
	enum where_fit fit = WHERE_EXACT;
	enum rc rc = RC_OK;
	if (q->where != NULL)
		rc = dialect_built(where_format_core(q->where, &filter, &fit), err);
	bool have = rc == RC_OK && filter.n > 0;
	const char *deleted = bin[q->deleted];
	if (rc == RC_OK && have && *deleted != '\0')
		rc = dialect_built(buf_printf(&whole, "and(%s,%s)", filter.p, deleted), err);
	else if (rc == RC_OK)
		rc = dialect_built(buf_put_text(&whole, have ? filter.p : deleted), err);
	if (rc == RC_OK && whole.n > 0)
		rc = dialect_built(request_param(r, "filter", whole.p), err);
	buf_done(&filter);
	buf_done(&whole);
	*ret_fit = fit;
	return rc;
}

static enum rc list(
	struct request *r, const struct query *q, enum where_fit *ret_fit, struct err *err)
{
	enum rc rc = dialect_built(request_start(r, REQUEST_GET, "/rest/%s", q->object), err);
	if (rc == RC_OK)
		rc = dialect_built(request_param_n(r, "limit", q->limit), err);
	if (rc == RC_OK)
		rc = put_filter(r, q, ret_fit, err);
	if (rc == RC_OK)
		rc = put_order(r, q, err);
	if (rc == RC_OK && q->depth > 0)
		rc = dialect_built(request_param_n(r, "depth", q->depth), err);
	if (rc == RC_OK && q->after != NULL)
		rc = dialect_built(request_param(r, "starting_after", q->after), err);
	return rc;
}

static enum rc create(struct request *r, const char *object, const json_t *data, struct err *err)
{
	enum rc rc = dialect_built(request_start(r, REQUEST_POST, "/rest/%s", object), err);
	return rc == RC_OK ? dialect_built(request_json(r, data), err) : rc;
}

static enum rc create_many(
	struct request *r, const char *object, const json_t *records, struct err *err)
{
	enum rc rc = dialect_built(request_start(r, REQUEST_POST, "/rest/batch/%s", object), err);
	return rc == RC_OK ? dialect_built(request_json(r, records), err) : rc;
}

static enum rc update(
	struct request *r, const char *object, const char *id, const json_t *data, struct err *err)
{
	enum rc rc = dialect_start_record(r, REQUEST_PATCH, object, id, err);
	return rc == RC_OK ? dialect_built(request_json(r, data), err) : rc;
}

/* Never by another filter than ids, and never by none: that would change everything. */
static enum rc update_ids(struct request *r, const char *object, const json_t *ids,
	const json_t *data, struct err *err)
{
	struct buf filter;
	buf_init(&filter, FILTER_MAX);
	enum rc rc =
		json_array_size(ids) == 0 ? err_set(err, RC_DENIED, "there are no ids") : RC_OK;
	size_t i;
	json_t *each;
	json_array_foreach(ids, i, each)
	{
		const char *id = json_string_value(each);
		if (rc == RC_OK && (id == NULL || !uuid_valid(id)))
			rc = err_set(err, RC_DENIED, "an id must be a UUID");
		if (rc == RC_OK)
			rc = dialect_built(
				buf_printf(&filter, "%s\"%s\"", i == 0 ? "id[in]:[" : ",", id),
				err);
	}
	if (rc == RC_OK)
		rc = dialect_built(buf_put_text(&filter, "]"), err);
	if (rc == RC_OK)
		rc = dialect_built(request_start(r, REQUEST_PATCH, "/rest/%s", object), err);
	if (rc == RC_OK)
		rc = dialect_built(request_param(r, "filter", filter.p), err);
	if (rc == RC_OK)
		rc = dialect_built(request_json(r, data), err);
	buf_done(&filter);
	return rc;
}

static enum rc upsert(struct request *r, const char *object, const json_t *rows, struct err *err)
{
	enum rc rc = dialect_built(request_start(r, REQUEST_POST, "/rest/batch/%s", object), err);
	if (rc == RC_OK)
		rc = dialect_built(request_param(r, "upsert", "true"), err);
	return rc == RC_OK ? dialect_built(request_json(r, rows), err) : rc;
}

static enum rc update_if(struct request *r, const char *object, const char *id,
	const struct where *where, const json_t *data, struct err *err)
{
	struct buf filter, whole;
	enum where_fit fit = WHERE_NOTHING;
	buf_init(&filter, FILTER_MAX);
	buf_init(&whole, FILTER_MAX);
	enum rc rc = uuid_valid(id) ? RC_OK : err_set(err, RC_DENIED, "an id must be a UUID");
	if (rc == RC_OK)
		rc = dialect_built(where_format_core(where, &filter, &fit), err);
	if (rc == RC_OK && (fit != WHERE_EXACT || filter.n == 0))
		rc = err_set(err, RC_UNSUPPORTED,
			"only_if: this server cannot check that condition as it changes the "
			"record");
	if (rc == RC_OK)
		rc = dialect_built(buf_printf(&whole, "and(id[eq]:\"%s\",%s)", id, filter.p), err);
	if (rc == RC_OK)
		rc = dialect_built(request_start(r, REQUEST_PATCH, "/rest/%s", object), err);
	if (rc == RC_OK)
		rc = dialect_built(request_param(r, "filter", whole.p), err);
	if (rc == RC_OK)
		rc = dialect_built(request_json(r, data), err);
	buf_done(&filter);
	buf_done(&whole);
	return rc;
}

static enum rc remove_softly(struct request *r, const char *object, const char *id, struct err *err)
{
	enum rc rc = dialect_start_record(r, REQUEST_DELETE, object, id, err);
	return rc == RC_OK ? dialect_built(request_param(r, "soft_delete", "true"), err) : rc;
}

/* Without soft_delete: for good. */
static enum rc destroy(struct request *r, const char *object, const char *id, struct err *err)
{
	enum rc rc = dialect_start_record(r, REQUEST_DELETE, object, id, err);
	r->once = true; /* a second one would say 404 */
	return rc;
}

static enum rc restore(struct request *r, const char *object, const char *id,
	enum restore_form form, struct err *err)
{
	char filter[64];
	if (!uuid_valid(id))
		return err_set(err, RC_DENIED, "an id must be a UUID");
	if (form == RESTORE_BY_PATH)
		return dialect_built(
			request_start(r, REQUEST_PATCH, "/rest/%s/%s/restore", object, id), err);
	snprintf(filter, sizeof(filter), "id[eq]:\"%s\"", id);
	enum rc rc =
		dialect_built(request_start(r, REQUEST_PATCH, "/rest/restore/%s", object), err);
	return rc == RC_OK ? dialect_built(request_param(r, "filter", filter), err) : rc;
}

/* "name.lastName" -> {"name": {"lastName": how}}. TAKES how. */
static json_t *dimension_new(const char *path, json_t *how)
{
	char part[FIELD_PATH_MAX + 16];
	snprintf(part, sizeof(part), "%s", path);
	for (char *dot; how != NULL && (dot = strrchr(part, '.')) != NULL; *dot = '\0')
		how = json_pack("{s:o}", dot + 1, how);
	return how != NULL ? json_pack("{s:o}", part, how) : NULL;
}

static json_t *dimensions_new(const struct grouping *g)
{
	json_t *list = json_array();
	for (size_t i = 0; i < g->by_n; i++) {
		const struct group_field *f = &g->by[i];
		char path[FIELD_PATH_MAX + 16];
		snprintf(path, sizeof(path), "%s%s", f->field.path,
			f->field.type == FIELD_MONEY ? ".amountMicros" : "");
		json_t *how = group_cuts(g, f)
				      ? json_pack("{s:s, s:s}", "granularity",
						group_step_name(g->step), "timeZone", g->zone)
				      : json_true();
		if (json_array_append_new(list, dimension_new(path, how)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* "amount" -> "sumAmountAmountMicros" */
static void sum_name(const struct group_field *f, char ret_name[static FIELD_PATH_MAX + 32])
{
	size_t n = (size_t)snprintf(ret_name, 4, "sum");
	bool start = true;
	for (const char *p = f->field.path; *p != '\0'; p++) {
		if (*p != '.')
			ret_name[n++] = start ? (char)toupper((unsigned char)*p) : *p;
		start = *p == '.';
	}
	snprintf(ret_name + n, FIELD_PATH_MAX + 32 - n, "%s",
		f->field.type == FIELD_MONEY ? "AmountMicros" : "");
}

static json_t *aggregates_new(const struct grouping *g)
{
	json_t *list = json_pack("[s]", "totalCount");
	for (size_t i = 0; i < g->sum_n; i++) {
		char name[FIELD_PATH_MAX + 32];
		sum_name(&g->sum[i], name);
		if (json_array_append_new(list, json_string(name)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static enum rc param_json(struct request *r, const char *name, json_t *value, struct err *err)
{
	char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
	json_decref(value);
	enum rc rc = dialect_built(text != NULL ? request_param(r, name, text) : RC_NOMEM, err);
	free(text);
	return rc;
}

static enum rc group(struct request *r, const char *object, const struct grouping *g,
	const struct where *where, enum where_fit *ret_fit, struct err *err)
{
	struct query q = {.object = object, .where = where, .deleted = DELETED_NOT};
	enum rc rc = dialect_built(request_start(r, REQUEST_GET, "/rest/%s/groupBy", object), err);
	if (rc == RC_OK)
		rc = param_json(r, "group_by", dimensions_new(g), err);
	if (rc == RC_OK)
		rc = param_json(r, "aggregate", aggregates_new(g), err);
	if (rc == RC_OK)
		rc = dialect_built(request_param_n(r, "limit", GROUPS_LIMIT), err);
	return rc == RC_OK ? put_filter(r, &q, ret_fit, err) : rc;
}

static enum rc post_duplicates(struct request *r, const char *object, json_t *body, struct err *err)
{
	enum rc rc = dialect_start_action(r, REQUEST_POST, object, "duplicates", body, err);
	r->effect = false;
	return rc;
}

static enum rc duplicates(
	struct request *r, const char *object, const json_t *records, struct err *err)
{
	json_t *same = json_deep_copy(records);
	return post_duplicates(r, object, json_pack("{s:o}", "data", same), err);
}

static enum rc duplicates_of(struct request *r, const char *object, const char *id, struct err *err)
{
	return post_duplicates(r, object, json_pack("{s:[s]}", "ids", id), err);
}

static enum rc merge(struct request *r, const char *object, const char *into, const json_t *from,
	bool preview, struct err *err)
{
	json_t *ids = json_pack("[s]", into), *losers = json_deep_copy(from);
	json_array_extend(ids, losers);
	json_decref(losers);
	json_t *body = json_pack("{s:o, s:i}", "ids", ids, "conflictPriorityIndex", 0);
	if (preview && json_object_set_new(body, "dryRun", json_true()) != 0) {
		json_decref(body);
		body = NULL;
	}
	enum rc rc = dialect_start_action(r, REQUEST_PATCH, object, "merge", body, err);
	r->effect = !preview;
	return rc;
}

/* The one member below data. BORROWS. */
static json_t *only_member(const json_t *body, const char **ret_key)
{
	json_t *data = json_object_get(body, "data");
	void *it = json_is_object(data) ? json_object_iter(data) : NULL;
	if (it == NULL || json_object_size(data) != 1)
		return NULL;
	*ret_key = json_object_iter_key(it);
	return json_object_iter_value(it);
}

static enum rc read_record(
	const char *object, const json_t *body, json_t **ret_record, struct err *err)
{
	(void)object;
	const char *key;
	json_t *record = only_member(body, &key);
	if (!json_is_object(record) || !json_is_string(json_object_get(record, "id")))
		return dialect_strange(err);
	*ret_record = json_incref(record);
	return RC_OK;
}

static bool all_records(const json_t *list)
{
	size_t i;
	json_t *each;
	json_array_foreach(
		list, i, each) if (!json_is_string(json_object_get(each, "id"))) return false;
	return json_is_array(list);
}

static enum rc read_records(
	const char *object, const json_t *body, json_t **ret_records, struct err *err)
{
	(void)object;
	const char *key;
	json_t *records = only_member(body, &key);
	if (!all_records(records))
		return dialect_strange(err);
	*ret_records = json_incref(records);
	return RC_OK;
}

static enum rc read_page(
	const char *object, const json_t *body, struct page *ret_page, struct err *err)
{
	const char *key;
	json_t *records = only_member(body, &key);
	json_t *info = json_object_get(body, "pageInfo");
	json_t *more = json_object_get(info, "hasNextPage");
	json_t *end = json_object_get(info, "endCursor");
	json_t *total = json_object_get(body, "totalCount");
	if (!all_records(records) || strcmp(key, object) != 0 || !json_is_boolean(more) ||
		(json_is_true(more) && !json_is_string(end) && json_array_size(records) > 0))
		return dialect_strange(err);
	struct page page = {.total = json_is_integer(total) ? json_integer_value(total) : -1};
	if (json_is_true(more) && json_is_string(end)) {
		page.next = strdup(json_string_value(end));
		if (page.next == NULL)
			return err_set(err, RC_NOMEM, "no memory for a cursor");
	}
	page.records = json_incref(records);
	*ret_page = page;
	return RC_OK;
}

static enum rc read_duplicates(const char *object, const json_t *body, size_t inputs_n,
	json_t **ret_lists, struct err *err)
{
	(void)object;
	json_t *data = json_object_get(body, "data");
	json_t *lists = json_array();
	size_t i;
	json_t *each;
	json_array_foreach(data, i, each)
	{
		const char *key;
		json_t *value, *found = NULL;
		json_object_foreach(each, key, value)
		{
			size_t n = strlen(key);
			if (n > 10 && strcmp(key + n - 10, "Duplicates") == 0)
				found = value;
		}
		if (!all_records(found) || json_array_append(lists, found) != 0)
			break;
	}
	if (!json_is_array(data) || json_array_size(data) > inputs_n ||
		json_array_size(lists) != json_array_size(data)) {
		json_decref(lists);
		return dialect_strange(err);
	}
	*ret_lists = lists;
	return RC_OK;
}

/* A bare list; one that is as long as a list may be is not known to be all. */
static enum rc read_groups(
	const struct grouping *g, const json_t *body, json_t **ret_rows, struct err *err)
{
	if (!json_is_array(body))
		return dialect_strange(err);
	if (json_array_size(body) >= GROUPS_LIMIT)
		return err_set(err, RC_UNSUPPORTED, "more groups than a server tells of");
	json_t *rows = json_array();
	enum rc rc = RC_OK;
	size_t i;
	json_t *each;
	json_array_foreach(body, i, each)
	{
		json_t *sums = json_array(), *row = NULL;
		for (size_t k = 0; k < g->sum_n; k++) {
			char name[FIELD_PATH_MAX + 32];
			sum_name(&g->sum[k], name);
			json_t *sum = json_object_get(each, name);
			rc = sum == NULL ? dialect_strange(err) : rc;
			json_array_append(sums, sum);
		}
		if (rc == RC_OK)
			rc = group_row(g, json_object_get(each, "groupByDimensionValues"),
				json_object_get(each, "totalCount"), sums, &row, err);
		json_decref(sums);
		if (rc == RC_OK && json_array_append_new(rows, row) != 0)
			rc = err_set(err, RC_NOMEM, "no memory for groups");
		if (rc != RC_OK)
			break;
	}
	if (rc == RC_OK)
		*ret_rows = rows;
	else
		json_decref(rows);
	return rc;
}

/* Words of messages that mean: this request can never succeed. */
static bool is_final(const char *text)
{
	static const char *const words[] = {"doesn't have any", "invalid", "Invalid",
		"does not exist", "not found", "Unknown", "Unidentified", "Maximum number",
		"only available", "mandatory", "hould be", "required", "You have to provide",
		"Cannot provide", "Allowed values"};
	for (size_t i = 0; i < ARRAY_N(words); i++)
		if (strstr(text, words[i]) != NULL)
			return true;
	return false;
}

static void read_fault(int status, const json_t *body, struct fault *ret_fault)
{
	struct fault f;
	fault_of_status(status, &f);
	const json_t *messages = json_object_get(body, "messages");
	const char *text = json_string_value(json_array_get(messages, 0));
	const char *code = json_string_value(json_object_get(body, "code"));
	if (text == NULL) {
		fault_foreign(&f);
		*ret_fault = f;
		return;
	}
	fault_message(&f, text);
	fault_absence(&f, text);
	long long limit, window;
	if (status == 429 &&
		sscanf(text, "Limit reached (%lld tokens per %lld ms)", &limit, &window) == 2) {
		f.limit = limit;
		f.window_ms = window;
	} else if (code != NULL && strcmp(code, "PERMISSION_DENIED") == 0) {
		f.code = RC_DENIED;
		f.key = false;
	} else if (status == 400 && strstr(text, "duplicate entry") != NULL)
		f.code = RC_DUPLICATE;
	else if (status == 400)
		f.code = is_final(text) ? RC_REJECTED : RC_UPSTREAM;
	*ret_fault = f;
}

const struct dialect dialect_core = {
	.name = "core",
	.own_ids = true,
	.deleted_lists = true,
	.merge_preview = true,
	.totals = true,
	.merge_n = 8,
	.batch_n = 60,
	.page_n = 200,
	.page_default = 60,
	.get = get,
	.list = list,
	.create = create,
	.create_many = create_many,
	.update = update,
	.update_ids = update_ids,
	.upsert = upsert,
	.update_if = update_if,
	.remove = remove_softly,
	.restore = restore,
	.destroy = destroy,
	.group = group,
	.duplicates = duplicates,
	.duplicates_of = duplicates_of,
	.merge = merge,
	.read_record = read_record,
	.read_records = read_records,
	.read_page = read_page,
	.read_duplicates = read_duplicates,
	.read_groups = read_groups,
	.read_fault = read_fault,
};
