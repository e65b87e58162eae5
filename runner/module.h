/* SPDX-License-Identifier: MIT */
/*
 * The modules that rule files `use`: files of the folder "lib" beside the folder of rules, found by
 * name in the text of who uses them, read once, put behind the rule file as one version (bundle.h).
 * Where the folder is not there, there are no modules.
 */
#ifndef MOONHOOK_RUNNER_MODULE_H
#define MOONHOOK_RUNNER_MODULE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define MODULE_FILE_BYTES (1u << 20)
#define MODULE_NAME_MAX 48              /* bytes of a name */
#define MODULE_VERSION_BYTES (2000000u) /* a rule file and all its modules */

struct modules;

/* rules: the folder of rules. GIVES (modules_close). RC_NOMEM, RC_DENIED: lib cannot be opened. */
enum rc modules_open(const char *rules, struct modules **ret_modules, struct err *err) must_check;
void modules_close(struct modules *modules); /* accepts NULL */
/*
 * Appends the version of a rule file: its text, and those of the modules it uses, and they. The
 * sentence of an error begins with the place: RC_NOT_FOUND: a module is not there, with the name
 * that was probably meant; RC_INVALID: its name is no plain word, or modules use each other in a
 * circle; RC_TOO_LARGE, RC_DENIED, RC_PARSE (NUL), RC_NOMEM.
 */
enum rc modules_bundle(struct modules *modules, const char *file, struct slice text,
	struct buf *out, struct err *err) must_check;

#endif
