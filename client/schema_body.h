/* SPDX-License-Identifier: MIT */
/* What a schema is made of, for schema.c and schema_read.c only. */
#ifndef MOONHOOK_CLIENT_SCHEMA_BODY_H
#define MOONHOOK_CLIENT_SCHEMA_BODY_H

#include "client/schema.h"

struct schema { /* one piece of memory, everything else behind it */
	const struct schema_object **by_plural, **by_singular; /* sorted, each name once */
	size_t plurals_n, singulars_n;
	size_t bytes; /* of that memory */
};

#endif
