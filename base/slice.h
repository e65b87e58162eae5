/* SPDX-License-Identifier: MIT */
/* Bytes that belong to somebody else: a pointer and a length, not terminated, BORROWED. */
#ifndef MOONHOOK_BASE_SLICE_H
#define MOONHOOK_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *p; /* NULL only where n is 0 */
	size_t n;      /* bytes */
};

static inline struct slice slice_of(const char *text)
{
	return (struct slice){text, text != NULL ? strlen(text) : 0};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
