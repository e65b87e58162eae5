/* SPDX-License-Identifier: MIT */
/* What somebody probably wanted who used a global that rules do not have. */
#ifndef MOONHOOK_RUNNER_WORKER_HINT_H
#define MOONHOOK_RUNNER_WORKER_HINT_H

#include <stddef.h>

/* Appends a hint to Lua's own sentence about a nil global, as far as it fits; any other text stays
 * as it is. size: of text, in bytes. */
void hint_put(char *text, size_t size);

#endif
