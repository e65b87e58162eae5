/* SPDX-License-Identifier: MIT */
/*
 * The verb `completion bash`: a script that completes verbs, flags and filters.
 * From: main.c. Made from the table of verbs, so that it cannot drift.
 */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"

static void put_flag_words(const struct verb *v)
{
	for (size_t i = 0; i < v->flags_n; i++)
		printf(" --%s", v->flags[i].name);
	for (const struct verb_flag *f = verb_common_flags; f->name != NULL; f++)
		printf(" --%s", f->name);
}

/* The verbs of a noun, or the first words where noun is NULL. */
static void put_words(const char *noun)
{
	for (size_t i = 0; verbs[i] != NULL; i++) {
		const struct verb *v = verbs[i];
		bool again = i != 0 && v->noun != NULL && verbs[i - 1]->noun != NULL &&
			     strcmp(v->noun, verbs[i - 1]->noun) == 0;
		if (v->hidden)
			continue;
		if (noun == NULL && !again)
			printf(" %s", v->noun != NULL ? v->noun : v->name);
		else if (noun != NULL && v->noun != NULL && strcmp(noun, v->noun) == 0)
			printf(" %s", v->name);
	}
}

static void put_bash(void)
{
	puts("# bash completion for moonhook: eval \"$(moonhook completion bash)\"\n"
	     "_moonhook() {\n"
	     "\tlocal words cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	     "\tcase $prev in\n"
	     "\t--config) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
	     "\t-o|--output) COMPREPLY=($(compgen -W 'table json jsonl' -- \"$cur\")); return ;;\n"
	     "\tesac\n"
	     "\tcase \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in");
	for (size_t i = 0; verbs[i] != NULL; i++) {
		const struct verb *v = verbs[i];
		if (v->hidden)
			continue;
		printf("\t\"%s\"|\"%s \"*) words=\"", verb_title(v), verb_title(v));
		put_flag_words(v);
		puts("\" ;;");
	}
	puts("\tesac");
	for (size_t i = 0; verbs[i] != NULL; i++) {
		const char *noun = verbs[i]->noun;
		if (noun == NULL || (i != 0 && verbs[i - 1]->noun != NULL &&
					    strcmp(noun, verbs[i - 1]->noun) == 0))
			continue;
		printf("\t[ $COMP_CWORD = 2 ] && [ \"${COMP_WORDS[1]}\" = %s ] && words=\"", noun);
		put_words(noun);
		puts("\"");
	}
	fputs("\t[ $COMP_CWORD = 2 ] && [ \"${COMP_WORDS[1]}\" = help ] && words=\"settings rules",
		stdout);
	put_words(NULL);
	puts("\"");
	fputs("\t[ $COMP_CWORD = 1 ] && words=\"", stdout);
	put_words(NULL);
	puts("\"\n"
	     "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	     "}\n"
	     "complete -F _moonhook moonhook");
}

static int run_completion(const struct args *args)
{
	if (args->operands_n != 1 || strcmp(args->operands[0], "bash") != 0)
		return args_fail(CLI_USAGE, "which shell? moonhook completion bash");
	put_bash();
	return CLI_OK;
}

const struct verb verb_completion = {
	.name = "completion",
	.operands = "bash",
	.summary = "a completion script for bash",
	.text = "zsh reads it, too, after: autoload -U bashcompinit && bashcompinit",
	.examples = {"eval \"$(moonhook completion bash)\"",
		"moonhook completion bash > /etc/bash_completion.d/moonhook",
		"moonhook completion bash | less"},
	.exits = {CLI_USAGE},
	.run = run_completion,
};
