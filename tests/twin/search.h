/* SPDX-License-Identifier: MIT */
/* The searchVector of a row. */
#ifndef MOONHOOK_TESTS_TWIN_SEARCH_H
#define MOONHOOK_TESTS_TWIN_SEARCH_H

#include <jansson.h>

#include "tests/twin/schema.h"

/* Sets rec's searchVector where the object has one and where what it is made of differs from before
 * (NULL: always). */
void search_vector_set(const struct object *o, json_t *rec, const json_t *before);

#endif
