/* SPDX-License-Identifier: MIT */
/* Which word of a line an error is about. Lua knows lines only, so it is looked for. */
#ifndef MOONHOOK_RUNNER_CARET_H
#define MOONHOOK_RUNNER_CARET_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/*
 * The bytes of line that an error is about: the method of the call that failed ("2.1 people:get",
 * NULL: none did), the name that Lua's sentence quotes, the function that the sentence begins with.
 * Where that is not there, or there more than once, it is the first letter of the line: the
 * statement. message is without its place. *ret_n is 0 for a line of blanks.
 */
void caret_find(
	struct slice line, const char *message, const char *call, size_t *ret_at, size_t *ret_n);
/* Appends the line with its number, and carets below those bytes; long lines are cut around them.
 * No line feed at the end. RC_NOMEM, RC_TOO_LARGE. */
enum rc caret_put(struct buf *out, int number, struct slice line, size_t at, size_t n) must_check;

#endif
