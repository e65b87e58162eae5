/* SPDX-License-Identifier: MIT */
/*
 * The names of fields: short ones ("email"), the paths of a real server ("emails.primaryEmail") and
 * the flat ones of the published documentation; and records turned from one shape into another.
 * Objects are plural names, as in paths. schema: what the workspace says of its own fields
 * (schema.h); NULL: only the standard ones are known.
 */
#ifndef MOONHOOK_CLIENT_FIELDS_H
#define MOONHOOK_CLIENT_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

struct schema;

#define FIELD_PATH_MAX 128

enum field_type {
	FIELD_OTHER, /* nobody has told us */
	FIELD_TEXT,
	FIELD_EMAIL, /* text that Twenty keeps in lower case */
	FIELD_ID,
	FIELD_DATE,
	FIELD_NUMBER,
	FIELD_MONEY,  /* {amountMicros, currencyCode}; plain numbers are currency units */
	FIELD_PHONE,  /* parts of a number; plain texts are E.164 */
	FIELD_DOMAIN, /* a link of which only the host counts */
	FIELD_LIST,   /* several values */
	FIELD_CHOICE, /* one of a few words */
	FIELD_BOOLEAN,
};

struct field {
	char path[FIELD_PATH_MAX]; /* "emails.primaryEmail"; of MONEY and PHONE the whole field */
	/* where a plain value for it stands: "emails.primaryEmail" of "emails", "companyId" of
	 * "company"; "": at path. The type is that one's. */
	char plain[FIELD_PATH_MAX];
	enum field_type type;
	const char *docs; /* flat name of the documentation, NULL: the path itself; STATIC */
};

/* RC_INVALID with a sentence where name is no path of names, or a short name that could mean
 * several fields of the workspace (the rule is in names.h). A name that schema does not have is
 * taken as it is: the server may know it. */
enum rc field_find(const struct schema *schema, const char *object, const char *name,
	struct field *ret_field, struct err *err) must_check;
/* The field becomes the single value that a plain one stands for; no docs name is left then. */
void field_single(struct field *field);
/* The value at a path; NULL where there is none. A JSON null on the way counts as none. BORROWS. */
json_t *field_value(const json_t *record, const char *path);
/* True where the record has the first name of the path at all. */
bool field_known(const json_t *record, const char *path);
/* "https://www.Acme.io/" -> "acme.io"; false where that does not fit or nothing is left. */
bool field_domain(const char *text, char *ret_host, size_t host_n);

/* What a rule writes -> the shape of a real server: short names, plain amounts of money, plain
 * telephone numbers and other plain values become composite fields, one value a list of one, the id
 * of a relation its column. Anything else goes as it is. RC_INVALID, RC_NOMEM. GIVES. */
enum rc fields_expand(const struct schema *schema, const char *object, const json_t *data,
	json_t **ret_data, struct err *err) must_check;
/* That shape -> the documentation's. RC_UNSUPPORTED with a sentence where it has no words for it.
 */
enum rc fields_to_docs(
	const char *object, const json_t *data, json_t **ret_data, struct err *err) must_check;
/* A record of either shape -> the shape of a real server; NULL when memory is short. GIVES. */
json_t *fields_from_docs(const char *object, const json_t *record);
/* The id and the named fields of a record, nothing else. names: array of texts. GIVES. */
enum rc fields_pick(const struct schema *schema, const char *object, const json_t *record,
	const json_t *names, json_t **ret_record, struct err *err) must_check;

#endif
