/* SPDX-License-Identifier: MIT */
/* Group by, for both dialects. */
#ifndef MOONHOOK_TESTS_TWIN_GROUP_H
#define MOONHOOK_TESTS_TWIN_GROUP_H

#include <jansson.h>

#include "tests/twin/filter.h"

/* The documentation's form: [{<flat>: value, count, sum: {amount: ..}}]. key and sub say where the
 * value stands. GIVES. */
json_t *group_docs(const struct object *o, const struct filter *filter, const char *flat,
	const char *key, const char *sub);

#endif
