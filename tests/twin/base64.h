/* SPDX-License-Identifier: MIT */
/* Base64, as cursors and ETags have it. */
#ifndef MOONHOOK_TESTS_TWIN_BASE64_H
#define MOONHOOK_TESTS_TWIN_BASE64_H

#include <stddef.h>

/* GIVES (free); NULL when out of memory. */
char *base64_encode(const void *bytes, size_t n);
/* GIVES a text (free); NULL where it is not base64. */
char *base64_decode(const char *text);

#endif
