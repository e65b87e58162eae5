/* SPDX-License-Identifier: MIT */
/* A look at bytes that claim to be JSON before a parser allocates memory for them. */
#ifndef MOONHOOK_CLIENT_SCAN_H
#define MOONHOOK_CLIENT_SCAN_H

#include <stdbool.h>

#include "base/slice.h"

/* False where more than depth_max levels are open at once or more than parts_max brackets, commas
 * and colons stand outside strings. Does not check that it is JSON. */
bool scan_json(struct slice bytes, int depth_max, size_t parts_max);

#endif
