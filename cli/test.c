/* SPDX-License-Identifier: MIT */
/*
 * The verb `test`: rules are tried out, offline and in virtual time.
 * From: main.c. Next: runner/rehearse/, which plays the tests; verdict.c, which says what came of
 * them. Needs neither a daemon nor a Twenty; of the configuration, where there is one, the folder
 * of the rules.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/args.h"
#include "cli/settings.h"
#include "cli/verdict.h"

/* The folder of the rules, where the command line names no file. GIVES; NULL: no memory. */
static char *rules_folder(const struct args *args)
{
	struct conf *conf = NULL;
	struct err err = {0};
	if (access(args->config, R_OK) != 0 ||
		cli_settings_read(args, CLI_SETTINGS_PARTIAL, &conf, &err) != RC_OK)
		return strdup("scripts/rules");
	const char *rules = conf_text(conf, "rules");
	char *copy = strdup(rules != NULL ? rules : "scripts/rules");
	conf_free(conf);
	return copy;
}

static enum cli_exit status_of(const struct rehearse_totals *totals)
{
	if (totals->failed != 0)
		return CLI_FAILED;
	return totals->broken != 0 ? CLI_CONFIG : CLI_OK;
}

static int run_test(const struct args *args)
{
	const char *paths[ARGS_MAX + 1] = {NULL};
	struct verdict verdict;
	struct rehearse_totals totals = {0};
	struct err err = {0};
	char *folder = NULL;
	for (size_t i = 0; i < args->operands_n; i++)
		paths[i] = args->operands[i];
	if (args->operands_n == 0)
		paths[0] = folder = rules_folder(args);
	struct rehearse_options options = {
		.exe = "/proc/self/exe",
		.paths = paths,
		.filter = args_flag(args, "filter"),
		.fail_fast = args_flag(args, "fail-fast") != NULL,
		.coverage = args_flag(args, "coverage") != NULL,
	};
	struct rehearse_listener listener = {&verdict, verdict_one};
	log_start("test", LOG_AUTO, LOG_NONE);
	verdict_open(&verdict, args->output, stdout);
	enum rc rc = rehearse_run(&options, &listener, &totals, &err);
	verdict_close(&verdict, rc == RC_OK ? &totals : NULL);
	if (totals.coverage != NULL) /* for people, beside what is for programs */
		verdict_cover(args->output == ARGS_TABLE ? stdout : stderr, totals.coverage);
	json_decref(totals.coverage);
	free(folder);
	if (rc == RC_NOT_FOUND || rc == RC_INVALID || rc == RC_DENIED)
		return args_fail(CLI_USAGE, "%s", err.msg);
	if (rc != RC_OK)
		return args_fail(CLI_FAILED, "%s", err.msg);
	return (int)status_of(&totals);
}

static const struct verb_flag flags[] = {
	{"filter", "TEXT", "only tests with this in their names"},
	{"fail-fast", NULL, "ends with the first test that does not pass"},
	{"coverage", NULL, "says how much of each rule file ran, and which lines did not"},
};

const struct verb verb_test = {
	.name = "test",
	.operands = "[FILE..]",
	.summary = "tries rules out: *_test.lua, offline, in virtual time",
	.text = "FILE is a test file, a rule file that has one beside it, or a folder; else the\n"
		"folder of the rules. How tests are written: moonhook help tests.\n"
		"-o tap and -o junit are for other programs.",
	.examples = {"moonhook test",
		"moonhook test scripts/rules/sla.lua --filter breached --coverage",
		"moonhook test -o junit > report.xml"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.reports = true,
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_test,
};
