/* SPDX-License-Identifier: MIT */
/* Which changed settings a reload cannot apply, and what counts until a restart can. */
#ifndef MOONHOOK_CLI_RESTART_H
#define MOONHOOK_CLI_RESTART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/conf.h"
#include "base/err.h"

/* Writes "`listen`, `twenty.url` changed: take effect at the next restart" into out, cut at its
 * end. False, and out is "": there is nothing to say. started: what the processes were started
 * with. Values are not named. */
bool restart_describe(
	const struct conf *started, const struct conf *fresh, char *out, size_t out_n);
/* What counts from a reload to the next restart, for a child that is started again in between, too:
 * of fresh what is applied at once, of started the rest. RC_NOMEM. GIVES (conf_free). */
enum rc restart_merge(const struct conf *started, const struct conf *fresh, struct conf **ret_conf,
	struct err *err) must_check;

#endif
