/* SPDX-License-Identifier: MIT */
/* Which changed settings a reload cannot apply. */
#ifndef MOONHOOK_CLI_RESTART_H
#define MOONHOOK_CLI_RESTART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/conf.h"

/* Writes "`listen`, `twenty.url` changed: take effect at the next restart" into out, cut at its
 * end. False, and out is "": there is nothing to say. started: what the processes were started
 * with. Values are not named. */
bool restart_describe(
	const struct conf *started, const struct conf *fresh, char *out, size_t out_n);

#endif
