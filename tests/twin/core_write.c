/* SPDX-License-Identifier: MIT */
/*
 * Create, update, delete, restore in the core dialect.
 * From: core.c. To: change.c. Deletes for good unless ?soft_delete=true is there: that is what a
 * real server does, whatever its documentation says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/twin/change.h"
#include "tests/twin/core.h"

static enum create_mode create_mode(const struct call *c)
{
	const char *upsert = query_find(&c->query, "upsert");
	return upsert != NULL && strcmp(upsert, "true") == 0 ? CREATE_UPSERT : CREATE_NEW;
}

static bool softly(const struct call *c)
{
	const char *text = query_find(&c->query, "soft_delete");
	return text != NULL && strcmp(text, "true") == 0 && c->world->age != AGE_OLD;
}

bool core_create(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	int depth;
	json_t *rec = NULL;
	if (!call_depth(c, &depth, fail) ||
		!change_create(c->world, o, c->input, create_mode(c), &rec, fail))
		return false;
	answer_data(c, 201, "create", o->Singular, record_show(c->world, o, rec, depth));
	json_decref(rec);
	return true;
}

bool core_create_many(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	json_t *list = NULL;
	if (!json_is_array(c->input))
		return fail_bad(fail, "The body of a batch should be an array of records");
	if (!change_create_many(c->world, o, c->input, create_mode(c), &list, fail))
		return false;
	answer_data(c, 201, "create", o->Plural, list);
	return true;
}

bool core_update(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	int depth;
	if (!call_depth(c, &depth, fail))
		return false;
	struct row *row = table_find(o->table, id);
	json_t *rec = NULL;
	if (row == NULL || row->deleted)
		return fail_not_found(fail);
	if (!change_update(c->world, o, row, c->input, &rec, fail))
		return false;
	answer_data(c, 200, "update", o->Singular, record_show(c->world, o, rec, depth));
	json_decref(rec);
	return true;
}

/* True where the body sets a field that the filter looks at: a real server then sends no webhook,
 * because it looks for the rows a second time, after they stopped to match. */
static bool filter_defeated(const struct filter *f, const json_t *input)
{
	json_t *object = (json_t *)(uintptr_t)input;
	for (void *it = json_object_iter(object); it != NULL;
		it = json_object_iter_next(object, it)) {
		if (filter_mentions(f, json_object_iter_key(it)))
			return true;
	}
	return false;
}

bool core_update_many(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	struct filter *filter = NULL;
	json_t *list = NULL;
	size_t n = 0;
	if (!core_filter(c, o, &filter, fail))
		return false;
	struct row **rows = page_all(o, filter, false, CHANGE_ROWS_MAX + 1, &n);
	enum change_news news = filter_defeated(filter, c->input) ? NEWS_SILENT : NEWS_TELL;
	bool ok = rows != NULL || fail_nomem(fail);
	ok = ok && change_update_many(c->world, o, rows, n, c->input, news, &list, fail);
	if (ok)
		answer_data(c, 200, "update", o->Plural, list);
	free(rows);
	filter_free(filter);
	return ok;
}

static json_t *delete_row(struct call *c, struct object *o, struct row *row, bool soft)
{
	if (soft)
		return change_soft_delete(c->world, o, row);
	json_t *gone = json_pack("{s:s}", "id", row->id);
	change_destroy(c->world, o, row);
	return gone;
}

bool core_delete(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	struct row *row = table_find(o->table, id);
	bool soft = softly(c);
	if (row == NULL || (soft && row->deleted))
		return fail_not_found(fail);
	answer_data(c, 200, "delete", o->Singular, delete_row(c, o, row, soft));
	return true;
}

bool core_delete_many(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	bool soft = softly(c);
	struct filter *filter = NULL;
	if (!core_filter(c, o, &filter, fail))
		return false;
	if (filter == NULL)
		return fail_bad(fail,
			"Filters are mandatory for bulk %s operations. Please provide at least one "
			"filter to prevent accidental deletion of all records.",
			soft ? "delete" : "destroy");
	size_t n = 0;
	struct row **rows = page_all(o, filter, !soft, CHANGE_ROWS_MAX, &n);
	json_t *list = json_array();
	for (size_t i = 0; rows != NULL && i < n; i++)
		json_array_append_new(list, delete_row(c, o, rows[i], soft));
	answer_data(c, 200, "delete", o->Plural, list);
	free(rows);
	filter_free(filter);
	return true;
}

bool core_restore_many(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	struct filter *filter = NULL;
	if (!core_filter(c, o, &filter, fail))
		return false;
	if (filter == NULL)
		return fail_bad(fail, "Filters are mandatory for bulk restore operations. Please "
				      "provide at least one filter to prevent accidental "
				      "restoration of all records.");
	size_t n = 0;
	struct row **rows = page_all(o, filter, true, CHANGE_ROWS_MAX, &n);
	json_t *list = json_array();
	for (size_t i = 0; rows != NULL && i < n; i++)
		json_array_append_new(list, change_restore(c->world, o, rows[i]));
	answer_data(c, 200, "restore", o->Plural, list);
	free(rows);
	filter_free(filter);
	return true;
}

bool core_restore(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	struct row *row = table_find(o->table, id);
	if (row == NULL)
		return fail_not_found(fail);
	answer_data(c, 200, "restore", o->Singular, change_restore(c->world, o, row));
	return true;
}
