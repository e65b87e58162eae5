/* SPDX-License-Identifier: MIT */
/*
 * Tables of rows.
 * From: change.c writes, page.c and others read. Fails only when out of memory.
 * Does not check anything: change.c asks table_conflict first.
 */
#include "tests/twin/store.h"

#include <stdlib.h>
#include <string.h>

#include "tests/twin/value.h"

struct table *table_new(void)
{
	struct table *t = calloc(1, sizeof(*t));
	if (t != NULL)
		t->min_position = 1;
	return t;
}

static void row_free(struct row *r)
{
	for (size_t i = 0; i < UNIQUE_MAX; i++)
		free(r->unique[i]);
	for (size_t k = 0; k < CRITERIA_MAX; k++)
		free(r->twins[k].key);
	json_decref(r->rec);
	free(r);
}

void table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->row_n; i++)
		row_free(t->rows[i]);
	free(t->rows);
	map_done(&t->by_id);
	for (size_t i = 0; i < t->unique_n; i++)
		map_done(&t->unique[i].rows);
	for (size_t k = 0; k < CRITERIA_MAX; k++)
		map_done(&t->twins[k]);
	free(t);
}

/* The text at "name.firstName" in a record, or NULL. */
static const char *text_at(const json_t *rec, const char *path, size_t path_n)
{
	char words[120];
	size_t n = path_n < sizeof(words) - 1 ? path_n : sizeof(words) - 1;
	memcpy(words, path, n);
	words[n] = '\0';
	char *sub = strchr(words, '.');
	if (sub != NULL)
		*sub++ = '\0';
	const json_t *value = json_object_get(rec, words);
	return json_string_value(sub != NULL ? json_object_get(value, sub) : value);
}

char *table_twin_key(const struct object *o, size_t k, const json_t *rec)
{
	const char *c = o->criteria != NULL ? o->criteria : "";
	for (; k > 0 && *c != '\0'; k--) {
		c += strcspn(c, "|");
		c += *c == '|';
	}
	char key[1024];
	size_t n = 0;
	for (bool more = *c != '\0'; more; c++) {
		size_t part = strcspn(c, "+|");
		const char *text = text_at(rec, c, part);
		size_t text_n = text != NULL ? strlen(text) : 0;
		if (text_n < CRITERION_MIN || n + text_n + 2 > sizeof(key))
			return NULL;
		memcpy(key + n, text, text_n);
		n += text_n;
		key[n++] = '\x1f';
		c += part;
		more = *c == '+';
	}
	return n != 0 ? strndup(key, n) : NULL;
}

struct row *table_find_twins(const struct table *t, size_t k, const char *key)
{
	return map_find(&t->twins[k], key);
}

static void twins_leave(struct table *t, struct row *r, size_t k)
{
	struct row *next = r->twins[k].next, *previous = r->twins[k].previous;
	if (r->twins[k].key == NULL)
		return;
	if (next != NULL)
		next->twins[k].previous = previous;
	if (previous != NULL)
		previous->twins[k].next = next;
	else if (next == NULL)
		map_remove(&t->twins[k], r->twins[k].key);
	else if (!map_put(&t->twins[k], next->twins[k].key, next))
		abort(); /* replaces an entry: it cannot need memory */
	free(r->twins[k].key);
	r->twins[k].key = NULL;
	r->twins[k].next = r->twins[k].previous = NULL;
}

static bool twins_join(struct table *t, const struct object *o, struct row *r, size_t k)
{
	char *key = table_twin_key(o, k, r->rec);
	const char *old = r->twins[k].key;
	if (key != NULL && old != NULL && strcmp(key, old) == 0) {
		free(key);
		return true;
	}
	twins_leave(t, r, k);
	if (key == NULL)
		return true;
	struct row *first = map_find(&t->twins[k], key);
	r->twins[k].key = key;
	r->twins[k].next = first;
	if (first != NULL)
		first->twins[k].previous = r;
	return map_put(&t->twins[k], key, r);
}

struct row *table_find(const struct table *t, const char *id)
{
	return map_find(&t->by_id, id);
}

bool table_is_unique(const struct table *t, size_t field)
{
	for (size_t i = 0; i < t->unique_n; i++) {
		if (t->unique[i].field == field)
			return true;
	}
	return false;
}

struct row *table_find_unique(const struct table *t, size_t field, const char *value)
{
	for (size_t i = 0; i < t->unique_n; i++) {
		if (t->unique[i].field == field)
			return map_find(&t->unique[i].rows, value);
	}
	return NULL;
}

static const char *unique_value(const struct table *t, const struct object *o, size_t i,
	const json_t *rec, char text[static 32])
{
	const struct field *f = &o->fields[t->unique[i].field];
	return value_unique(f, json_object_get(rec, field_key(f)), text);
}

struct row *table_conflict(
	const struct table *t, const struct object *o, const json_t *rec, const struct row *self)
{
	struct row *found = table_find(t, json_string_value(json_object_get(rec, "id")));
	if (found != NULL && found != self)
		return found;
	for (size_t i = 0; i < t->unique_n; i++) {
		char text[32];
		const char *value = unique_value(t, o, i, rec, text);
		found = value != NULL ? map_find(&t->unique[i].rows, value) : NULL;
		if (found != NULL && found != self)
			return found;
	}
	return NULL;
}

static void row_unindex(struct table *t, struct row *r, size_t i)
{
	if (r->unique[i] == NULL)
		return;
	if (map_find(&t->unique[i].rows, r->unique[i]) == r)
		map_remove(&t->unique[i].rows, r->unique[i]);
	free(r->unique[i]);
	r->unique[i] = NULL;
}

static bool row_index(struct table *t, const struct object *o, struct row *r, size_t i)
{
	char text[32];
	const char *value = unique_value(t, o, i, r->rec, text);
	if (r->unique[i] != NULL && value != NULL && strcmp(r->unique[i], value) == 0)
		return true;
	row_unindex(t, r, i);
	if (value == NULL)
		return true;
	r->unique[i] = strdup(value);
	return r->unique[i] != NULL && map_put(&t->unique[i].rows, r->unique[i], r);
}

static bool table_append(struct table *t, struct row *r)
{
	if (t->row_n == t->cap) {
		size_t cap = t->cap != 0 ? t->cap * 2 : 64;
		struct row **rows = realloc(t->rows, cap * sizeof(struct row *));
		if (rows == NULL)
			return false;
		t->rows = rows;
		t->cap = cap;
	}
	t->rows[t->row_n++] = r;
	return true;
}

struct row *table_put(struct table *t, const struct object *o, json_t *rec)
{
	const char *id = json_string_value(json_object_get(rec, "id"));
	struct row *r = table_find(t, id);
	bool was_deleted = r != NULL && r->deleted;
	if (r == NULL) {
		r = calloc(1, sizeof(*r));
		if (r == NULL || !table_append(t, r)) {
			free(r);
			json_decref(rec);
			return NULL;
		}
		memcpy(r->id, id, IDENT_N);
		if (!map_put(&t->by_id, r->id, r))
			abort(); /* the row is in the list already: no way back, and no way on */
	}
	json_decref(r->rec);
	r->rec = rec;
	r->deleted = json_is_string(json_object_get(rec, "deletedAt"));
	t->deleted_n += (size_t)r->deleted;
	t->deleted_n -= (size_t)was_deleted;
	double position = json_number_value(json_object_get(rec, "position"));
	if (position < t->min_position)
		t->min_position = position;
	for (size_t i = 0; i < t->unique_n; i++) {
		if (!row_index(t, o, r, i))
			return NULL;
	}
	for (size_t k = 0; o->criteria != NULL && k < CRITERIA_MAX; k++) {
		if (!twins_join(t, o, r, k))
			return NULL;
	}
	return r;
}

static int row_compare(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;
	return strcmp((*x)->id, (*y)->id);
}

struct row **table_rows(struct table *t, size_t *ret_n)
{
	*ret_n = t->row_n;
	if (t->sorted_n == t->row_n)
		return t->rows;
	/* many new rows: sort the lot; few: sort those and let them sink in, largest last */
	size_t fresh_n = t->row_n - t->sorted_n;
	qsort(t->rows + t->sorted_n, fresh_n, sizeof(struct row *), row_compare);
	struct row **merged = malloc(t->cap * sizeof(struct row *));
	if (merged == NULL) {
		qsort(t->rows, t->row_n, sizeof(struct row *), row_compare);
		t->sorted_n = t->row_n;
		return t->rows;
	}
	size_t a = 0, b = t->sorted_n, n = 0;
	while (a < t->sorted_n && b < t->row_n)
		merged[n++] =
			row_compare(&t->rows[a], &t->rows[b]) <= 0 ? t->rows[a++] : t->rows[b++];
	while (a < t->sorted_n)
		merged[n++] = t->rows[a++];
	while (b < t->row_n)
		merged[n++] = t->rows[b++];
	free(t->rows);
	t->rows = merged;
	t->sorted_n = t->row_n;
	return t->rows;
}

void table_remove(struct table *t, struct row *row)
{
	size_t n;
	struct row **rows = table_rows(t, &n);
	struct row **at = bsearch(&row, rows, n, sizeof(struct row *), row_compare);
	if (at == NULL)
		return;
	memmove(at, at + 1, (size_t)(rows + n - (at + 1)) * sizeof(struct row *));
	t->row_n--;
	t->sorted_n--;
	t->deleted_n -= (size_t)row->deleted;
	map_remove(&t->by_id, row->id);
	for (size_t i = 0; i < t->unique_n; i++)
		row_unindex(t, row, i);
	for (size_t k = 0; k < CRITERIA_MAX; k++)
		twins_leave(t, row, k);
	row_free(row);
}

bool table_field_add(struct table *t, const struct object *o, const struct field *f)
{
	bool unique = (f->flags & FF_UNI) != 0 && t->unique_n < UNIQUE_MAX;
	if (unique) {
		t->unique[t->unique_n].field = (size_t)(f - o->fields);
		t->unique[t->unique_n].rows = (struct map){0};
		t->unique_n++;
	}
	for (size_t i = 0; i < t->row_n && field_stored(f); i++) {
		json_t *rec = json_copy(t->rows[i]->rec);
		if (rec == NULL)
			return false;
		json_object_set(rec, field_key(f), f->empty);
		json_decref(t->rows[i]->rec);
		t->rows[i]->rec = rec;
	}
	return true;
}
