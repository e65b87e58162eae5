/* SPDX-License-Identifier: MIT */
/* Which modules a Lua text names: use "owners", use("owners"). */
#ifndef MOONHOOK_RUNNER_USES_H
#define MOONHOOK_RUNNER_USES_H

#include "base/err.h"
#include "base/slice.h"

/*
 * Tells fn each module that is named in quotes, with its line, in order. A method or a field called
 * use is none of it, nor is what stands in texts and comments. Behind a mistake in the text nothing
 * is told: whoever compiles it says what is wrong. fn: anything but RC_OK ends it and is answered.
 * name BORROWS until fn returns. RC_NOMEM.
 */
typedef enum rc (*uses_fn)(void *ctx, struct slice name, int line, struct err *err);
enum rc uses_each(
	const char *file, struct slice text, uses_fn fn, void *ctx, struct err *err) must_check;

#endif
