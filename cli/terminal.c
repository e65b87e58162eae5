/* SPDX-License-Identifier: MIT */
/*
 * Text on a terminal.
 * From: every verb that prints. Invariant: no byte of a record, rule or header reaches a terminal
 * as a command to it.
 */
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

bool terminal_is(void)
{
	return isatty(STDOUT_FILENO) != 0;
}

void terminal_plain(void)
{
	(void)setenv("NO_COLOR", "1", 1);
}

void terminal_tone(enum terminal_tone tone)
{
	static const char *const codes[] = {
		"\033[0m", "\033[32m", "\033[31m", "\033[2m", "\033[33m"};
	const char *no = getenv("NO_COLOR");
	if ((no == NULL || no[0] == '\0') && terminal_is())
		fputs(codes[tone], stdout);
}

void terminal_put(FILE *out, const char *text)
{
	size_t n = strlen(text);
	while (n != 0) {
		size_t len = utf8_length(text, n);
		if (len == 0 || utf8_obeyed(text, len))
			fputc('?', out);
		else
			fwrite(text, 1, len, out);
		len += len == 0;
		text += len;
		n -= len;
	}
}

size_t terminal_width(const char *text)
{
	size_t n = strlen(text), width = 0;
	while (n != 0) {
		size_t len = utf8_length(text, n);
		len += len == 0;
		text += len;
		n -= len;
		width++;
	}
	return width;
}
