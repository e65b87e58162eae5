/* SPDX-License-Identifier: MIT */
/* The declarations of a rule file, checked and written as data. */
#ifndef MOONHOOK_RUNNER_WORKER_HEAD_H
#define MOONHOOK_RUNNER_WORKER_HEAD_H

#include <stddef.h>

#include <lua.h>

#include "base/buf.h"

/*
 * Appends the list of the rules that were declared in L, in the form of frame.h: "[{..},..]".
 * Raises a text "file:line: what is wrong" for the first thing that is; call it protected. file:
 * the name in messages.
 */
void rule_head_put(lua_State *L, const char *file, struct buf *out);
/* The i-th option that a head may have, in the order of the manual; NULL behind the last. STATIC.
 */
const char *rule_head_option(size_t i);

#endif
