/* SPDX-License-Identifier: MIT */
/* Everything that changes rows: checks the input, writes, tells the webhooks. Both dialects come
 * here with input in the composite form of the core dialect. */
#ifndef MOONHOOK_TESTS_TWIN_CHANGE_H
#define MOONHOOK_TESTS_TWIN_CHANGE_H

#include <jansson.h>

#include "tests/twin/fail.h"
#include "tests/twin/store.h"
#include "tests/twin/world.h"

#define CHANGE_ROWS_MAX 200

/* What a create does where the id or a unique value is there already. */
enum create_mode { CREATE_NEW, CREATE_UPSERT };

/* Creates one row. GIVES the record. */
bool change_create(struct world *w, struct object *o, const json_t *input, enum create_mode mode,
	json_t **ret, struct fail *fail) must_check;
/* Creates all or none. GIVES an array of records; with CREATE_UPSERT updated ones come first. */
bool change_create_many(struct world *w, struct object *o, const json_t *inputs,
	enum create_mode mode, json_t **ret, struct fail *fail) must_check;
/* Updates one living row. GIVES the record. */
bool change_update(struct world *w, struct object *o, struct row *row, const json_t *input,
	json_t **ret, struct fail *fail) must_check;
/* Updates many with one input, all or none. silent: no webhooks. GIVES an array. */
enum change_news { NEWS_TELL, NEWS_SILENT };
bool change_update_many(struct world *w, struct object *o, struct row **rows, size_t n,
	const json_t *input, enum change_news news, json_t **ret, struct fail *fail) must_check;

/* GIVE the record as it is afterwards; NULL when out of memory. */
json_t *change_soft_delete(struct world *w, struct object *o, struct row *row);
json_t *change_restore(struct world *w, struct object *o, struct row *row);
/* Removes the row for good; rows that point to it lose the relation or go too. */
void change_destroy(struct world *w, struct object *o, struct row *row);

/* Replaces the record of a row after a merge and tells the webhooks. TAKES after. */
json_t *change_replace(struct world *w, struct object *o, struct row *row, json_t *after);
/* Rows elsewhere that point to one id are made to point to another (NULL: to nothing, or they go,
 * as their relation says). */
void change_repoint(struct world *w, const struct object *o, const char *from, const char *to);

/* Puts a record as it is, unchecked, over the blank row: files and seeds. TAKES rec. */
bool change_load(struct object *o, json_t *rec) must_check;

#endif
