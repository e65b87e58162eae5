/* SPDX-License-Identifier: MIT */
/*
 * Which field a short name means. The table of standard fields, shared by fields.c (which name is
 * meant) and shape.c (records turned from one shape into another); and the rule for the fields that
 * a workspace says it has:
 *
 *   1. a field of that very name, a path into one ("vetEmail.primaryEmail"), the column of a
 *      relation ("companyId")
 *   2. what the table says of a standard object, where the workspace has that field
 *   3. email, phone, firstName, lastName, street, street2, city, postcode, state, country,
 * latitude, longitude: the part of the field that bears the standard name (emails, phones, name,
 *      address), or else of the only field of that kind
 *   4. domain: domainName, or else the only LINKS with "domain" or "website" in its name
 *   5. x: the LINKS called xLink, the rich text called xV2
 *
 * More than one field fits: it must be written out. None does: the name is taken as it is.
 */
#ifndef MOONHOOK_CLIENT_NAMES_H
#define MOONHOOK_CLIENT_NAMES_H

#include <stddef.h>

#include "client/fields.h"

struct schema_object;

#define NAME_SHORT_MAX 32

struct name {               /* STATIC */
	const char *object; /* plural */
	const char *name;   /* short */
	const char *path;   /* of a real server */
	const char *docs;   /* of the documentation, NULL: none */
	enum field_type type;
};

/* The object's entries one by one: NULL gives the first, NULL is the end. */
const struct name *name_next(const char *object, const struct name *after);

/* The rule above. *ret_known is false, and nothing else set, where the object has no such field.
 * RC_INVALID with a sentence that names them: several fit. */
enum rc name_own(const struct schema_object *object, const char *name, struct field *ret_field,
	bool *ret_known, struct err *err) must_check;
/* The short names that mean a field of this object, at most max of them. STATIC; how many. */
size_t name_shorts(const struct schema_object *object, const char **ret_names, size_t max);

#endif
