/* SPDX-License-Identifier: MIT */
/* JSON text from outside -> a tree, with bounds that hold before the parser sees it. */
#ifndef MOONHOOK_RUNNER_SCAN_H
#define MOONHOOK_RUNNER_SCAN_H

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

#define SCAN_DEPTH_MAX 64
#define SCAN_MARKS_MAX 200000 /* braces, brackets, commas and colons outside of strings */

/* Looks at the outline only: RC_TOO_LARGE for depth or number of marks, RC_PARSE for nothing but
 * blanks. Memory: none. */
enum rc scan_outline(struct slice text, struct err *err) must_check;

/* Scans, then parses: an object or array, valid UTF-8, no key twice. RC_TOO_LARGE, RC_PARSE. GIVES
 * a reference. */
enum rc scan_parse(struct slice text, json_t **ret_value, struct err *err) must_check;

#endif
