/* SPDX-License-Identifier: MIT */
/*
 * The command: finds the verb, sorts its words, runs it.
 * From: a shell, systemd, or this program itself (`room`). Next: the file named after the verb.
 */
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "cli/args.h"
#include "cli/help.h"
#include "cli/verb.h"

/* A noun alone: which verbs has it? */
static int refuse_noun(const char *noun)
{
	char list[200] = "";
	for (size_t i = 0; verbs[i] != NULL; i++) {
		size_t n = strlen(list);
		if (verbs[i]->hidden || verbs[i]->noun == NULL || strcmp(verbs[i]->noun, noun) != 0)
			continue;
		snprintf(list + n, sizeof(list) - n, "%s%s", n > 0 ? ", " : "", verbs[i]->name);
	}
	return args_fail(CLI_USAGE, "`%s` wants a verb: %s; see: moonhook help %s", noun, list,
		strcmp(noun, "rules") == 0 ? "rules list" : noun);
}

static int refuse_verb(int argc, char *const *argv)
{
	const char *words[64];
	char titles[64][40], given[80];
	size_t n = 0, noun_n = 0;
	for (size_t i = 0; verbs[i] != NULL && n < ARRAY_N(words) - 1; i++) {
		if (verbs[i]->hidden)
			continue;
		snprintf(titles[n], sizeof(titles[n]), "%s", verb_title(verbs[i]));
		words[n] = titles[n];
		n++;
		if (verbs[i]->noun != NULL && strcmp(verbs[i]->noun, argv[0]) == 0)
			noun_n++;
	}
	words[n] = NULL;
	bool two = argc > 1 && argv[1][0] != '-';
	snprintf(given, sizeof(given), "%.38s%s%.38s", argv[0], two ? " " : "", two ? argv[1] : "");
	const char *near = conf_nearest(given, words);
	if (near == NULL)
		near = conf_nearest(argv[0], words);
	if (near != NULL)
		return args_fail(CLI_USAGE, "there is no command `%s`; did you mean `moonhook %s`?",
			given, near);
	if (noun_n != 0)
		return refuse_noun(argv[0]);
	return args_fail(CLI_USAGE, "there is no command `%s`; `moonhook help` lists them", given);
}

int main(int argc, char **argv)
{
	struct args args;
	int words = 0;
	if (argc < 2) {
		help_overview(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help_overview(stdout);
		return CLI_OK;
	}
	if (strcmp(argv[1], "--version") == 0)
		return verb_version.run(&(struct args){.verb = &verb_version});
	const struct verb *verb = verb_find(argc - 1, argv + 1, &words);
	if (verb == NULL)
		return refuse_verb(argc - 1, argv + 1);
	int status = (int)args_parse(&args, verb, argc - 1 - words, argv + 1 + words);
	if (status == CLI_OK && args.help)
		help_verb(stdout, verb);
	else if (status == CLI_OK)
		status = verb->run(&args);
	args_done(&args);
	if (fflush(stdout) != 0 && status == CLI_OK)
		status = CLI_FAILED;
	return status;
}
