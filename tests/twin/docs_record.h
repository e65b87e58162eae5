/* SPDX-License-Identifier: MIT */
/* Between the flat records of the published documentation and the composite ones that are stored.
 */
#ifndef MOONHOOK_TESTS_TWIN_DOCS_RECORD_H
#define MOONHOOK_TESTS_TWIN_DOCS_RECORD_H

#include <jansson.h>

#include "tests/twin/fail.h"
#include "tests/twin/world.h"

/* What a flat name stands for. */
struct docs_name {
	const struct field *field;
	const char *sub; /* STATIC; NULL: the field itself */
};

/* Finds "email", "website", "amount", "company". field is NULL where there is no such name. */
struct docs_name docs_name_find(const struct object *o, const char *flat);
/* The flat name of a stored place, e.g. "email" for emails.primaryEmail. BORROWS from o; NULL where
 * the documentation's form does not show it. */
const char *docs_name_flat(const struct object *o, const struct field *f, const char *sub);

/* The flat record. fields: array of names to show, NULL: all. GIVES; NULL when out of memory. */
json_t *docs_record(
	const struct world *w, const struct object *o, const json_t *rec, const json_t *fields);
/* The composite input for a flat one. GIVES. */
bool docs_input(
	const struct object *o, const json_t *flat, json_t **ret, struct fail *fail) must_check;

#endif
