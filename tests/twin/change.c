/* SPDX-License-Identifier: MIT */
/*
 * Writes rows.
 * From: core_write.c, merge.c, docs.c, seed.c. To: store.c, world.c (webhooks).
 * A refusal leaves everything as it was: input is turned into a whole new record first, and only
 * when all records of a request are good are they put. Records are replaced, never changed.
 * Does not parse requests and does not answer them.
 */
#include "tests/twin/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/twin/search.h"
#include "tests/twin/value.h"

/* One row on its way: row is NULL for an insert. after is owned until it is put. */
struct plan {
	struct row *row;
	json_t *after;
};

static const char *const kept[] = {
	"id", "createdAt", "updatedAt", "deletedAt", "createdBy", "updatedBy", "searchVector"};

static bool is_kept(const char *name)
{
	for (size_t i = 0; i < ARRAY_N(kept); i++) {
		if (strcmp(kept[i], name) == 0)
			return true;
	}
	return false;
}

static void set_time(json_t *rec, const char *key, int64_t ms)
{
	char at[CLOCK_TEXT_N];
	clock_format(ms, at);
	if (json_object_get(rec, key) != NULL)
		json_object_set_new(rec, key, json_string(at));
}

/* What changed, in the order of the fields; a relation counts under both its names. NULL: nothing.
 */
static json_t *changed_fields(const struct object *o, const json_t *before, const json_t *after)
{
	json_t *list = NULL;
	for (size_t i = 0; i < o->field_n; i++) {
		const struct field *f = &o->fields[i];
		const char *key = field_key(f);
		if (!field_stored(f) || (is_kept(key) && strcmp(key, "deletedAt") != 0))
			continue;
		const json_t *a = json_object_get(before, key), *b = json_object_get(after, key);
		if (a == b || json_equal(a, b))
			continue;
		if (list == NULL)
			list = json_array();
		json_array_append_new(list, json_string(f->name));
		if (f->join != NULL)
			json_array_append_new(list, json_string(f->join));
	}
	return list;
}

static bool relation_find(struct world *w, const struct field *f, const json_t *where, json_t **ret,
	struct fail *fail)
{
	struct object *target = schema_find_singular(&w->schema, f->target);
	const char *id = json_string_value(json_object_get(where, "id"));
	struct row *row = NULL;
	if (id != NULL)
		row = table_find(target->table, id);
	for (size_t i = 0; row == NULL && id == NULL && i < target->field_n; i++) {
		const struct field *tf = &target->fields[i];
		json_t *in = json_object_get(where, tf->name), *value = NULL;
		char text[32];
		if (in == NULL || (tf->flags & FF_UNI) == 0)
			continue;
		if (!value_take(tf, in, tf->empty, &value, fail))
			return false;
		const char *key = value_unique(tf, value, text);
		if (key != NULL)
			row = table_find_unique(target->table, i, key);
		json_decref(value);
	}
	if (row == NULL)
		return fail_bad(fail, "Expected 1 record to connect to %s, but found 0", f->name);
	*ret = json_string(row->id);
	return true;
}

/* "company": {connect:{where}} or {disconnect:true}. On create anything else is ignored, as a real
 * server does; on update it is an error. */
static bool relation_take(struct world *w, const struct object *o, const struct field *f,
	const json_t *in, bool creating, json_t *after, struct fail *fail)
{
	const json_t *where = json_object_get(json_object_get(in, "connect"), "where");
	if (json_is_object(where)) {
		json_t *id = NULL;
		if (!relation_find(w, f, where, &id, fail))
			return false;
		json_object_set_new(after, f->join, id);
		return true;
	}
	if (json_is_true(json_object_get(in, "disconnect"))) {
		json_object_set_new(after, f->join, json_null());
		return true;
	}
	if (creating || !json_is_object(in))
		return true;
	void *it = json_object_iter((json_t *)(uintptr_t)in);
	if (it == NULL)
		return true;
	return fail_with(fail, 400, "EntityPropertyNotFoundError", NULL,
		"Property \"%s.%s\" was not found in \"%s\". Make sure your query is correct.",
		f->name, json_object_iter_key(it), o->singular);
}

static bool join_take(
	struct world *w, const struct field *f, const json_t *in, json_t *after, struct fail *fail)
{
	const char *id = json_string_value(in);
	if (json_is_null(in)) {
		json_object_set_new(after, f->join, json_null());
		return true;
	}
	char text[128];
	fail_inspect(in, text, sizeof(text));
	snprintf(fail->field, sizeof(fail->field), "%s", f->join);
	if (id == NULL || !ident_valid(id))
		return fail_bad(fail, "Invalid UUID value %s for field \"%s\"", text, f->join);
	const struct object *target = schema_find_singular(&w->schema, f->target);
	if (target != NULL && table_find(target->table, id) == NULL)
		return fail_bad(
			fail, "Foreign key constraint violation on field \"%s\": %s", f->join, id);
	json_object_set(after, f->join, (json_t *)(uintptr_t)in);
	return true;
}

static bool id_take(const json_t *in, json_t *after, struct fail *fail)
{
	char text[128];
	fail_inspect(in, text, sizeof(text));
	snprintf(fail->field, sizeof(fail->field), "id");
	if (!json_is_string(in) || !ident_valid(json_string_value(in)))
		return fail_bad(fail, "Invalid UUID value %s for field \"id\"", text);
	char lower[IDENT_N];
	memcpy(lower, json_string_value(in), IDENT_N);
	for (char *p = lower; *p != '\0'; p++)
		*p |= *p >= 'A' && *p <= 'F' ? 0x20 : 0;
	json_object_set_new(after, "id", json_string(lower));
	return true;
}

static bool key_take(struct world *w, const struct object *o, const char *key, const json_t *in,
	bool creating, json_t *after, struct fail *fail)
{
	const struct field *f = schema_field(o, key);
	if (f == NULL) {
		f = schema_field_by_join(o, key);
		if (f != NULL)
			return join_take(w, f, in, after, fail);
		snprintf(fail->field, sizeof(fail->field), "%s", key);
		return fail_bad(fail, "Object %s doesn't have any \"%s\" field.", o->singular, key);
	}
	if (strcmp(key, "id") == 0)
		return !creating || id_take(in, after, fail);
	if (f->flags & FF_MANY)
		return true;
	if (f->join != NULL)
		return relation_take(w, o, f, in, creating, after, fail);
	bool author = creating && strcmp(key, "createdBy") == 0;
	if ((is_kept(key) && !author) || (f->type == FT_POSITION && !json_is_number(in)))
		return true;
	json_t *value = NULL;
	if (!value_take(f, in, json_object_get(after, key), &value, fail))
		return false;
	json_object_set_new(after, key, value);
	return true;
}

/* Applies input to after. */
static bool input_take(struct world *w, const struct object *o, const json_t *input, bool creating,
	json_t *after, struct fail *fail)
{
	if (json_is_array(input) && json_array_size(input) != 0)
		return fail_bad(fail, "Object %s doesn't have any \"0\" field.", o->singular);
	json_t *object = (json_t *)(uintptr_t)input;
	for (void *it = json_object_iter(object); it != NULL;
		it = json_object_iter_next(object, it)) {
		if (!key_take(w, o, json_object_iter_key(it), json_object_iter_value(it), creating,
			    after, fail))
			return false;
	}
	return true;
}

static bool build_new(
	struct world *w, struct object *o, const json_t *input, json_t **ret, struct fail *fail)
{
	json_t *rec = json_copy(o->blank);
	char id[IDENT_N];
	ident_random(id);
	if (rec == NULL || json_object_set_new(rec, "id", json_string(id)) != 0)
		return fail_nomem(fail);
	json_object_set_new(rec, "position", json_integer((json_int_t)o->table->min_position - 1));
	if (!input_take(w, o, input, true, rec, fail)) {
		json_decref(rec);
		return false;
	}
	for (size_t i = 0; i < o->field_n; i++) {
		const struct field *f = &o->fields[i];
		if (f->type == FT_DATE_TIME && f->dflt != NULL &&
			json_is_null(json_object_get(rec, f->name)))
			set_time(rec, f->name, w->now_ms);
	}
	if (json_object_get(rec, "createdBy") != NULL &&
		json_object_get(input, "createdBy") == NULL)
		json_object_set(rec, "createdBy", w->actor);
	if (json_object_get(rec, "updatedBy") != NULL)
		json_object_set(rec, "updatedBy", w->actor);
	search_vector_set(o, rec, NULL);
	*ret = rec;
	return true;
}

static bool build_update(struct world *w, struct object *o, const struct row *row,
	const json_t *input, json_t **ret, struct fail *fail)
{
	json_t *rec = json_copy(row->rec);
	if (rec == NULL)
		return fail_nomem(fail);
	if (!input_take(w, o, input, false, rec, fail)) {
		json_decref(rec);
		return false;
	}
	set_time(rec, "updatedAt", w->now_ms);
	if (json_object_get(rec, "updatedBy") != NULL)
		json_object_set(rec, "updatedBy", w->actor);
	search_vector_set(o, rec, row->rec);
	*ret = rec;
	return true;
}

static bool fail_duplicate(struct fail *fail)
{
	return fail_bad(fail, "A duplicate entry was detected");
}

/* Puts a finished record and tells who listens. TAKES after; GIVES a reference to it. */
static json_t *plan_put(struct world *w, struct object *o, struct plan *p, enum change_news news,
	const char *action)
{
	json_t *before = p->row != NULL ? json_incref(p->row->rec) : NULL;
	json_t *after = json_incref(p->after);
	struct row *row = table_put(o->table, o, p->after);
	p->after = NULL;
	if (row == NULL) {
		json_decref(before);
		json_decref(after);
		return NULL;
	}
	json_t *fields = before != NULL ? changed_fields(o, before, after) : NULL;
	if (news == NEWS_TELL && (before == NULL || fields != NULL))
		world_emit(w, o, action, after, fields);
	json_decref(fields);
	json_decref(before);
	return after;
}

/* An upsert that matched: the input without its id over the row, which is revived. */
static bool plan_upsert(
	struct world *w, struct object *o, const json_t *input, struct plan *p, struct fail *fail)
{
	json_t *rec = NULL;
	if (!build_update(w, o, p->row, input, &rec, fail))
		return false;
	json_object_set_new(rec, "deletedAt", json_null());
	json_decref(p->after);
	p->after = rec;
	return table_conflict(o->table, o, rec, p->row) == NULL || fail_duplicate(fail);
}

static bool plan_create(struct world *w, struct object *o, const json_t *input,
	enum create_mode mode, struct plan *p, struct fail *fail)
{
	if (!build_new(w, o, input, &p->after, fail))
		return false;
	struct row *other = table_conflict(o->table, o, p->after, NULL);
	if (other == NULL)
		return true;
	if (mode == CREATE_NEW)
		return fail_duplicate(fail);
	p->row = other;
	return plan_upsert(w, o, input, p, fail);
}

bool change_create(struct world *w, struct object *o, const json_t *input, enum create_mode mode,
	json_t **ret, struct fail *fail)
{
	struct plan p = {0};
	if (!plan_create(w, o, input, mode, &p, fail)) {
		json_decref(p.after);
		return false;
	}
	*ret = plan_put(w, o, &p, NEWS_TELL, p.row != NULL ? "updated" : "created");
	return *ret != NULL || fail_nomem(fail);
}

/* Finds rows of the same batch that exclude one another: they are put into a table of their own. */
static bool plans_agree(struct object *o, struct plan *plans, size_t n, struct fail *fail)
{
	struct table *t = table_new();
	bool ok = t != NULL;
	for (size_t i = 0; ok && i < o->field_n; i++)
		ok = (o->fields[i].flags & FF_UNI) == 0 || table_field_add(t, o, &o->fields[i]);
	for (size_t i = 0; ok && i < n; i++) {
		if (table_conflict(t, o, plans[i].after, NULL) != NULL) {
			table_free(t);
			return fail_duplicate(fail);
		}
		ok = table_put(t, o, json_incref(plans[i].after)) != NULL;
	}
	table_free(t);
	return ok || fail_nomem(fail);
}

static void plans_spread(struct object *o, struct plan *plans, size_t n)
{
	double position = o->table->min_position - 1;
	for (size_t i = 0; i < n; i++) {
		if (plans[i].row == NULL)
			json_object_set_new(
				plans[i].after, "position", json_integer((json_int_t)position--));
	}
}

bool change_create_many(struct world *w, struct object *o, const json_t *inputs,
	enum create_mode mode, json_t **ret, struct fail *fail)
{
	size_t n = json_array_size(inputs);
	if (n > CHANGE_ROWS_MAX)
		return fail_bad(
			fail, "Maximum number of records to upsert is %d.", CHANGE_ROWS_MAX);
	struct plan *plans = calloc(n + 1, sizeof(*plans));
	bool ok = plans != NULL || fail_nomem(fail);
	for (size_t i = 0; ok && i < n; i++)
		ok = plan_create(w, o, json_array_get(inputs, i), mode, &plans[i], fail);
	ok = ok && plans_agree(o, plans, n, fail);
	json_t *list = json_array();
	if (ok)
		plans_spread(o, plans, n);
	/* updates first: a real server answers an upsert in that order */
	for (int pass = 0; ok && pass < 2; pass++) {
		for (size_t i = 0; i < n; i++) {
			bool update = plans[i].row != NULL;
			if (plans[i].after == NULL || update != (pass == 0))
				continue;
			json_t *rec = plan_put(
				w, o, &plans[i], NEWS_TELL, update ? "updated" : "created");
			json_array_append_new(list, rec);
		}
	}
	for (size_t i = 0; plans != NULL && i < n; i++)
		json_decref(plans[i].after);
	free(plans);
	if (ok)
		*ret = list;
	else
		json_decref(list);
	return ok;
}

bool change_update(struct world *w, struct object *o, struct row *row, const json_t *input,
	json_t **ret, struct fail *fail)
{
	struct plan p = {.row = row};
	if (!build_update(w, o, row, input, &p.after, fail))
		return false;
	if (table_conflict(o->table, o, p.after, row) != NULL) {
		json_decref(p.after);
		return fail_duplicate(fail);
	}
	*ret = plan_put(w, o, &p, NEWS_TELL, "updated");
	return *ret != NULL || fail_nomem(fail);
}

bool change_update_many(struct world *w, struct object *o, struct row **rows, size_t n,
	const json_t *input, enum change_news news, json_t **ret, struct fail *fail)
{
	json_t *probe = json_copy(o->blank); /* bad input is told before too many rows are */
	bool ok = probe != NULL && input_take(w, o, input, false, probe, fail);
	json_decref(probe);
	if (!ok)
		return false;
	if (n > CHANGE_ROWS_MAX)
		return fail_bad(
			fail, "Maximum number of records to update is %d.", CHANGE_ROWS_MAX);
	struct plan *plans = calloc(n + 1, sizeof(*plans));
	ok = plans != NULL || fail_nomem(fail);
	for (size_t i = 0; ok && i < n; i++) {
		plans[i].row = rows[i];
		ok = build_update(w, o, rows[i], input, &plans[i].after, fail) &&
		     (table_conflict(o->table, o, plans[i].after, rows[i]) == NULL ||
			     fail_duplicate(fail));
	}
	ok = ok && plans_agree(o, plans, n, fail);
	json_t *list = json_array();
	for (size_t i = 0; ok && i < n; i++)
		json_array_append_new(list, plan_put(w, o, &plans[i], news, "updated"));
	for (size_t i = 0; plans != NULL && i < n; i++)
		json_decref(plans[i].after);
	free(plans);
	if (ok)
		*ret = list;
	else
		json_decref(list);
	return ok;
}

static json_t *change_deleted_at(
	struct world *w, struct object *o, struct row *row, bool deleted, const char *action)
{
	struct plan p = {.row = row, .after = json_copy(row->rec)};
	if (p.after == NULL)
		return NULL;
	set_time(p.after, "updatedAt", w->now_ms);
	if (deleted)
		set_time(p.after, "deletedAt", w->now_ms);
	else
		json_object_set_new(p.after, "deletedAt", json_null());
	return plan_put(w, o, &p, NEWS_TELL, action);
}

json_t *change_soft_delete(struct world *w, struct object *o, struct row *row)
{
	return change_deleted_at(w, o, row, true, "deleted");
}

json_t *change_restore(struct world *w, struct object *o, struct row *row)
{
	return change_deleted_at(w, o, row, false, "restored");
}

json_t *change_replace(struct world *w, struct object *o, struct row *row, json_t *after)
{
	struct plan p = {.row = row, .after = after};
	set_time(after, "updatedAt", w->now_ms);
	if (json_object_get(after, "updatedBy") != NULL)
		json_object_set(after, "updatedBy", w->actor);
	search_vector_set(o, after, row->rec);
	return plan_put(w, o, &p, NEWS_TELL, "updated");
}

static void repoint_field(struct object *o, const struct field *f, const char *from, const char *to)
{
	size_t n;
	struct row **rows = table_rows(o->table, &n);
	for (size_t i = n; i > 0; i--) {
		struct row *row = rows[i - 1];
		const char *id = json_string_value(json_object_get(row->rec, f->join));
		if (id == NULL || strcmp(id, from) != 0)
			continue;
		if (to == NULL && (f->flags & FF_CAS)) {
			table_remove(o->table, row); /* keeps the order of what is before i */
			continue;
		}
		json_t *rec = json_copy(row->rec);
		if (rec == NULL)
			continue;
		json_object_set_new(rec, f->join, to != NULL ? json_string(to) : json_null());
		json_decref(row->rec);
		row->rec = rec;
	}
}

void change_repoint(struct world *w, const struct object *o, const char *from, const char *to)
{
	for (size_t i = 0; i < w->schema.object_n; i++) {
		struct object *other = w->schema.objects[i];
		for (size_t k = 0; other->table->row_n != 0 && k < other->field_n; k++) {
			const struct field *f = &other->fields[k];
			if (f->join != NULL && strcmp(f->target, o->singular) == 0)
				repoint_field(other, f, from, to);
		}
	}
}

void change_destroy(struct world *w, struct object *o, struct row *row)
{
	char id[IDENT_N];
	memcpy(id, row->id, IDENT_N);
	json_t *rec = json_incref(row->rec);
	table_remove(o->table, row);
	change_repoint(w, o, id, NULL);
	world_emit(w, o, "destroyed", rec, NULL);
	json_decref(rec);
}

bool change_load(struct object *o, json_t *rec)
{
	json_t *whole = json_copy(o->blank);
	char id[IDENT_N];
	ident_random(id);
	bool ok = whole != NULL && json_is_object(rec);
	if (ok) {
		json_object_set_new(whole, "id", json_string(id));
		json_object_update_existing(whole, rec);
		search_vector_set(o, whole, NULL);
	}
	json_decref(rec);
	if (!ok) {
		json_decref(whole);
		return false;
	}
	return table_put(o->table, o, whole) != NULL;
}
