/* SPDX-License-Identifier: MIT */
/*
 * Reads the middle part of a token.
 * From: workspace.c, with the key of the configuration. Bounded; keeps nothing of the key.
 */
#include "client/jot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define TEXT_MAX 4096

/* Of base64url; -1: none of its characters. */
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Answers how many bytes came out; 0: it is none. */
static size_t decode(const char *text, size_t n, char out[static TEXT_MAX])
{
	uint32_t bits = 0;
	size_t have = 0, out_n = 0;
	for (size_t i = 0; i < n; i++) {
		int v = value_of(text[i]);
		if (v < 0 || out_n >= TEXT_MAX)
			return 0;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[out_n++] = (char)(bits >> have & 0xff);
	}
	return out_n;
}

bool jot_read(const char *key, struct jot *ret_jot)
{
	char text[TEXT_MAX];
	const char *from = key != NULL ? strchr(key, '.') : NULL;
	const char *to = from != NULL ? strchr(from + 1, '.') : NULL;
	if (to == NULL || strchr(to + 1, '.') != NULL)
		return false;
	size_t n = decode(from + 1, (size_t)(to - from - 1), text);
	json_t *claims = n != 0 ? json_loadb(text, n, 0, NULL) : NULL;
	const char *id = json_string_value(json_object_get(claims, "jti"));
	const json_t *exp = json_object_get(claims, "exp");
	bool ok = json_is_object(claims);
	*ret_jot = (struct jot){.expires_ms = 0};
	if (id != NULL && uuid_valid(id))
		snprintf(ret_jot->id, sizeof(ret_jot->id), "%s", id);
	if (json_is_integer(exp) && json_integer_value(exp) > 0 &&
		json_integer_value(exp) < INT64_C(100000000000))
		ret_jot->expires_ms = (int64_t)json_integer_value(exp) * 1000;
	json_decref(claims);
	return ok;
}
