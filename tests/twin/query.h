/* SPDX-License-Identifier: MIT */
/* The query string of a URL, decoded. */
#ifndef MOONHOOK_TESTS_TWIN_QUERY_H
#define MOONHOOK_TESTS_TWIN_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#define QUERY_MAX 64

struct query {
	char *text; /* owned; holds what the pairs point to */
	struct {
		const char *key, *value;
	} pairs[QUERY_MAX];
	size_t n;
};

/* Decodes "a=b&c=%20d"; what comes after QUERY_MAX pairs is left out. False: out of memory. */
bool query_parse(struct query *q, const char *text) must_check;
void query_done(struct query *q);
/* The value of a key that is there once; NULL where it is missing or repeated (a real server sees a
 * list then, and ignores it). */
const char *query_find(const struct query *q, const char *key);

#endif
