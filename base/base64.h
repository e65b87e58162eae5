/* SPDX-License-Identifier: MIT */
/* Base64 of RFC 4648 with its padding: the one text of each bytes, nothing else is taken. */
#ifndef MOONHOOK_BASE_BASE64_H
#define MOONHOOK_BASE_BASE64_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define BASE64_TEXT_N(bytes_n) (((bytes_n) + 2) / 3 * 4 + 1) /* with its NUL */

void base64_format(const uint8_t *bytes, size_t n, char *ret_text);
/* Appends the bytes. RC_PARSE: it is none; RC_NOMEM, RC_TOO_LARGE. */
enum rc base64_parse(struct slice text, struct buf *out) must_check;

#endif
