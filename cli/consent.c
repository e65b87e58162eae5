/* SPDX-License-Identifier: MIT */
/*
 * Asks before something is done.
 * From: the verbs that remove. Standard output is left alone, so that it stays data. Fails towards
 * no.
 */
#include "cli/consent.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/terminal.h"

static bool says_yes(void)
{
	char line[16];
	if (fgets(line, sizeof(line), stdin) == NULL)
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return strcmp(line, "y") == 0 || strcmp(line, "yes") == 0 || strcmp(line, "Y") == 0;
}

enum cli_exit consent_ask(const struct args *args, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	if (args_flag(args, "yes") != NULL)
		return CLI_OK;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	terminal_put(stderr, text);
	if (isatty(STDIN_FILENO) == 0) {
		fputs("\n", stderr);
		return (enum cli_exit)args_fail(CLI_DECLINED,
			"nothing was done: nobody is at a terminal to say yes; --yes says it");
	}
	fputs(" [y/N] ", stderr);
	fflush(stderr);
	if (says_yes())
		return CLI_OK;
	return (enum cli_exit)args_fail(CLI_DECLINED, "nothing was done");
}
