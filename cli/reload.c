/* SPDX-License-Identifier: MIT */
/* The verb `reload`: the daemon reads its configuration and rules again; part by part what came of
 * it. */
#include <jansson.h>
#include <stdio.h>

#include "cli/args.h"
#include "cli/control.h"
#include "cli/detail.h"
#include "cli/terminal.h"

/* One daemon's answer for people. */
static enum cli_exit say(const json_t *answer)
{
	bool ok = json_is_true(json_object_get(answer, "ok"));
	const char *text = json_string_value(json_object_get(answer, ok ? "text" : "error"));
	if (!ok)
		return args_fail(CLI_CONFIG, "%s", text != NULL ? text : "no reason was given");
	fputs("reloaded", stdout);
	fputs(text != NULL && text[0] != '\0' ? ": " : "", stdout);
	terminal_put(stdout, text != NULL ? text : "");
	putchar('\n');
	return CLI_OK;
}

static int run_reload(const struct args *args)
{
	json_t *answers = NULL, *answer;
	size_t i;
	enum cli_exit status = control_ask_all(args, "reload", &answers);
	if (status != CLI_OK)
		return status;
	json_array_foreach(answers, i, answer)
	{
		enum cli_exit one = CLI_OK;
		if (args->output == ARGS_TABLE)
			one = say(answer);
		else if (!json_is_true(json_object_get(answer, "ok")))
			one = CLI_CONFIG;
		status = status == CLI_OK ? one : status;
	}
	if (args->output != ARGS_TABLE)
		detail_json(args->output,
			json_array_size(answers) == 1 ? json_array_get(answers, 0) : answers);
	json_decref(answers);
	return status;
}

const struct verb verb_reload = {
	.name = "reload",
	.operands = "",
	.summary = "read configuration and rules again; says what was applied",
	.text = "Applied at once: rules, workers, sources, retention, the limits of a run. "
		"Everything\n"
		"else takes effect at the next restart, and the answer names what has changed of "
		"it.\n"
		"A configuration that is wrong changes nothing. What one part cannot apply, such "
		"as\n"
		"a broken rule file, keeps its older version; the rest is applied, and the answer\n"
		"says which is which. Where several daemons of this machine work with one "
		"database, "
		"all\n"
		"of them do so; with -o json their answers are a list.",
	.examples = {"moonhook reload", "moonhook reload -o json",
		"moonhook reload --config /etc/moonhook/moonhook.lua"},
	.exits = {CLI_USAGE, CLI_DAEMON, CLI_CONFIG},
	.run = run_reload,
};
