/* SPDX-License-Identifier: MIT */
/* What an editor is told (LuaLS annotations): of the rule language, and of a workspace. */
#ifndef MOONHOOK_CLI_TYPING_H
#define MOONHOOK_CLI_TYPING_H

#include "base/buf.h"
#include "base/conf.h"
#include "client/schema.h"

/* The rule language itself; STATIC. */
struct slice typing_language(void);
/* Appends the classes of every active object: as it is read, written, asked for, and its methods;
 * the names of events, those of the sources of conf (may be NULL) among them, and of fields. Same
 * schema, same text. RC_NOMEM, RC_TOO_LARGE. */
enum rc typing_workspace(
	const struct schema *schema, const struct conf *conf, struct buf *out) must_check;
/* Settings of the language server, without its first line: see editor.c. STATIC. */
const char *typing_settings(void);

#endif
