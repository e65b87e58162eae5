/* SPDX-License-Identifier: MIT */
/* What was asked and how it was answered: the last requests, in bounded memory. */
#ifndef MOONHOOK_TESTS_TWIN_JOURNAL_H
#define MOONHOOK_TESTS_TWIN_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define JOURNAL_MAX 200000    /* requests */
#define JOURNAL_BODY_MAX 4096 /* bytes of a body */

struct journal {
	char **lines; /* owned ring of finished JSON lines */
	size_t n, first;
	bool off;
};

/* Notes an answered request. Cannot fail: without memory the line is missing. */
void journal_put(struct journal *j, int64_t at_ms, const char *method, const char *path,
	const char *query, struct slice body, int status);
void journal_clear(struct journal *j);
void journal_done(struct journal *j);
/* Appends the last `last` lines, oldest first. */
enum rc journal_print(const struct journal *j, size_t last, struct buf *out) must_check;

#endif
