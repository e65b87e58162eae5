/* SPDX-License-Identifier: MIT */
/* The rows of one object: found by id and by unique value through hashes, listed in order of id. */
#ifndef MOONHOOK_TESTS_TWIN_STORE_H
#define MOONHOOK_TESTS_TWIN_STORE_H

#include <jansson.h>
#include <stdbool.h>

#include "tests/twin/map.h"
#include "tests/twin/schema.h"

#define UNIQUE_MAX 8    /* unique fields of one object */
#define CRITERIA_MAX 4  /* ways in which two rows of an object can be duplicates */
#define CRITERION_MIN 3 /* bytes: a shorter text makes no duplicate */

struct row {
	json_t *rec; /* owned; never changed in place, replaced by table_put */
	char id[IDENT_N];
	bool deleted;             /* softly */
	char *unique[UNIQUE_MAX]; /* owned; the values under which the row is indexed, or NULL */
	struct {
		char *key; /* owned; NULL where the row meets the criterion with nobody */
		struct row *next, *previous; /* others with the same key */
	} twins[CRITERIA_MAX];
};

struct table {
	struct map by_id;
	struct {
		size_t field; /* index in the object */
		struct map rows;
	} unique[UNIQUE_MAX];
	size_t unique_n;
	struct map twins[CRITERIA_MAX]; /* key to the first of the rows that have it */
	struct row **rows; /* the first sorted_n in order of id, the rest as they came */
	size_t row_n, sorted_n, cap;
	size_t deleted_n;
	double min_position;
};

struct table *table_new(void);
void table_free(struct table *t);

/* A field was added: rows get its empty value, an index is made where it is unique. */
bool table_field_add(struct table *t, const struct object *o, const struct field *f) must_check;

struct row *table_find(const struct table *t, const char *id);
/* The row with that value in a unique field; field is its index in the object. */
struct row *table_find_unique(const struct table *t, size_t field, const char *value);
bool table_is_unique(const struct table *t, size_t field);
/* The row, other than self, that holds a unique value of rec or its id; NULL where there is none.
 */
struct row *table_conflict(
	const struct table *t, const struct object *o, const json_t *rec, const struct row *self);

/* How a record meets criterion k of its object: a text that all duplicates share. GIVES; NULL where
 * it meets it with nobody. */
char *table_twin_key(const struct object *o, size_t k, const json_t *rec);
/* The first row with that key; the others follow by twins[k].next. */
struct row *table_find_twins(const struct table *t, size_t k, const char *key);

/* Inserts or replaces by rec's id. TAKES rec. NULL when out of memory. */
struct row *table_put(struct table *t, const struct object *o, json_t *rec) must_check;
void table_remove(struct table *t, struct row *row);
/* All rows, soft-deleted ones too, in order of id. BORROWS until the next change. */
struct row **table_rows(struct table *t, size_t *ret_n);

#endif
