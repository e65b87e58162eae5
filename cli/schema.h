/* SPDX-License-Identifier: MIT */
/*
 * What the workspace has, for verbs that hold rules against it: asked of Twenty, or read from a
 * file that `moonhook schema` has written (the answer of /rest/metadata/objects).
 */
#ifndef MOONHOOK_CLI_SCHEMA_H
#define MOONHOOK_CLI_SCHEMA_H

#include <jansson.h>

#include "base/conf.h"
#include "cli/args.h"
#include "client/schema.h"

struct cli_schema {            /* cli_schema_done */
	json_t *body;          /* as Twenty answered it */
	struct schema *schema; /* the same, to look things up in */
};

/* From the file at path. RC_IO, RC_NOT_FOUND, RC_DENIED, RC_TOO_LARGE, RC_PARSE (no JSON),
 * RC_UPSTREAM (not such an answer), RC_NOMEM, with a sentence that names the file. GIVES. */
enum rc cli_schema_read(
	const char *path, struct cli_schema *ret_schema, struct err *err) must_check;
/* From the Twenty of the configuration; blocks for 10 s at most. As workspace.h fails;
 * RC_UNSUPPORTED: a server of the documentation, which does not say. GIVES. */
enum rc cli_schema_ask(
	const struct conf *conf, struct cli_schema *ret_schema, struct err *err) must_check;
/* What --schema FILE names, else Twenty. conf may be NULL where the flag is given. What fails is
 * said on stderr. GIVES. */
enum cli_exit cli_schema_open(
	const struct args *args, const struct conf *conf, struct cli_schema *ret_schema) must_check;
void cli_schema_done(struct cli_schema *schema); /* accepts a zeroed one */

#endif
