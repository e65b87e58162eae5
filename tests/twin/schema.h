/* SPDX-License-Identifier: MIT */
/* The objects of the workspace as the twin lives with them: the const tables plus what was added.
 */
#ifndef MOONHOOK_TESTS_TWIN_SCHEMA_H
#define MOONHOOK_TESTS_TWIN_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "tests/twin/schema_table.h"

#define IDENT_N 37 /* a UUID and its NUL */
#define WORKSPACE_ID "20202020-1c25-4d02-bf25-6aeccf7ea419"
#define APPLICATION_ID "d037d731-a3d2-4e56-885f-c41bc166f318"

struct table; /* store.h */

struct field {
	char *name; /* owned */
	char *join; /* owned; "companyId" for a relation that holds an id, else NULL */
	char *label;
	enum field_type type;
	unsigned flags;  /* FF_ */
	json_t *dflt;    /* as the metadata writes it, or NULL */
	json_t *options; /* array of {value, label, color}, or NULL */
	json_t *settings;
	json_t *empty; /* the value a row has where nothing was given; shared, never changed */
	char *target;  /* owned; singular name, relations only */
	char *inverse; /* owned; FF_MANY only */
	char id[IDENT_N];
	int64_t created_ms;
};

struct object {
	char *singular, *plural; /* owned */
	char *Singular, *Plural; /* owned; first letter upper case, as in createPerson */
	char *label, *labels, *shortcut;
	char *criteria;
	char id[IDENT_N];
	unsigned flags; /* OF_ */
	struct field *fields;
	size_t field_n;
	json_t *blank; /* a row with every value empty, in the order of the fields */
	struct table *table;
	int64_t created_ms;
};

struct schema {
	struct object **objects;
	size_t object_n;
};

/* Builds the schema from the const tables, with one empty table per object. */
bool schema_init(struct schema *s, int64_t now_ms) must_check;
void schema_done(struct schema *s);

struct object *schema_find_plural(const struct schema *s, const char *plural);
struct object *schema_find_singular(const struct schema *s, const char *singular);
struct object *schema_find_id(const struct schema *s, const char *id);
/* The field of that name. */
struct field *schema_field(const struct object *o, const char *name);
/* The relation whose join column has that name. */
struct field *schema_field_by_join(const struct object *o, const char *join);
bool schema_option_known(const struct field *f, const char *value);

/* Adds an object with the system fields and a name; NULL when out of memory or when it exists. */
struct object *schema_object_new(struct schema *s, const char *singular, const char *plural,
	const char *label, const char *labels, int64_t now_ms);
/* Adds a field to an object that may have rows: they get its empty value. */
struct field *schema_field_new(struct object *o, const struct field_def *def, int64_t now_ms);

const char *field_type_name(enum field_type type);
/* FT_N where there is none. */
enum field_type field_type_find(const char *name);
/* True where a row holds a value of this field itself (relations: the join column). */
bool field_stored(const struct field *f);
/* The key under which a row holds it: name or join column. */
const char *field_key(const struct field *f);

/* A UUID made of the text: the same text gives the same id. */
void ident_of(const char *text, char ret[static IDENT_N]);
/* A random UUID (version 4). */
void ident_random(char ret[static IDENT_N]);
bool ident_valid(const char *text);

#endif
