/* SPDX-License-Identifier: MIT */
/*
 * The schema of the workspace, and the verb `schema`, which keeps it for machines that do not
 * reach Twenty.
 * From: main.c, editor.c, check.c. To: workspace.c, or a file. Fails with a sentence that says what
 * to do. Changes nothing.
 */
#include "cli/schema.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "cli/hooks.h"
#include "cli/settings.h"
#include "client/workspace.h"

#define FILE_MAX_BYTES (8U << 20)
#define DEADLINE_MS 10000

void cli_schema_done(struct cli_schema *schema)
{
	schema_free(schema->schema);
	json_decref(schema->body);
	*schema = (struct cli_schema){.body = NULL};
}

/* TAKES body. */
static enum rc understand(json_t *body, struct cli_schema *ret_schema, struct err *err)
{
	struct cli_schema s = {.body = body};
	enum rc rc = schema_read(body, &s.schema, err);
	if (rc == RC_OK)
		*ret_schema = s;
	else
		cli_schema_done(&s);
	return rc;
}

enum rc cli_schema_read(const char *path, struct cli_schema *ret_schema, struct err *err)
{
	struct buf bytes;
	json_t *body = NULL;
	buf_init(&bytes, FILE_MAX_BYTES);
	enum rc rc = file_read(AT_FDCWD, path, FILE_LINKS_FOLLOWED, &bytes, err);
	if (rc == RC_OK) {
		json_error_t at;
		body = json_loadb(bytes.n != 0 ? bytes.p : "", bytes.n, 0, &at);
		if (body == NULL)
			rc = err_set(err, RC_PARSE, "%s:%d:%d: no JSON: %s", path, at.line,
				at.column, at.text);
	}
	buf_done(&bytes);
	if (rc == RC_OK && understand(body, ret_schema, err) != RC_OK)
		rc = err_set(err, RC_UPSTREAM,
			"%s is not what `moonhook schema` writes: the list of objects that "
			"Twenty answers under /rest/metadata/objects",
			path);
	return rc;
}

enum rc cli_schema_ask(const struct conf *conf, struct cli_schema *ret_schema, struct err *err)
{
	struct workspace *workspace = NULL;
	json_t *body = NULL;
	enum rc rc = workspace_open(conf, DEADLINE_MS, &workspace, err);
	if (rc == RC_OK)
		rc = workspace_schema(workspace, &body, err);
	workspace_close(workspace);
	return rc == RC_OK ? understand(body, ret_schema, err) : rc;
}

enum cli_exit cli_schema_open(
	const struct args *args, const struct conf *conf, struct cli_schema *ret_schema)
{
	struct err err = {.msg = ""};
	const char *path = args_flag(args, "schema");
	if (path != NULL && cli_schema_read(path, ret_schema, &err) == RC_OK)
		return CLI_OK;
	if (path != NULL)
		return (enum cli_exit)args_fail(CLI_USAGE, "%s", err.msg);
	enum rc rc = cli_schema_ask(conf, ret_schema, &err);
	if (rc != RC_OK)
		args_fail(hooks_exit(rc), "%s", err.msg);
	if (hooks_exit(rc) == CLI_TWENTY)
		fputs("          is it up, and is twenty.url its address? A machine that does not "
		      "reach it\n          takes --schema FILE; write one where it is reached: "
		      "moonhook schema >schema.json\n",
			stderr);
	return hooks_exit(rc);
}

static int run_schema(const struct args *args)
{
	struct conf *conf = NULL;
	struct cli_schema s = {.body = NULL};
	enum cli_exit status = cli_settings_load(args, CLI_SETTINGS_PARTIAL, &conf);
	if (status == CLI_OK)
		status = cli_schema_open(args, conf, &s);
	if (status == CLI_OK &&
		(json_dumpf(s.body, stdout, JSON_INDENT(1)) != 0 || putchar('\n') < 0))
		status = (enum cli_exit)args_fail(CLI_FAILED, "it cannot be written");
	cli_schema_done(&s);
	conf_free(conf);
	return status;
}

const struct verb verb_schema = {
	.name = "schema",
	.operands = "",
	.summary = "the workspace's objects and fields, to keep as a file",
	.text = "Writes what Twenty answers under /rest/metadata/objects. `moonhook check` and\n"
		"`moonhook types` take the file with --schema where Twenty is not reached, as in "
		"CI.",
	.examples = {"moonhook schema >schema.json",
		"moonhook schema | jq -r '.data.objects[].namePlural'",
		"moonhook check --schema schema.json"},
	.exits = {CLI_FAILED, CLI_USAGE, CLI_KEY, CLI_TWENTY, CLI_BUSY, CLI_CONFIG},
	.run = run_schema,
};
