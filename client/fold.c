/* SPDX-License-Identifier: MIT */
/*
 * Case folding of one character at a time.
 * From: match.c. Other scripts with case (there are few) compare with regard to it. Invalid UTF-8
 * compares byte by byte. Cannot fail, needs no locale.
 */
#include "client/fold.h"

#include <stdint.h>

/* The next character, folded; moves *p behind it. */
static uint32_t next(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	uint32_t c = s[0];
	int n = 1;
	if (c >= 0xC2 && c < 0xE0 && (s[1] & 0xC0) == 0x80) {
		c = (c & 0x1F) << 6 | (s[1] & 0x3F);
		n = 2;
	} else if (c >= 0xE0 && c < 0xF0 && (s[1] & 0xC0) == 0x80 && (s[2] & 0xC0) == 0x80) {
		c = (c & 0x0F) << 12 | (uint32_t)(s[1] & 0x3F) << 6 | (s[2] & 0x3F);
		n = 3;
	}
	*p += n;
	if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7 && n > 1) ||
		(c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40F)
		return c + 0x50;
	bool even_up = (c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177) ||
		       (c >= 0x1E00 && c <= 0x1EFF);
	bool odd_up = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
	if ((even_up && (c & 1) == 0) || (odd_up && (c & 1) == 1))
		return c + 1;
	return c;
}

bool fold_equal(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0')
		if (next(&a) != next(&b))
			return false;
	return *a == *b;
}

static bool begins(const char *text, const char *part)
{
	while (*part != '\0') {
		if (*text == '\0' || next(&text) != next(&part))
			return false;
	}
	return true;
}

bool fold_find(const char *text, const char *part)
{
	for (;;) {
		if (begins(text, part))
			return true;
		if (*text == '\0')
			return false;
		(void)next(&text);
	}
}
