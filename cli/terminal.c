/* SPDX-License-Identifier: MIT */
/*
 * Text on a terminal.
 * From: every verb that prints. Invariant: no byte of a record, rule or header reaches a terminal
 * as a command to it.
 */
#include "cli/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
	static const char *const codes[] = {"\033[0m", "\033[32m", "\033[31m", "\033[2m"};
	const char *no = getenv("NO_COLOR");
	if ((no == NULL || no[0] == '\0') && terminal_is())
		fputs(codes[tone], stdout);
}

size_t terminal_character(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	if (n == 0)
		return 0;
	size_t len = u[0] < 0x80       ? 1
		     : u[0] >> 5 == 6  ? 2
		     : u[0] >> 4 == 14 ? 3
		     : u[0] >> 3 == 30 ? 4
				       : 0;
	if (len < 2 || len > n)
		return len == 1;
	uint32_t c = u[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

/* Controls (C0, DEL, C1), line separators, and marks that turn the direction of writing. */
static bool obeyed(const char *p, size_t len)
{
	static const char *const marks[] = {"\u2028", "\u2029", "\u202a", "\u202b", "\u202c",
		"\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f"};
	unsigned char c = (unsigned char)p[0];
	if (len == 1)
		return c < 0x20 || c == 0x7f;
	if (len == 2 && c == 0xc2)
		return (unsigned char)p[1] < 0xa0;
	for (size_t i = 0; len == 3 && i < sizeof(marks) / sizeof(*marks); i++)
		if (memcmp(p, marks[i], 3) == 0)
			return true;
	return false;
}

void terminal_put(FILE *out, const char *text)
{
	size_t n = strlen(text);
	while (n != 0) {
		size_t len = terminal_character(text, n);
		if (len == 0 || obeyed(text, len))
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
		size_t len = terminal_character(text, n);
		len += len == 0;
		text += len;
		n -= len;
		width++;
	}
	return width;
}

size_t terminal_columns(void)
{
	struct winsize size;
	if (!terminal_is() || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}
