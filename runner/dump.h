/* SPDX-License-Identifier: MIT */
/* A JSON tree -> its one text: no blanks, keys in byte order. */
#ifndef MOONHOOK_RUNNER_DUMP_H
#define MOONHOOK_RUNNER_DUMP_H

#include <jansson.h>

#include "base/buf.h"

/* Appends value as text. Equal trees give equal texts, whatever the order of their keys. Integers
 * stay integers; 0.1 is written 0.1. NULL is written null. RC_NOMEM, RC_TOO_LARGE (the buffer, or
 * nesting deeper than 512). */
enum rc dump_value(struct buf *out, const json_t *value) must_check;
/* A text as JSON writes it, quotes included; text is UTF-8. */
enum rc dump_text(struct buf *out, const char *text, size_t n) must_check;

#endif
