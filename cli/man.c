/* SPDX-License-Identifier: MIT */
/*
 * The hidden verb `man`: moonhook.1, made from the table of verbs.
 * From: packagers. `moonhook man | man -l -` shows it.
 */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"

/* roff takes backslashes, and dots and quotes at the start of a line, for itself. */
static void put(const char *text)
{
	bool start = true;
	for (; *text != '\0'; text++) {
		if (start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		start = *text == '\n';
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
	}
}

static void put_flag(const struct verb_flag *f)
{
	printf(".TP\n.B \\-\\-");
	put(f->name);
	if (f->value != NULL)
		printf(" \\fI%s\\fP", f->value);
	putchar('\n');
	put(f->help);
	putchar('\n');
}

static void put_verb(const struct verb *v)
{
	printf(".SS \"moonhook %s %s\"\n", verb_title(v), v->operands);
	put(v->summary);
	puts(".");
	if (v->text != NULL) {
		puts(".PP");
		put(v->text);
		putchar('\n');
	}
	for (size_t i = 0; i < v->flags_n; i++)
		put_flag(&v->flags[i]);
	puts(".PP\n.nf");
	for (size_t i = 0; i < ARRAY_N(v->examples) && v->examples[i] != NULL; i++) {
		put(v->examples[i]);
		putchar('\n');
	}
	puts(".fi");
}

static int run_man(const struct args *args)
{
	(void)args;
	puts(".\\\" SPDX-License-Identifier: MIT\n"
	     ".TH MOONHOOK 1\n.SH NAME\nmoonhook \\- receives Twenty's webhooks and runs rules on "
	     "them\n"
	     ".SH SYNOPSIS\n.B moonhook\n.I command\n[words] [flags]\n.SH COMMANDS");
	for (size_t i = 0; verbs[i] != NULL; i++)
		if (!verbs[i]->hidden)
			put_verb(verbs[i]);
	puts(".SH FLAGS OF EVERY COMMAND");
	for (const struct verb_flag *f = verb_common_flags; f->name != NULL; f++)
		put_flag(f);
	puts(".SH EXIT STATUS");
#define X(name, status, text) printf(".TP\n.B %d\n%s\n", status, text);
	CLI_EXITS(X)
#undef X
	puts(".SH FILES\n.I conf/moonhook.lua\nis read unless \\-\\-config or MOONHOOK_CONFIG "
	     "names "
	     "another.");
	return CLI_OK;
}

const struct verb verb_man = {
	.name = "man",
	.operands = "",
	.summary = "the manual page, as roff",
	.examples = {"moonhook man | man -l -", "moonhook man > moonhook.1", "moonhook man | less"},
	.hidden = true,
	.exits = {CLI_USAGE},
	.run = run_man,
};
