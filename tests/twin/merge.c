/* SPDX-License-Identifier: MIT */
/*
 * Duplicates by the criteria of the schema (equality only), and merging field by field.
 * From: core.c (through core_duplicates and core_merge), docs.c. To: change.c. Fails with the
 * sentences of a real server. A text shorter than three characters makes no duplicate.
 */
#include "tests/twin/merge.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/twin/core.h"
#include "tests/twin/value.h"

#define DUPLICATES_MAX 200

/* The input with its values normalised as they are in rows. GIVES. */
static json_t *input_normalise(const struct object *o, const json_t *input)
{
	json_t *rec = json_object();
	for (size_t i = 0; i < o->field_n; i++) {
		const struct field *f = &o->fields[i];
		json_t *in = json_object_get(input, f->name), *value = NULL;
		struct fail ignored;
		if (in != NULL && field_stored(f) && f->join == NULL &&
			value_take(f, in, f->empty, &value, &ignored))
			json_object_set_new(rec, f->name, value);
	}
	return rec;
}

static int id_compare(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;
	return strcmp((*x)->id, (*y)->id);
}

/* Adds the rows that share criterion k with the probe, each once. */
static size_t twins_collect(const struct object *o, size_t k, const json_t *probe,
	const struct row *self, struct row **rows, size_t n)
{
	char *key = table_twin_key(o, k, probe);
	struct row *row = key != NULL ? table_find_twins(o->table, k, key) : NULL;
	for (; row != NULL && n < DUPLICATES_MAX; row = row->twins[k].next) {
		bool seen = row == self || row->deleted;
		for (size_t i = 0; i < n && !seen; i++)
			seen = rows[i] == row;
		if (!seen)
			rows[n++] = row;
	}
	free(key);
	return n;
}

json_t *duplicates_find(const struct object *o, const json_t *input, const struct row *self)
{
	struct row *rows[DUPLICATES_MAX];
	size_t n = 0;
	json_t *list = json_array(), *probe = input_normalise(o, input);
	for (size_t k = 0; o->criteria != NULL && k < CRITERIA_MAX; k++)
		n = twins_collect(o, k, probe, self, rows, n);
	qsort(rows, n, sizeof(struct row *), id_compare);
	for (size_t i = 0; i < n; i++)
		json_array_append(list, rows[i]->rec);
	json_decref(probe);
	return list;
}

static void list_add(json_t *list, json_t *value, const json_t *except)
{
	size_t i;
	json_t *e;
	if (value_is_empty(value) || json_equal(value, except))
		return;
	json_array_foreach(list, i, e)
	{
		if (json_equal(e, value))
			return;
	}
	json_array_append(list, value);
}

static void list_add_all(json_t *list, const json_t *values, const json_t *except)
{
	size_t i;
	json_t *e;
	json_array_foreach((json_t *)(uintptr_t)values, i, e) list_add(list, e, except);
}

/* An entry of additionalPhones or secondaryLinks made of a primary value; GIVES. */
static json_t *as_entry(const struct field *f, const json_t *value, const char *primary)
{
	if (f->type == FT_PHONES)
		return json_pack("{s:O,s:O,s:O}", "number", json_object_get(value, primary),
			"countryCode", json_object_get(value, "primaryPhoneCountryCode"),
			"callingCode", json_object_get(value, "primaryPhoneCallingCode"));
	if (f->type == FT_LINKS)
		return json_pack("{s:O,s:O}", "url", json_object_get(value, primary), "label",
			json_object_get(value, "primaryLinkLabel"));
	return json_incref(json_object_get(value, primary));
}

/* EMAILS, PHONES, LINKS: the winner's primary value, else the first there is; the others move to
 * the additional ones. */
static json_t *merge_list(const struct field *f, json_t **values, size_t n, size_t winner,
	const char *primary, const char *others)
{
	size_t best = winner;
	if (value_is_empty(json_object_get(values[winner], primary))) {
		for (size_t i = n; i > 0; i--) {
			if (!value_is_empty(json_object_get(values[i - 1], primary)))
				best = i - 1;
		}
	}
	bool any = !value_is_empty(json_object_get(values[best], primary));
	json_t *merged = json_copy(any ? values[best] : f->empty);
	if (!any && f->type == FT_PHONES) {
		json_object_set_new(merged, "primaryPhoneCountryCode", json_string(""));
		json_object_set_new(merged, "primaryPhoneCallingCode", json_string(""));
	}
	json_t *list = json_array();
	json_t *chosen = as_entry(f, merged, primary);
	for (size_t i = 0; i < n; i++) {
		json_t *entry = as_entry(f, values[i], primary);
		if (!value_is_empty(json_object_get(values[i], primary)))
			list_add(list, entry, chosen);
		json_decref(entry);
		list_add_all(list, json_object_get(values[i], others), chosen);
	}
	json_decref(chosen);
	json_object_set_new(merged, others, list);
	return merged;
}

static json_t *merge_values(const struct field *f, json_t **values, size_t n, size_t winner)
{
	size_t filled_n = 0, filled = winner;
	for (size_t i = n; i > 0; i--) {
		if (!value_is_empty(values[i - 1])) {
			filled_n++;
			filled = i - 1;
		}
	}
	if (filled_n <= 1)
		return json_incref(values[filled]);
	switch (f->type) {
	case FT_EMAILS:
		return merge_list(f, values, n, winner, "primaryEmail", "additionalEmails");
	case FT_PHONES:
		return merge_list(f, values, n, winner, "primaryPhoneNumber", "additionalPhones");
	case FT_LINKS:
		return merge_list(f, values, n, winner, "primaryLinkUrl", "secondaryLinks");
	case FT_ARRAY:
	case FT_MULTI_SELECT: {
		json_t *list = json_array();
		for (size_t i = 0; i < n; i++)
			list_add_all(list, values[i], NULL);
		return list;
	}
	default:
		return json_incref(
			value_is_empty(values[winner]) ? values[filled] : values[winner]);
	}
}

json_t *merge_preview(const struct object *o, struct row *const *rows, size_t n, size_t winner)
{
	json_t *rec = json_copy(rows[winner]->rec);
	for (size_t i = 0; rec != NULL && i < o->field_n; i++) {
		const struct field *f = &o->fields[i];
		json_t *values[MERGE_MAX];
		if ((f->flags & (FF_SYS | FF_MANY)) != 0 && f->type != FT_TEXT)
			continue;
		for (size_t k = 0; k < n; k++)
			values[k] = json_object_get(rows[k]->rec, field_key(f));
		json_object_set_new(rec, field_key(f), merge_values(f, values, n, winner));
	}
	return rec;
}

bool merge_rows(struct world *w, struct object *o, struct row **rows, size_t n, size_t winner,
	json_t **ret, struct fail *fail)
{
	struct row *keep = rows[winner];
	json_t *after = merge_preview(o, rows, n, winner);
	if (after == NULL)
		return fail_nomem(fail);
	for (size_t i = 0; i < n; i++) {
		if (i == winner)
			continue;
		change_repoint(w, o, rows[i]->id, keep->id);
		change_destroy(w, o, rows[i]);
	}
	*ret = change_replace(w, o, keep, after);
	return *ret != NULL || fail_nomem(fail);
}

static json_t *duplicates_answer(const struct object *o, json_t *recs)
{
	char key[120];
	struct page_query by_id = {.object = o};
	size_t n = json_array_size(recs);
	char *start = n != 0 ? cursor_format(&by_id, json_array_get(recs, 0)) : NULL;
	char *end = n != 0 ? cursor_format(&by_id, json_array_get(recs, n - 1)) : NULL;
	snprintf(key, sizeof(key), "%sDuplicates", o->singular);
	json_t *answer = json_pack("{s:o,s:I,s:{s:b,s:b,s:s?,s:s?}}", key, recs, "totalCount",
		(json_int_t)n, "pageInfo", "hasNextPage", 0, "hasPreviousPage", 0, "startCursor",
		start, "endCursor", end);
	free(start);
	free(end);
	return answer;
}

bool core_duplicates(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	json_t *data = json_object_get(c->input, "data"), *ids = json_object_get(c->input, "ids");
	size_t i;
	json_t *e;
	if (!json_is_array(data) && !json_is_array(ids))
		return fail_bad(fail, "You have to provide either \"data\" or \"ids\" argument");
	json_t *list = json_array();
	json_array_foreach(data, i, e)
		json_array_append_new(list, duplicates_answer(o, duplicates_find(o, e, NULL)));
	json_array_foreach(ids, i, e)
	{
		const char *text = json_string_value(e);
		struct row *row = text != NULL ? table_find(o->table, text) : NULL;
		if (row != NULL && !row->deleted)
			json_array_append_new(
				list, duplicates_answer(o, duplicates_find(o, row->rec, row)));
	}
	answer_json(c, 200, json_pack("{s:o}", "data", list));
	return true;
}

/* A preview bears an id of its own and looks deleted; so does a real server's. */
static json_t *preview_dress(struct world *w, const struct object *o, json_t *rec)
{
	char id[IDENT_N], at[CLOCK_TEXT_N];
	ident_random(id);
	clock_format(w->now_ms, at);
	json_object_set_new(rec, "id", json_string(id));
	json_object_set_new(rec, "deletedAt", json_string(at));
	for (size_t i = 0; i < o->field_n; i++) {
		const struct field *f = &o->fields[i];
		const json_t *value = json_object_get(rec, f->name);
		const char *code =
			json_string_value(json_object_get(value, "primaryPhoneCountryCode"));
		bool emptied = f->type == FT_PHONES && code != NULL && *code == '\0' &&
			       !value_is_empty(f->empty);
		if (!emptied)
			continue;
		json_t *bare = json_copy((json_t *)(uintptr_t)value);
		json_object_set_new(bare, "primaryPhoneCountryCode", json_null());
		json_object_set_new(bare, "additionalPhones", json_null());
		json_object_set_new(rec, f->name, bare);
	}
	return rec;
}

static bool merge_ids(
	struct object *o, const json_t *ids, struct row **rows, size_t n, struct fail *fail)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(ids, i));
		rows[i] = text != NULL ? table_find(o->table, text) : NULL;
		if (rows[i] == NULL || rows[i]->deleted)
			return fail_not_found(fail);
		for (size_t k = 0; k < i; k++) {
			if (rows[k] == rows[i])
				return fail_bad(fail, "Record IDs to merge must be different");
		}
	}
	return true;
}

bool core_merge(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	const json_t *ids = json_object_get(c->input, "ids");
	const json_t *priority = json_object_get(c->input, "conflictPriorityIndex");
	size_t n = json_array_size(ids);
	struct row *rows[MERGE_MAX];
	if (o->criteria == NULL)
		return fail_bad(fail,
			"Merge is only available for objects with duplicate criteria. Object '%s' "
			"does not have duplicate criteria defined.",
			o->singular);
	if (n < 2)
		return fail_bad(fail, "At least 2 record IDs are required for merge");
	if (n > MERGE_MAX)
		return fail_bad(fail, "Maximum %d record IDs can be merged", MERGE_MAX);
	json_int_t winner = json_integer_value(priority);
	if (priority != NULL && (winner < 0 || winner >= (json_int_t)n))
		return fail_bad(fail,
			"Invalid conflict priority '%lld'. Valid options for %zu records: 0-%zu",
			(long long)winner, n, n - 1);
	if (priority == NULL)
		return fail_not_found(fail);
	if (!merge_ids(o, ids, rows, n, fail))
		return false;
	json_t *rec = NULL;
	if (json_is_true(json_object_get(c->input, "dryRun")))
		rec = preview_dress(c->world, o, merge_preview(o, rows, n, (size_t)winner));
	else if (!merge_rows(c->world, o, rows, n, (size_t)winner, &rec, fail))
		return false;
	answer_data(c, 200, "merge", o->Singular, rec);
	return true;
}
