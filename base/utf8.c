/* SPDX-License-Identifier: MIT */
/*
 * Tells characters from rubbish, and harmless ones from those that a terminal obeys; writes one;
 * makes a text whole that has rubbish in it, or was cut within a character.
 * From: the log, the command, the worker's JSON and text, errors, the store.
 */
#include "base/utf8.h"

#include <string.h>

size_t utf8_length(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	if (n == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	size_t len = u[0] >> 5 == 6 ? 2 : u[0] >> 4 == 14 ? 3 : u[0] >> 3 == 30 ? 4 : 0;
	if (len == 0 || len > n)
		return 0;
	uint32_t c = u[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

size_t utf8_span(const char *p, size_t n)
{
	size_t i = 0;
	for (size_t length = 1; i < n && length > 0; i += length)
		length = (unsigned char)p[i] < 0x80 ? 1 : utf8_length(p + i, n - i);
	return i;
}

size_t utf8_repair(char *p, size_t n)
{
	size_t repaired = 0;
	for (size_t i = utf8_span(p, n); i < n; i += utf8_span(p + i, n - i)) {
		p[i++] = '?';
		repaired++;
	}
	return repaired;
}

void utf8_close(char *text)
{
	size_t n = strlen(text), back = 1;
	while (back < 4 && back < n && ((unsigned char)text[n - back] & 0xc0) == 0x80)
		back++;
	if (back > n)
		return;
	unsigned char first = (unsigned char)text[n - back];
	size_t length = first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 1;
	if (length > back)
		text[n - back] = '\0';
}

size_t utf8_put(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

bool utf8_obeyed(const char *p, size_t length)
{
	static const char *const marks[] = {"\u2028", "\u2029", "\u202a", "\u202b", "\u202c",
		"\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f"};
	unsigned char c = (unsigned char)p[0];
	if (length == 1)
		return c < 0x20 || c == 0x7f;
	if (length == 2)
		return c == 0xc2 && (unsigned char)p[1] < 0xa0;
	for (size_t i = 0; length == 3 && i < sizeof(marks) / sizeof(*marks); i++)
		if (memcmp(p, marks[i], 3) == 0)
			return true;
	return false;
}
