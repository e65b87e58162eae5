/* SPDX-License-Identifier: MIT */
/*
 * A version of a rule file: its text, and those of the modules that it uses, as one text. A file
 * without modules is its text alone. Otherwise:
 *
 *   -- moonhook version: 2 files
 *   -- 812 bytes: route.lua
 *   <the text of route.lua> <line feed>
 *   -- 90 bytes: lib/owners.lua
 *   <the text of lib/owners.lua> <line feed>
 *
 * A text whose own first line begins like that is always put into one of these, so that reading is
 * never in doubt. What is read may come from the store of another version of this program.
 */
#ifndef MOONHOOK_RUNNER_BUNDLE_H
#define MOONHOOK_RUNNER_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define BUNDLE_FILES_MAX 65 /* the rule file and its modules */
#define BUNDLE_NAME_N 256

struct bundle_file {              /* text BORROWS */
	char name[BUNDLE_NAME_N]; /* "route.lua", "lib/owners.lua" */
	struct slice text;
};

struct bundle {
	size_t n; /* the rule file is the first */
	struct bundle_file files[BUNDLE_FILES_MAX];
};

/* Appends the one text. RC_INVALID: a name has a line feed in it; RC_TOO_LARGE, RC_NOMEM. */
enum rc bundle_put(const struct bundle *bundle, struct buf *out) must_check;
/* Reads it. file: what the rule file is called where the text is of one file alone. RC_PARSE: it
 * begins like one of several, and is none. BORROWS from text. */
enum rc bundle_open(struct slice text, const char *file, struct bundle *ret_bundle) must_check;
/* The text of one of its files; where there is none of that name, of the rule file. BORROWS. */
struct slice bundle_text(struct slice text, const char *file);

#endif
