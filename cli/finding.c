/* SPDX-License-Identifier: MIT */
/*
 * Keeps and prints the rows of doctor.
 * From: judge_*.c, which make them. Text from outside is made safe for terminals when it is
 * printed.
 */
#include "cli/finding.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/rows.h"
#include "cli/terminal.h"

#define FIX_COLUMN 56 /* where a command stands beside a short row */

static const char *const level_names[] = {"ok", "warn", "fail"};

struct finding *finding_put(
	struct findings *findings, const char *name, enum finding_level level, const char *fmt, ...)
{
	va_list ap;
	if (findings->n == FINDINGS_MAX)
		findings->n--;
	struct finding *f = &findings->p[findings->n++];
	*f = (struct finding){.name = name, .level = level};
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return f;
}

void finding_fix(struct finding *finding, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(finding->fix, sizeof(finding->fix), fmt, ap);
	va_end(ap);
}

size_t findings_count(const struct findings *findings, enum finding_level level)
{
	size_t n = 0;
	for (size_t i = 0; i < findings->n; i++)
		n += findings->p[i].level == level;
	return n;
}

static void put_fix(const struct finding *f)
{
	size_t width = terminal_width(f->text);
	bool command = strncmp(f->fix, "moonhook ", 9) == 0;
	if (f->fix[0] == '\0') {
		putchar('\n');
		return;
	}
	if (command && width < FIX_COLUMN)
		printf("%*sfix: ", (int)(FIX_COLUMN - width), "");
	else
		printf("\n      %s", command ? "fix: " : "");
	terminal_put(stdout, f->fix);
	putchar('\n');
}

static void put_people(const struct findings *findings)
{
	static const enum terminal_tone tones[] = {TERMINAL_OK, TERMINAL_WARN, TERMINAL_BAD};
	bool goes_on = false;
	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *f = &findings->p[i], *next = f + 1;
		if (!goes_on) {
			terminal_tone(tones[f->level]);
			fputs(level_names[f->level], stdout);
			terminal_tone(TERMINAL_PLAIN);
			printf("%*s", 6 - (int)strlen(level_names[f->level]), "");
		}
		terminal_put(stdout, f->text);
		goes_on = f->brief && f->level == FINDING_OK && i + 1 < findings->n &&
			  next->brief && next->level == FINDING_OK;
		if (goes_on)
			fputs(" \xc2\xb7 ", stdout);
		else
			put_fix(f);
	}
}

bool findings_show(const struct findings *findings, enum args_output output)
{
	if (output == ARGS_TABLE) {
		put_people(findings);
		return true;
	}
	struct rows *rows = rows_open(output, NULL, 0);
	enum rc rc = rows != NULL ? RC_OK : RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < findings->n; i++) {
		const struct finding *f = &findings->p[i];
		rc = rows_put(rows, json_pack("{s:s, s:s, s:o, s:o}", "name", f->name, "level",
					    level_names[f->level], "text", rows_text(f->text),
					    "fix", rows_text(f->fix)));
	}
	rows_close(rows, NULL);
	return rc == RC_OK;
}
