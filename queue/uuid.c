/* SPDX-License-Identifier: MIT */
/*
 * UUIDs between their text and their 16 bytes.
 * From: sql/copy.c, which keeps them short; move/row.c. Fails for every other spelling.
 */
#include "queue/uuid.h"

#include <stddef.h>
#include <string.h>

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_dash(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

bool uuid_parse(const char *text, uint8_t ret_uuid[static UUID_BYTES_N])
{
	size_t n = 0;
	if (strlen(text) != UUID_TEXT_N)
		return false;
	for (size_t i = 0; i < UUID_TEXT_N; i++) {
		if (is_dash(i)) {
			if (text[i] != '-')
				return false;
			continue;
		}
		int high = nibble(text[i]), low = nibble(text[i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret_uuid[n++] = (uint8_t)(high << 4 | low);
		i++;
	}
	return true;
}

void uuid_format(const uint8_t *uuid, char text[static UUID_TEXT_N + 1])
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;
	for (size_t i = 0; i < UUID_BYTES_N; i++) {
		if (is_dash(at))
			text[at++] = '-';
		text[at++] = hex[uuid[i] >> 4];
		text[at++] = hex[uuid[i] & 15];
	}
	text[at] = '\0';
}
