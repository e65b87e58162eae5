/* SPDX-License-Identifier: MIT */
/*
 * The dialect of the published REST documentation.
 * From: the operations. To: requests, and answers understood. Records are flat there (email,
 * firstName, company: {id}); shape.c turns them. What that page does not say is not guessed: it is
 * emulated from what it says, or refused.
 */
/* clang-format off */
/*
 * Native:
 *   get: GET /people/{id}
 *   get depth: related records come nested anyway
 *   list where, all of: filter[field][op]: contains isNot=null gt gte lte eq; every answer
 *     is checked here
 *   list order: orderBy[field]=ASC|DESC
 *   list limit, after: limit, after
 *   create: POST /people; no id can be chosen, so after a lost answer the record is looked
 *     for by its data
 *   create, relations: {company: {connect: id}}; an answer that shows another one is an error
 *   create_many: POST /batch/people; matched by position; after a lost answer each record
 *     is looked for
 *   update: PATCH /people/{id}; after a lost answer the record is read before it is sent again
 *   delete: DELETE /people/{id}, documented as restorable; the answer must have deletedAt
 *   restore: PATCH /restore/people/{id}; the page shows no answer: where it is no record, the
 *     record is read
 *   duplicates by e-mail: POST /people/duplicates {email}
 *   merge: PATCH /people/merge {sourceId, targetId}, one by one
 *   group_by one plain field, of everything: GET /people/groupBy?field=; the sums are those
 *     that the answer has
 * Emulated, from what that page says:
 *   get fields: the page shows fields only for lists: chosen here
 *   list where, other operators: lt asks for lte; startsWith and endsWith for contains; the
 *     rest for everything; filtered here
 *   list where, any and none: filtered here
 *   list fields: filters may need other fields than those chosen: chosen here
 *   each: list, page by page
 *   count: lists have no total: counted over pages, 200 of them at most (10,000 records)
 *   group_by several fields, relations, amounts, times, other sums, with where: grouped here
 *     over pages, 200 at most; times in UTC only, other zones are refused
 *   ensure: list, then create; alike ones wait for each other
 *   create about: a record of the linking object (taskTargets, noteTargets)
 *   update only_if: the record is read, then changed. Updates of one record with only_if wait
 *     for each other here, so that none of Moonhook's own comes between; a change by somebody
 *     else within that moment is not noticed
 *   update, ending a relation: {disconnect: true}, as connect's counterpart; the answer
 *     must show that it ended
 *   update_many, update_where: lists and updates one by one, by id
 *   duplicates by name, link or domain: lists filtered by equality
 *   duplicates of other objects: none: only people and companies have criteria
 *   member: a list of workspaceMembers, by userEmail
 *   graphql: the page names the GraphQL API, same key and budget, but not its form: GraphQL's
 *     own is used, POST /graphql {query, variables}; where nothing answers there it is refused
 * Put together while calls wait for budget (bundle.h):
 *   reads that are the same go as one; changes of one record become one change, later fields win.
 *     Nothing else: the page has neither a list by ids nor ids that can be chosen, so gets, new
 *     records and changes of several records go one by one
 * Refused:
 *   list total: not on that page: total is null
 *   list deleted, count deleted: the page has no way to list deleted records
 *   create with an id: the server chooses it
 *   update, amount with a currency: amounts are plain numbers on that page
 *   destroy: the page has no way to destroy: its deletes are soft
 *   merge preview: the page has no way to try a merge out
 */
/* clang-format on */
#include <stdio.h>
#include <string.h>

#include "base/uuid.h"
#include "client/dialect.h"

static enum rc get(struct request *r, const char *object, const char *id, int depth,
	const json_t *fields, struct err *err)
{
	(void)depth, (void)fields;
	return dialect_start_record(r, REQUEST_GET, object, id, err);
}

static enum rc put_order(struct request *r, const struct query *q, struct err *err)
{
	size_t i;
	json_t *each;
	json_array_foreach(q->order, i, each)
	{
		const char *text = json_string_value(each);
		bool down = *text == '-';
		struct field field;
		enum rc rc = field_find(q->schema, q->object, text + down, &field, err);
		if (rc != RC_OK)
			return rc;
		if (field.docs == NULL && strchr(field.path, '.') != NULL)
			return err_set(err, RC_UNSUPPORTED, "%.40s: this server cannot sort by it",
				text + down);
		char name[FIELD_PATH_MAX + 16];
		snprintf(name, sizeof(name), "orderBy[%s]",
			field.docs != NULL ? field.docs : field.path);
		rc = dialect_built(request_param(r, name, down ? "DESC" : "ASC"), err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc list(
	struct request *r, const struct query *q, enum where_fit *ret_fit, struct err *err)
{
	if (q->deleted != DELETED_NOT)
		return err_set(
			err, RC_UNSUPPORTED, "this server's API cannot list deleted records");
	enum rc rc = dialect_built(request_start(r, REQUEST_GET, "/rest/%s", q->object), err);
	if (rc == RC_OK)
		rc = dialect_built(request_param_n(r, "limit", q->limit), err);
	if (rc == RC_OK && q->where != NULL)
		rc = dialect_built(where_format_docs(q->where, r), err);
	if (rc == RC_OK)
		rc = put_order(r, q, err);
	if (rc == RC_OK && q->after != NULL)
		rc = dialect_built(request_param(r, "after", q->after), err);
	*ret_fit = q->where != NULL && where_tests(q->where) ? WHERE_WIDER : WHERE_EXACT;
	return rc;
}

static enum rc put_body(struct request *r, const char *object, const json_t *data, struct err *err)
{
	json_t *flat = NULL;
	enum rc rc = fields_to_docs(object, data, &flat, err);
	if (rc != RC_OK)
		return rc;
	rc = dialect_built(request_json(r, flat), err);
	json_decref(flat);
	return rc;
}

static enum rc create(struct request *r, const char *object, const json_t *data, struct err *err)
{
	enum rc rc = dialect_built(request_start(r, REQUEST_POST, "/rest/%s", object), err);
	if (rc == RC_OK)
		rc = put_body(r, object, data, err);
	r->once = true;
	return rc;
}

static enum rc create_many(
	struct request *r, const char *object, const json_t *records, struct err *err)
{
	enum rc rc = dialect_built(request_start(r, REQUEST_POST, "/rest/batch/%s", object), err);
	r->once = true;
	json_t *all = json_array();
	size_t i;
	json_t *each;
	json_array_foreach(records, i, each)
	{
		json_t *flat = NULL;
		if (rc == RC_OK)
			rc = fields_to_docs(object, each, &flat, err);
		if (rc == RC_OK && json_array_append_new(all, flat) != 0)
			rc = err_set(err, RC_NOMEM, "no memory for a request");
	}
	if (rc == RC_OK)
		rc = dialect_built(request_json(r, all), err);
	json_decref(all);
	return rc;
}

static enum rc update(
	struct request *r, const char *object, const char *id, const json_t *data, struct err *err)
{
	enum rc rc = dialect_start_record(r, REQUEST_PATCH, object, id, err);
	return rc == RC_OK ? put_body(r, object, data, err) : rc;
}

static enum rc refuse_many(struct err *err)
{
	return err_set(err, RC_UNSUPPORTED, "this server changes one record at a time");
}

static enum rc update_ids(struct request *r, const char *object, const json_t *ids,
	const json_t *data, struct err *err)
{
	(void)r, (void)object, (void)ids, (void)data;
	return refuse_many(err);
}

static enum rc upsert(struct request *r, const char *object, const json_t *rows, struct err *err)
{
	(void)r, (void)object, (void)rows;
	return refuse_many(err);
}

static enum rc remove_softly(struct request *r, const char *object, const char *id, struct err *err)
{
	enum rc rc = dialect_start_record(r, REQUEST_DELETE, object, id, err);
	r->once = true; /* a second one would say 404, and look like somebody else's */
	return rc;
}

static enum rc restore(struct request *r, const char *object, const char *id,
	enum restore_form form, struct err *err)
{
	(void)form;
	if (!uuid_valid(id))
		return err_set(err, RC_DENIED, "an id must be a UUID");
	return dialect_built(
		request_start(r, REQUEST_PATCH, "/rest/restore/%s/%s", object, id), err);
}

/* The name of a field that is one value of a flat record; NULL: the page does not group by it. */
static const char *plain_name(const struct grouping *g, const struct group_field *f)
{
	const char *name = f->field.docs != NULL ? f->field.docs : f->field.path;
	bool plain = strchr(name, '.') == NULL && !group_cuts(g, f) && f->field.type != FIELD_ID;
	return plain ? name : NULL;
}

/* One field, no condition: the only form on that page. */
static enum rc group(struct request *r, const char *object, const struct grouping *g,
	const struct where *where, enum where_fit *ret_fit, struct err *err)
{
	const char *name = plain_name(g, &g->by[0]);
	if (g->by_n != 1 || name == NULL || g->by[0].field.type == FIELD_MONEY ||
		where_tests(where))
		return err_set(err, RC_UNSUPPORTED, "this server groups by one plain field only");
	enum rc rc = dialect_built(request_start(r, REQUEST_GET, "/rest/%s/groupBy", object), err);
	*ret_fit = WHERE_EXACT;
	return rc == RC_OK ? dialect_built(request_param(r, "field", name), err) : rc;
}

/* One record at a time, by e-mail: the only form on that page. */
static enum rc duplicates(
	struct request *r, const char *object, const json_t *records, struct err *err)
{
	const json_t *email = field_value(json_array_get(records, 0), "emails.primaryEmail");
	if (!json_is_string(email) || json_array_size(records) != 1)
		return err_set(err, RC_UNSUPPORTED, "this server finds duplicates by e-mail only");
	json_t *body = json_pack("{s:s}", "email", json_string_value(email));
	enum rc rc = dialect_start_action(r, REQUEST_POST, object, "duplicates", body, err);
	r->effect = false;
	return rc;
}

static enum rc duplicates_of(struct request *r, const char *object, const char *id, struct err *err)
{
	(void)r, (void)object, (void)id;
	return err_set(err, RC_UNSUPPORTED, "this server finds duplicates by e-mail only");
}

static enum rc merge(struct request *r, const char *object, const char *into, const json_t *from,
	bool preview, struct err *err)
{
	if (preview)
		return err_set(err, RC_UNSUPPORTED, "this server cannot try a merge out");
	json_t *body = json_pack("{s:s, s:s}", "sourceId",
		json_string_value(json_array_get(from, 0)), "targetId", into);
	return dialect_start_action(r, REQUEST_PATCH, object, "merge", body, err);
}

static enum rc read_record(
	const char *object, const json_t *body, json_t **ret_record, struct err *err)
{
	json_t *data = json_object_get(body, "data");
	if (!json_is_object(data) || !json_is_string(json_object_get(data, "id")))
		return dialect_strange(err);
	*ret_record = fields_from_docs(object, data);
	return *ret_record != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for a record");
}

static enum rc read_records(
	const char *object, const json_t *body, json_t **ret_records, struct err *err)
{
	json_t *data = json_object_get(body, "data");
	if (!json_is_array(data))
		return dialect_strange(err);
	json_t *all = json_array();
	enum rc rc = RC_OK;
	size_t i;
	json_t *each;
	json_array_foreach(data, i, each)
	{
		if (!json_is_string(json_object_get(each, "id")))
			rc = dialect_strange(err);
		else if (json_array_append_new(all, fields_from_docs(object, each)) != 0)
			rc = err_set(err, RC_NOMEM, "no memory for a record");
		if (rc != RC_OK)
			break;
	}
	if (rc == RC_OK)
		*ret_records = all;
	else
		json_decref(all);
	return rc;
}

static enum rc read_page(
	const char *object, const json_t *body, struct page *ret_page, struct err *err)
{
	struct page page = {.total = -1};
	json_t *info = json_object_get(body, "pageInfo");
	json_t *more = json_object_get(info, "hasNextPage");
	json_t *end = json_object_get(info, "endCursor");
	if (!json_is_boolean(more) || (json_is_true(more) && !json_is_string(end)))
		return dialect_strange(err);
	enum rc rc = read_records(object, body, &page.records, err);
	if (rc != RC_OK)
		return rc;
	if (json_is_true(more)) {
		page.next = strdup(json_string_value(end));
		if (page.next == NULL) {
			page_done(&page);
			return err_set(err, RC_NOMEM, "no memory for a cursor");
		}
	}
	*ret_page = page;
	return RC_OK;
}

static enum rc read_duplicates(const char *object, const json_t *body, size_t inputs_n,
	json_t **ret_lists, struct err *err)
{
	json_t *records = NULL;
	enum rc rc =
		inputs_n == 1 ? read_records(object, body, &records, err) : dialect_strange(err);
	if (rc != RC_OK)
		return rc;
	*ret_lists = json_pack("[o]", records);
	return *ret_lists != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for records");
}

/* A value of the documentation's shape as a real server counts it. GIVES. */
static json_t *in_micros(const struct group_field *f, json_t *v)
{
	return f->field.type == FIELD_MONEY && json_is_number(v)
		       ? json_real(json_number_value(v) * 1e6)
		       : json_incref(v);
}

static enum rc read_group(
	const struct grouping *g, const json_t *group, json_t **ret_row, struct err *err)
{
	json_t *value = json_object_get(group, plain_name(g, &g->by[0]));
	json_t *sum = json_object_get(group, "sum"), *sums = json_array();
	enum rc rc = value != NULL ? RC_OK : dialect_strange(err);
	for (size_t i = 0; rc == RC_OK && i < g->sum_n; i++) {
		const char *name = plain_name(g, &g->sum[i]);
		json_t *one = name != NULL ? json_object_get(sum, name) : NULL;
		if (one == NULL) /* the page shows sums that nobody asked for: not which */
			rc = err_set(
				err, RC_UNSUPPORTED, "this server does not sum %s", g->sum[i].name);
		else if (json_array_append_new(sums, in_micros(&g->sum[i], one)) != 0)
			rc = err_set(err, RC_NOMEM, "no memory for groups");
	}
	json_t *values = rc == RC_OK ? json_pack("[O]", value) : NULL;
	if (rc == RC_OK)
		rc = group_row(g, values, json_object_get(group, "count"), sums, ret_row, err);
	json_decref(values);
	json_decref(sums);
	return rc;
}

static enum rc read_groups(
	const struct grouping *g, const json_t *body, json_t **ret_rows, struct err *err)
{
	json_t *data = json_object_get(body, "data"), *rows = json_array();
	enum rc rc = json_is_array(data) ? RC_OK : dialect_strange(err);
	size_t i;
	json_t *each;
	json_array_foreach(data, i, each)
	{
		json_t *row = NULL;
		rc = read_group(g, each, &row, err);
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

static void read_fault(int status, const json_t *body, struct fault *ret_fault)
{
	struct fault f;
	fault_of_status(status, &f);
	const char *text = json_string_value(json_object_get(body, "message"));
	const char *more =
		json_string_value(json_object_get(json_object_get(body, "details"), "message"));
	if (text == NULL) {
		fault_foreign(&f);
	} else {
		char both[400];
		if (more != NULL && strstr(text, more) != NULL) /* said already */
			more = NULL;
		if (more != NULL && strstr(more, text) != NULL) {
			text = more;
			more = NULL;
		}
		snprintf(both, sizeof(both), "%.180s%s%.180s", text, more != NULL ? ": " : "",
			more != NULL ? more : "");
		fault_message(&f, both);
		fault_absence(&f, text);
		bool duplicate = strcasestr(both, "duplicate") != NULL ||
				 strcasestr(both, "already exists") != NULL;
		if (status == 400)
			f.code = duplicate ? RC_DUPLICATE : RC_REJECTED;
	}
	*ret_fault = f;
}

const struct dialect dialect_docs = {
	.name = "docs",
	.own_ids = false,
	.deleted_lists = false,
	.merge_preview = false,
	.merge_n = 1,
	.batch_n = 60,
	.page_n = 50,
	.page_default = 50,
	.get = get,
	.list = list,
	.create = create,
	.create_many = create_many,
	.update = update,
	.update_ids = update_ids,
	.upsert = upsert,
	.remove = remove_softly,
	.restore = restore,
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
