/* SPDX-License-Identifier: MIT */
/* The verb `reload`: the daemon reads its configuration and rules again; part by part what came of
 * it. */
#include <jansson.h>
#include <stdio.h>

#include "cli/args.h"
#include "cli/control.h"
#include "cli/detail.h"
#include "cli/terminal.h"

static int run_reload(const struct args *args)
{
	json_t *answer = NULL;
	enum cli_exit status = control_ask(args, "reload", &answer);
	if (status != CLI_OK)
		return status;
	bool ok = json_is_true(json_object_get(answer, "ok"));
	const char *text = json_string_value(json_object_get(answer, ok ? "text" : "error"));
	if (args->output != ARGS_TABLE) {
		detail_json(args->output, answer);
		status = ok ? CLI_OK : CLI_CONFIG;
	} else if (ok) {
		fputs("reloaded", stdout);
		fputs(text != NULL && text[0] != '\0' ? ": " : "", stdout);
		terminal_put(stdout, text != NULL ? text : "");
		putchar('\n');
	} else {
		status = args_fail(CLI_CONFIG, "%s", text != NULL ? text : "no reason was given");
	}
	json_decref(answer);
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
		"says which is which.",
	.examples = {"moonhook reload", "moonhook reload -o json",
		"moonhook reload --config /etc/moonhook/moonhook.lua"},
	.exits = {CLI_USAGE, CLI_DAEMON, CLI_CONFIG},
	.run = run_reload,
};
