/* SPDX-License-Identifier: MIT */
/* Lua's grammar. Source: the Lua 5.4 reference manual, 9, and lparser.c for its corners. */
#ifndef MOONHOOK_RUNNER_CHECK_PARSER_H
#define MOONHOOK_RUNNER_CHECK_PARSER_H

#include "runner/check/tree.h"

/* Text -> tree, in the arena. What is wrong goes to findings, one mistake: there is no tree then.
 */
void check_parse(const struct check_source *source, struct check_arena *arena,
	struct check_findings *findings, struct check_tree *ret_tree);

#endif
