/* SPDX-License-Identifier: MIT */
/* The Lua files that a command is about: rules, modules beside them, tests. */
#ifndef MOONHOOK_CLI_SCRIPT_H
#define MOONHOOK_CLI_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/conf.h"
#include "cli/args.h"
#include "runner/check/check.h"

struct script {
	char *path; /* as it is named to people */
	char *name; /* its last part */
	enum check_role role;
	bool asked; /* else it is there for what others name in it */
	struct buf text;
	char *error; /* why it could not be read; NULL: it could */
};

struct scripts { /* scripts_done */
	struct script *p;
	size_t n, cap;
};

/*
 * The files that the operands name (a folder: those in it), or, without operands, those of the
 * configured rules folder; the rest of that folder and of its lib comes along, not asked. A test is
 * what ends in _test.lua; a module is what is in a folder `lib`. conf may be NULL. RC_NOT_FOUND
 * with a sentence: a file or folder is not there; RC_NOMEM. GIVES.
 */
enum rc scripts_find(const struct args *args, const struct conf *conf, struct scripts *ret_scripts,
	struct err *err) must_check;
void scripts_done(struct scripts *scripts);

#endif
