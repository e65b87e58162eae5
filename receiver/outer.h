/* SPDX-License-Identifier: MIT */
/* One plain text among the outermost members of a JSON object, found without parsing it. */
#ifndef MOONHOOK_RECEIVER_OUTER_H
#define MOONHOOK_RECEIVER_OUTER_H

#include "base/slice.h"

#define OUTER_SCAN_MAX (1 << 20) /* bytes that are looked at */
#define OUTER_VALUE_MAX 256

/* The value of the first outermost member `name` where it is a text of at most OUTER_VALUE_MAX
 * bytes without escapes; n 0: there is none, or it does not look like JSON before it comes.
 * BORROWS. */
struct slice outer_text(struct slice json, const char *name);

#endif
