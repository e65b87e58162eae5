/* SPDX-License-Identifier: MIT */
/*
 * Help for people, and the verb `help`.
 * From: main.c. Made from the table of verbs and the option tables, so that it cannot drift; the
 * rule language has its manual in rules.txt, which a test holds against what a rule can reach,
 * tests of rules theirs in tests.txt.
 */
#include "cli/help.h"

#include <string.h>

#include "cli/args.h"
#include "cli/settings.h"

static const char rules_text[] = {
#include "cli/rules.txt.inc"
	0};

static const char tests_text[] = {
#include "cli/tests.txt.inc"
	0};

const char *help_rules(void)
{
	return rules_text;
}

const char *help_tests(void)
{
	return tests_text;
}

void help_overview(FILE *out)
{
	fputs("Moonhook receives Twenty's webhooks, keeps them safe, and runs Lua rules on "
	      "them.\n\n"
	      "  moonhook <command> [words] [flags]\n\n",
		out);
	for (size_t i = 0; verbs[i] != NULL; i++)
		if (!verbs[i]->hidden)
			fprintf(out, "  %-14s %s\n", verb_title(verbs[i]), verbs[i]->summary);
	fputs("\nflags of every command\n", out);
	for (const struct verb_flag *f = verb_common_flags; f->name != NULL; f++)
		fprintf(out, "  --%-8s %-5s %s\n", f->name, f->value != NULL ? f->value : "",
			f->help);
	fputs("  --KEY VALUE    any setting of the configuration, such as --log.level debug\n\n"
	      "more: moonhook help <command> · moonhook help settings · moonhook help rules\n"
	      "      moonhook help tests\n",
		out);
}

static void put_flags(FILE *out, const struct verb *verb)
{
	if (verb->flags_n != 0)
		fputs("\nflags\n", out);
	for (size_t i = 0; i < verb->flags_n; i++) {
		char name[64];
		snprintf(name, sizeof(name), "--%s %s", verb->flags[i].name,
			verb->flags[i].value != NULL ? verb->flags[i].value : "");
		fprintf(out, "  %-22s %s\n", name, verb->flags[i].help);
	}
}

void help_verb(FILE *out, const struct verb *verb)
{
	fprintf(out, "moonhook %s%s%s [flags]\n\n%s\n", verb_title(verb),
		verb->operands[0] != '\0' ? " " : "", verb->operands, verb->summary);
	if (verb->text != NULL)
		fprintf(out, "\n%s\n", verb->text);
	put_flags(out, verb);
	fputs("\nexamples\n", out);
	for (size_t i = 0; i < ARRAY_N(verb->examples) && verb->examples[i] != NULL; i++)
		fprintf(out, "  %s\n", verb->examples[i]);
	fputs("\nexit codes\n  0   ok\n", out);
	for (size_t i = 0; verb->exits[i] != CLI_OK; i++)
		fprintf(out, "  %-3d %s\n", (int)verb->exits[i], verb_exit_text(verb->exits[i]));
}

static void put_settings(FILE *out)
{
	struct conf_table tables[CLI_SETTINGS_TABLES_N];
	cli_settings_tables(tables);
	for (size_t t = 0; t < CLI_SETTINGS_TABLES_N; t++) {
		for (size_t i = 0; i < tables[t].options_n; i++) {
			const struct conf_option *o = &tables[t].options[i];
			const char *value = o->fallback == NULL             ? "-"
					    : strcmp(o->fallback, "!") == 0 ? "(required)"
									    : o->fallback;
			fprintf(out, "  %-30s %-23s %s\n", o->key, value, o->help);
			if (o->choices != NULL)
				fprintf(out, "  %-54s one of: %s\n", "", o->choices);
		}
	}
}

static int run_help(const struct args *args)
{
	int words;
	if (args->operands_n == 0) {
		help_overview(stdout);
		return CLI_OK;
	}
	if (strcmp(args->operands[0], "settings") == 0) {
		fprintf(stdout, "  %-30s %-23s %s\n", "setting", "default", "what it is");
		put_settings(stdout);
		return CLI_OK;
	}
	/* `help rules list` is about the verb. */
	if (args->operands_n == 1 && strcmp(args->operands[0], "rules") == 0) {
		fputs(rules_text, stdout);
		return CLI_OK;
	}
	if (args->operands_n == 1 && strcmp(args->operands[0], "tests") == 0) {
		fputs(tests_text, stdout);
		return CLI_OK;
	}
	union {
		const char *const *in;
		char *const *out;
	} words_of = {args->operands};
	const struct verb *verb = verb_find((int)args->operands_n, words_of.out, &words);
	bool found = verb != NULL;
	if (found)
		help_verb(stdout, verb);
	for (size_t i = 0; verb == NULL && verbs[i] != NULL; i++) {
		if (verbs[i]->noun == NULL || strcmp(verbs[i]->noun, args->operands[0]) != 0)
			continue;
		fputs(found ? "\n" : "", stdout);
		help_verb(stdout, verbs[i]);
		found = true;
	}
	if (!found)
		return args_fail(CLI_USAGE, "there is no command `%s`; `moonhook help` lists them",
			args->operands[0]);
	return CLI_OK;
}

const struct verb verb_help = {
	.name = "help",
	.operands = "[COMMAND|settings|rules|tests]",
	.summary = "what a command does, with examples",
	.examples = {"moonhook help runs list", "moonhook help settings",
		"moonhook help rules | less"},
	.exits = {CLI_USAGE},
	.run = run_help,
};
