/* SPDX-License-Identifier: MIT */
/* Where a value stands in a row: a field, a part of it, a field of a related row. */
#ifndef MOONHOOK_TESTS_TWIN_PATH_H
#define MOONHOOK_TESTS_TWIN_PATH_H

#include <jansson.h>

#include "tests/twin/fail.h"
#include "tests/twin/schema.h"

struct path {
	const struct field *via;   /* the relation to follow first, or NULL */
	const struct table *table; /* where via leads */
	const struct field *field;
	const char *sub; /* STATIC; part of a composite, or NULL */
	char text[160];  /* as it was asked for */
};

enum path_fail { PATH_OK, PATH_UNKNOWN, PATH_NEEDS_SUB };

/* Reads "name", "emails.primaryEmail", "companyId", "company.name". */
enum path_fail path_parse(struct path *p, const struct schema *s, const struct object *o,
	const char *text) must_check;
/* The value in a row; NULL where a related row is missing. BORROWS from the row. */
json_t *path_value(const struct path *p, const json_t *rec);

#endif
