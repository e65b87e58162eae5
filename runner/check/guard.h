/* SPDX-License-Identifier: MIT */
/* Was a value tested before it is used? For flow.c. */
#ifndef MOONHOOK_RUNNER_CHECK_GUARD_H
#define MOONHOOK_RUNNER_CHECK_GUARD_H

#include "runner/check/pass.h"

/* Does `when` of the rule speak of this field, so that it may be sure to be there? */
bool check_guard_head(const struct check_handler *handler, struct slice field);
/* Is this value (record.field, or a local of that) tested anywhere in front of its use? */
bool check_guard_tested(
	const struct check_pass *pass, const struct check_node *value, struct slice field);

#endif
