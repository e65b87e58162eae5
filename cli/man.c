/* SPDX-License-Identifier: MIT */
/*
 * The hidden verb `man`: moonhook.1, made from the table of verbs, and moonhook-rules.7 and
 * moonhook-tests.7, made from rules.txt and tests.txt.
 * From: packagers. `moonhook man | man -l -` shows it.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/help.h"

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

enum shape { HEADING, PARAGRAPH, AS_IT_IS, EMPTY };

static enum shape shape_of(const char *line, size_t n)
{
	if (n == 0)
		return EMPTY;
	if (line[0] == ' ')
		return AS_IT_IS;
	for (size_t i = 0; i < n; i++)
		if (islower((unsigned char)line[i]))
			return PARAGRAPH;
	return HEADING;
}

struct page {              /* being written */
	enum shape before; /* of the last line that was not empty */
	bool gap;          /* an empty line is due */
};

static void put_line(struct page *page, const char *line, enum shape shape)
{
	if (page->before == AS_IT_IS && shape != AS_IT_IS)
		puts(".fi");
	if (page->gap && shape == PARAGRAPH && page->before != HEADING)
		puts(".PP");
	if (page->gap && shape == AS_IT_IS && page->before == AS_IT_IS)
		putchar('\n');
	if (shape == AS_IT_IS && page->before != AS_IT_IS)
		puts(page->before == HEADING ? ".nf" : ".PP\n.nf");
	if (shape == HEADING)
		printf(".SH ");
	put(shape == AS_IT_IS && strncmp(line, "    ", 4) == 0 ? line + 4 : line);
	putchar('\n');
	*page = (struct page){.before = shape};
}

/* title: "RULES" */
static void put_manual(const char *title, const char *text)
{
	struct page page = {.before = HEADING};
	printf(".\\\" SPDX-License-Identifier: MIT\n.TH MOONHOOK\\-%s 7\n", title);
	for (const char *at = text; *at != '\0'; at += *at == '\n') {
		size_t n = strcspn(at, "\n");
		enum shape shape = shape_of(at, n);
		char *line = strndup(at, n);
		if (shape == EMPTY)
			page.gap = true;
		else if (line != NULL)
			put_line(&page, line, shape);
		free(line);
		at += n;
	}
}

static int run_man(const struct args *args)
{
	if (args->operands_n == 1 && strcmp(args->operands[0], "rules") == 0) {
		put_manual("RULES", help_rules());
		return CLI_OK;
	}
	if (args->operands_n == 1 && strcmp(args->operands[0], "tests") == 0) {
		put_manual("TESTS", help_tests());
		return CLI_OK;
	}
	if (args->operands_n != 0)
		return args_fail(CLI_USAGE,
			"there is moonhook man, moonhook man rules and moonhook man tests");
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
	     "names another.\n.SH SEE ALSO\n.BR moonhook\\-rules (7)");
	return CLI_OK;
}

const struct verb verb_man = {
	.name = "man",
	.operands = "[rules]",
	.summary = "the manual pages, as roff",
	.examples = {"moonhook man | man -l -", "moonhook man rules | man -l -",
		"moonhook man rules > moonhook-rules.7"},
	.hidden = true,
	.exits = {CLI_USAGE},
	.run = run_man,
};
