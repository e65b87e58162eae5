/* SPDX-License-Identifier: MIT */
/* The files that teach an editor the rule language and the workspace. */
#ifndef MOONHOOK_CLI_EDITOR_H
#define MOONHOOK_CLI_EDITOR_H

#include "base/conf.h"
#include "base/err.h"
#include "client/schema.h"

enum editor_edited { EDITOR_KEEPS, EDITOR_OVERWRITES }; /* files that somebody has edited */

/* Writes types/moonhook.lua, types/workspace.lua and .luarc.json below the folder at path, and
 * their names on standard output. conf may be NULL. RC_NOT_FOUND: there is no such folder;
 * RC_DUPLICATE: one of them was edited, and none is written; RC_IO, RC_NOMEM. */
enum rc editor_write(const char *path, const struct schema *schema, const struct conf *conf,
	enum editor_edited edited, struct err *err) must_check;

#endif
