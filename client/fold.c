/* SPDX-License-Identifier: MIT */
/*
 * Case folding of one character at a time.
 * From: match.c. Other scripts with case (there are few, Armenian is the largest) compare with
 * regard to it. Invalid UTF-8
 * compares byte by byte. Cannot fail, needs no locale.
 */
#include "client/fold.h"

#include <stddef.h>
#include <stdint.h>

/* Characters that stand alone, and those whose small one is far away. */
static uint32_t small_alone(uint32_t c)
{
	switch (c) {
	case 0x130: /* I with a dot */
		return 'i';
	case 0x178:
		return 0xFF;
	case 0x386:
		return 0x3AC;
	case 0x38C:
		return 0x3CC;
	case 0x38E:
	case 0x38F:
		return c + 0x3F;
	case 0x4C0:
		return 0x4CF;
	case 0x1E9E:
		return 0xDF;
	case 0x212A: /* the sign for Kelvin */
		return 'k';
	case 0x212B:
		return 0xE5;
	default: /* all others */
		return c;
	}
}

/* Whether capital and small letter alternate there, and which comes first. */
static bool is_paired(uint32_t c, bool *ret_even)
{
	*ret_even = !((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E) ||
		      (c >= 0x4C1 && c <= 0x4CE));
	return (c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) ||
	       (c >= 0x139 && c <= 0x148) || (c >= 0x14A && c <= 0x177) ||
	       (c >= 0x179 && c <= 0x17E) || (c >= 0x460 && c <= 0x481) ||
	       (c >= 0x48A && c <= 0x4BF) || (c >= 0x4C1 && c <= 0x4CE) ||
	       (c >= 0x4D0 && c <= 0x52F) || (c >= 0x1E00 && c <= 0x1E95) ||
	       (c >= 0x1EA0 && c <= 0x1EFF);
}

static uint32_t small(uint32_t c)
{
	bool even;
	if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7) ||
		(c >= 0x391 && c <= 0x3AB && c != 0x3A2) || (c >= 0x410 && c <= 0x42F) ||
		(c >= 0xFF21 && c <= 0xFF3A))
		return c + 0x20;
	if (c >= 0x388 && c <= 0x38A)
		return c + 0x25;
	if (c >= 0x400 && c <= 0x40F)
		return c + 0x50;
	if (is_paired(c, &even))
		return (c & 1) == (even ? 0 : 1) ? c + 1 : c;
	return small_alone(c);
}

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
	return n == 1 && c >= 0x80 ? c : small(c);
}

bool fold_equal(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0')
		if (next(&a) != next(&b))
			return false;
	return *a == *b;
}

/* As Knuth, Morris and Pratt: the time is that of the text, whatever the part is. */
bool fold_find(const char *text, const char *part)
{
	uint32_t want[FOLD_PART_MAX];
	uint16_t back[FOLD_PART_MAX]; /* how much of it still fits where its next does not */
	size_t n = 0, k = 0;
	for (; *part != '\0' && n < FOLD_PART_MAX; n++) {
		want[n] = next(&part);
		for (k = n > 0 ? back[n - 1] : 0; k > 0 && want[k] != want[n];)
			k = back[k - 1];
		back[n] = (uint16_t)(n > 0 && want[k] == want[n] ? k + 1 : 0);
	}
	if (*part != '\0')
		return false;
	for (k = 0; k < n && *text != '\0';) {
		uint32_t c = next(&text);
		while (k > 0 && want[k] != c)
			k = back[k - 1];
		k += want[k] == c;
	}
	return k == n;
}
