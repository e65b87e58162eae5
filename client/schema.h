/* SPDX-License-Identifier: MIT */
/*
 * What a workspace says of its objects and fields: /rest/metadata/objects, read once and kept small
 * (33 kB for 33 objects). A real server sends all objects in one answer; where one should
 * send them in pages, the objects behind the first page are as good as unknown. A server of the
 * published documentation has no such page.
 *
 * Read-only after schema_read, and never changed: newer words make a new schema. Everything found
 * in it is BORROWED until schema_free. What is unknown here may have been made a moment ago: it is
 * for the server to say that something is not there (schema_names_unknown), never for this.
 */
#ifndef MOONHOOK_CLIENT_SCHEMA_H
#define MOONHOOK_CLIENT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "client/fields.h"
#include "client/request.h"

/* X(code, name in the answer, type of a single value) */
#define SCHEMA_TYPES(X)                                                                            \
	X(SCHEMA_OTHER, "", FIELD_OTHER) /* a newer server's */                                    \
	X(SCHEMA_UUID, "UUID", FIELD_ID)                                                           \
	X(SCHEMA_TEXT, "TEXT", FIELD_TEXT)                                                         \
	X(SCHEMA_EMAILS, "EMAILS", FIELD_EMAIL)                                                    \
	X(SCHEMA_PHONES, "PHONES", FIELD_PHONE)                                                    \
	X(SCHEMA_LINKS, "LINKS", FIELD_TEXT)                                                       \
	X(SCHEMA_FULL_NAME, "FULL_NAME", FIELD_OTHER)                                              \
	X(SCHEMA_ADDRESS, "ADDRESS", FIELD_OTHER)                                                  \
	X(SCHEMA_CURRENCY, "CURRENCY", FIELD_MONEY)                                                \
	X(SCHEMA_RICH_TEXT, "RICH_TEXT_V2", FIELD_TEXT)                                            \
	X(SCHEMA_NUMBER, "NUMBER", FIELD_NUMBER)                                                   \
	X(SCHEMA_NUMERIC, "NUMERIC", FIELD_NUMBER)                                                 \
	X(SCHEMA_POSITION, "POSITION", FIELD_NUMBER)                                               \
	X(SCHEMA_BOOLEAN, "BOOLEAN", FIELD_BOOLEAN)                                                \
	X(SCHEMA_DATE, "DATE", FIELD_DATE)                                                         \
	X(SCHEMA_DATE_TIME, "DATE_TIME", FIELD_DATE)                                               \
	X(SCHEMA_SELECT, "SELECT", FIELD_CHOICE)                                                   \
	X(SCHEMA_RATING, "RATING", FIELD_CHOICE)                                                   \
	X(SCHEMA_MULTI_SELECT, "MULTI_SELECT", FIELD_LIST)                                         \
	X(SCHEMA_ARRAY, "ARRAY", FIELD_LIST)                                                       \
	X(SCHEMA_RELATION, "RELATION", FIELD_OTHER)                                                \
	X(SCHEMA_MORPH_RELATION, "MORPH_RELATION", FIELD_OTHER)                                    \
	X(SCHEMA_ACTOR, "ACTOR", FIELD_OTHER)                                                      \
	X(SCHEMA_RAW_JSON, "RAW_JSON", FIELD_OTHER)                                                \
	X(SCHEMA_FILES, "FILES", FIELD_OTHER)                                                      \
	X(SCHEMA_TS_VECTOR, "TS_VECTOR", FIELD_OTHER)

enum schema_type {
#define X(code, name, field) code,
	SCHEMA_TYPES(X)
#undef X
		SCHEMA_TYPE_N,
};

struct schema_field {
	const char *name;
	const char *join;          /* of a relation to one record: "companyId"; NULL: none */
	const char *const *values; /* that a SELECT, MULTI_SELECT or RATING may have */
	unsigned short values_n;
	unsigned char type; /* enum schema_type */
	bool active;        /* else the API does not show it */
	bool system, unique;
};

struct schema_object {
	const char *singular, *plural;
	const struct schema_field *fields; /* sorted by name */
	size_t fields_n;
	const struct schema_field *const *joins; /* those that have one, sorted by it */
	size_t joins_n;
	bool active, system;
};

struct schema;

/* The request that reads it; it is not limited by the budget. RC_NOMEM. */
enum rc schema_ask(struct request *request, struct err *err) must_check;
/* RC_UPSTREAM where it is not what was asked for, or more than can be believed; RC_NOMEM. What has
 * no name that a rule could write is left out; of two things of one name the first counts. GIVES
 * (schema_free). */
enum rc schema_read(const json_t *body, struct schema **ret_schema, struct err *err) must_check;
void schema_free(struct schema *schema);
/* Memory that it takes. */
size_t schema_bytes(const struct schema *schema);

/* By plural, or else by singular; NULL: not known. schema may be NULL everywhere: nothing is. */
const struct schema_object *schema_object(const struct schema *schema, const char *name);
/* The i-th object, in the order of the plurals; NULL behind the last. */
const struct schema_object *schema_object_at(const struct schema *schema, size_t i);
/* By its name; NULL: none, or it is not active. */
const struct schema_field *schema_field(const struct schema_object *object, const char *name);
/* The relation that this is the column of ("companyId"); NULL as above. */
const struct schema_field *schema_field_join(const struct schema_object *object, const char *name);
/* "SELECT". STATIC. */
const char *schema_type_name(enum schema_type type);

/* The parts of composite fields: {primaryEmail, additionalEmails} .. */
struct schema_part { /* STATIC */
	enum schema_type whole;
	const char *name;
	enum field_type type;
	bool main; /* what a plain value for the whole stands for */
};
/* The parts of a type one by one: NULL gives the first, NULL is the end. */
const struct schema_part *schema_part_next(enum schema_type whole, const struct schema_part *after);

/* Does this message of Twenty say that a field or an object is not known? Then the schema is worth
 * reading again. */
bool schema_names_unknown(const char *message);
/* "did you mean jobTitle" for a name of a field that the object does not have, or for an object
 * (name NULL) that the workspace does not have. False where nothing is near, or it is known. */
bool schema_suggest(const struct schema *schema, const char *object, const char *name,
	char *ret_text, size_t text_n);

#endif
