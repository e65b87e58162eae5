/* SPDX-License-Identifier: MIT */
/* What a field may hold: its empty value, and how input becomes a value. Values are never changed
 * in place once they are part of a row: several rows, answers and deliveries share them. */
#ifndef MOONHOOK_TESTS_TWIN_VALUE_H
#define MOONHOOK_TESTS_TWIN_VALUE_H

#include <jansson.h>

#include "tests/twin/fail.h"
#include "tests/twin/schema.h"

enum sub_kind {
	SUB_TEXT,
	SUB_CODE,
	SUB_EMAIL,
	SUB_EMAILS,
	SUB_URL,
	SUB_LIST,
	SUB_NUMBER,
	SUB_JSON
};

/* A part of a composite value, e.g. primaryEmail. */
struct sub {
	const char *name; /* NULL ends a list */
	enum sub_kind kind;
};

/* The parts of a composite type, ended by a NULL name; NULL for a simple type. STATIC. */
const struct sub *value_subs(enum field_type type);
const struct sub *value_sub(enum field_type type, const char *name);

/* A new reference to what the field holds when nothing was given. */
json_t *value_empty(const struct field *f);

/* Makes a value of what came in. old: what the row holds now (composites are merged into it), or
 * the empty value. GIVES a reference in *ret. */
bool value_take(const struct field *f, const json_t *in, json_t *old, json_t **ret,
	struct fail *fail) must_check;

/* True for null, "", [] and composites made of those. */
bool value_is_empty(const json_t *value);
/* The text under which a unique field is compared, or NULL where it is empty. BORROWS from value,
 * or from text for numbers. */
const char *value_unique(const struct field *f, const json_t *value, char text[static 32]);

/* Scheme and host in lower case, no slash at the end. ret may be in. */
void value_normalise_url(const char *in, char *ret, size_t ret_n);

#endif
