/* SPDX-License-Identifier: MIT */
/* Writes JSON the way JavaScript does: compact, keys in order, the shortest text of a number. */
#ifndef MOONHOOK_TESTS_TWIN_PRINT_H
#define MOONHOOK_TESTS_TWIN_PRINT_H

#include <jansson.h>

#include "base/buf.h"

/* Appends value. Fails as buf_put. Reads value only: safe from any thread that holds a reference.
 */
enum rc print_json(struct buf *out, const json_t *value) must_check;
/* Appends a quoted, escaped string. */
enum rc print_string(struct buf *out, const char *text, size_t n) must_check;
/* JSON.stringify's text of a double, e.g. "0.1". Returns its length. */
int print_number(double value, char text[static 32]);

#endif
