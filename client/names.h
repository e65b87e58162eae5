/* SPDX-License-Identifier: MIT */
/* The table of standard fields, shared by fields.c (which name is meant) and shape.c (records
 * turned from one shape into another). */
#ifndef MOONHOOK_CLIENT_NAMES_H
#define MOONHOOK_CLIENT_NAMES_H

#include "client/fields.h"

struct name {               /* STATIC */
	const char *object; /* plural */
	const char *name;   /* short */
	const char *path;   /* of a real server */
	const char *docs;   /* of the documentation, NULL: none */
	enum field_type type;
};

/* The object's entries one by one: NULL gives the first, NULL is the end. */
const struct name *name_next(const char *object, const struct name *after);

#endif
