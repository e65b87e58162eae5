/* SPDX-License-Identifier: MIT */
/*
 * A record and what it was before -> what differs, and back.
 * From: route_seen.c (compare, put), event.c by way of assign.c (open). Texts are walked, not
 * parsed. Fails when memory is short, or with RC_PARSE where a text is not what it should be. Does
 * not know which copy is older.
 */
#include "runner/past.h"

#include <string.h>

#include "runner/dump.h"
#include "runner/member.h"

#define PAST_MAX (16u << 20) /* bytes of each text */

/* Change with every update, or are derived: Twenty names them in no list either. */
static bool changes_by_itself(struct slice name)
{
	static const char *const names[] = {"updatedAt", "updatedBy", PAST_INDEX};
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		if (slice_equal(name, slice_of(names[i])))
			return true;
	}
	return false;
}

static bool names_it(const json_t *sent, struct slice name)
{
	size_t n = json_array_size(sent);
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(sent, i);
		struct slice text = {json_string_value(one), json_string_length(one)};
		if (text.p != NULL && slice_equal(text, name))
			return true;
	}
	return false;
}

/* --- compare ---------------------------------------------------------------------------------- */

static enum rc put_name(struct buf *out, struct slice name)
{
	enum rc rc = buf_put_text(out, out->n > 1 ? ",\"" : "\"");
	if (rc == RC_OK)
		rc = buf_put(out, name.p, name.n);
	return rc == RC_OK ? buf_put_text(out, "\"") : rc;
}

static enum rc put_old(struct past *past, const struct member *m)
{
	enum rc rc = put_name(&past->old, m->name);
	if (rc == RC_OK)
		rc = buf_put_text(&past->old, ":");
	return rc == RC_OK ? buf_put(&past->old, m->value.p, m->value.n) : rc;
}

static enum rc add_name(struct past *past, struct slice name)
{
	if (changes_by_itself(name))
		return RC_OK;
	return json_array_append_new(past->names, json_stringn(name.p, name.n)) == 0 ? RC_OK
										     : RC_NOMEM;
}

/* One of the two is NULL where only the other has the member: it was made or removed in the
 * workspace, and what it holds then tells nothing. */
static enum rc differ(
	struct past *past, const struct member *old, const struct member *new, const json_t *sent)
{
	struct slice name = old != NULL ? old->name : new->name;
	enum rc rc = old != NULL ? put_old(past, old) : put_name(&past->news, name);
	if (rc == RC_OK && ((old != NULL && new != NULL) || names_it(sent, name)))
		rc = add_name(past, name);
	return rc;
}

/* Steps over what is kept nowhere. */
static bool next(struct member_walk *walk, struct member *ret_member)
{
	while (member_next(walk, ret_member)) {
		if (!slice_equal(ret_member->name, slice_of(PAST_INDEX)))
			return true;
	}
	return false;
}

static enum rc compare(
	struct past *past, struct slice record, struct slice before, const json_t *sent)
{
	struct member_walk olds, news;
	struct member old, new;
	enum rc rc = RC_OK;
	member_begin(&olds, before);
	member_begin(&news, record);
	bool has_old = next(&olds, &old), has_new = next(&news, &new);
	while (rc == RC_OK && (has_old || has_new)) {
		int order = !has_old ? 1 : !has_new ? -1 : member_order(old.name, new.name);
		if (order != 0 || !slice_equal(old.value, new.value))
			rc = differ(past, order <= 0 ? &old : NULL, order >= 0 ? &new : NULL, sent);
		if (order <= 0)
			has_old = next(&olds, &old);
		if (order >= 0)
			has_new = next(&news, &new);
	}
	return rc == RC_OK && (olds.bad || news.bad) ? RC_PARSE : rc;
}

enum rc past_compare(
	struct slice record, struct slice before, const json_t *sent, struct past *ret_past)
{
	struct past past = {.names = json_array()};
	buf_init(&past.old, PAST_MAX);
	buf_init(&past.news, PAST_MAX);
	enum rc rc = past.names != NULL ? buf_put_text(&past.old, "{") : RC_NOMEM;
	if (rc == RC_OK)
		rc = buf_put_text(&past.news, "[");
	if (rc == RC_OK)
		rc = compare(&past, record, before, sent);
	if (rc == RC_OK)
		rc = buf_put_text(&past.old, "}");
	if (rc == RC_OK)
		rc = buf_put_text(&past.news, "]");
	if (rc == RC_OK)
		*ret_past = past;
	else
		past_done(&past);
	return rc;
}

void past_done(struct past *past)
{
	buf_done(&past->old);
	buf_done(&past->news);
	json_decref(past->names);
	past->names = NULL;
}

enum rc past_put(struct buf *row, const struct past *past, const json_t *fields)
{
	enum rc rc = buf_put_text(row, "{");
	if (rc == RC_OK && past != NULL)
		rc = buf_printf(row, "\"before\":");
	if (rc == RC_OK && past != NULL)
		rc = buf_put(row, past->old.p, past->old.n);
	if (rc == RC_OK)
		rc = buf_put_text(row, past != NULL ? ",\"fields\":" : "\"fields\":");
	if (rc == RC_OK)
		rc = dump_value(row, fields);
	if (rc == RC_OK && past != NULL && past->news.n > 2)
		rc = buf_put_text(row, ",\"new\":");
	if (rc == RC_OK && past != NULL && past->news.n > 2)
		rc = buf_put(row, past->news.p, past->news.n);
	return rc == RC_OK ? buf_put_text(row, "}") : rc;
}

/* --- and back --------------------------------------------------------------------------------- */

/* A list of texts, or NULL for null. */
static enum rc read_names(struct slice text, json_t **ret_names)
{
	if (text.n == 0 || slice_equal(text, slice_of("null"))) {
		*ret_names = NULL;
		return RC_OK;
	}
	json_t *names = json_loadb(text.p, text.n, 0, NULL);
	if (!json_is_array(names)) {
		json_decref(names);
		return RC_PARSE;
	}
	*ret_names = names;
	return RC_OK;
}

static enum rc put_member(struct buf *out, const struct member *m, size_t begin)
{
	enum rc rc = RC_OK;
	if (out->n > begin + 1)
		rc = buf_put_text(out, ",");
	if (rc == RC_OK) /* with its quotes and colon */
		rc = buf_put(out, m->name.p - 1, (size_t)(m->value.p - m->name.p) + 1 + m->value.n);
	return rc;
}

/* The record with its old values, and without what is new. */
static enum rc restore(
	struct slice record, struct slice olds_text, const json_t *added, struct buf *out)
{
	struct member_walk olds, news;
	struct member old, new;
	size_t begin = out->n;
	member_begin(&olds, olds_text);
	member_begin(&news, record);
	bool has_old = next(&olds, &old), has_new = next(&news, &new);
	enum rc rc = buf_put_text(out, "{");
	while (rc == RC_OK && (has_old || has_new)) {
		int order = !has_old ? 1 : !has_new ? -1 : member_order(old.name, new.name);
		if (order <= 0)
			rc = put_member(out, &old, begin);
		else if (!names_it(added, new.name))
			rc = put_member(out, &new, begin);
		if (order <= 0)
			has_old = next(&olds, &old);
		if (order >= 0)
			has_new = next(&news, &new);
	}
	if (rc == RC_OK && (olds.bad || news.bad))
		return RC_PARSE;
	return rc == RC_OK ? buf_put_text(out, "}") : rc;
}

struct row { /* BORROWS */
	struct slice before, fields, news;
};

static enum rc read_row(struct slice text, struct row *ret_row)
{
	struct member_walk walk;
	struct member m;
	struct row row = {0};
	member_begin(&walk, text);
	while (member_next(&walk, &m)) {
		if (slice_equal(m.name, slice_of("before")))
			row.before = m.value;
		else if (slice_equal(m.name, slice_of("fields")))
			row.fields = m.value;
		else if (slice_equal(m.name, slice_of("new")))
			row.news = m.value;
	}
	if (walk.bad)
		return RC_PARSE;
	*ret_row = row;
	return RC_OK;
}

enum rc past_open(struct slice text, struct slice record, struct buf *before, json_t **ret_fields,
	struct err *err)
{
	struct row row = {0};
	json_t *fields = NULL, *added = NULL;
	enum rc rc = read_row(text, &row);
	if (rc == RC_OK)
		rc = read_names(row.fields, &fields);
	if (rc == RC_OK)
		rc = read_names(row.news, &added);
	if (rc == RC_OK && row.before.n > 0)
		rc = restore(record, row.before, added, before);
	json_decref(added);
	if (rc == RC_OK) {
		*ret_fields = fields;
		return RC_OK;
	}
	json_decref(fields);
	return err_set(err, rc,
		rc == RC_PARSE ? "what is stored of the record before the event is damaged"
			       : "no memory for what the record was before");
}
