/* SPDX-License-Identifier: MIT */
/*
 * JSON text of a tree.
 * From: event.c (events, digests), call.c (arguments, answers), payload.c. Three times as fast as
 * the library's own, which matters because every event passes here several times; and canonical, so
 * that digests can be taken of it. Fails when the buffer is full. Does not parse.
 */
#include "runner/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 512
#define KEYS_HERE 64 /* of one object that are sorted without asking for memory */

struct member {
	const char *key;
	const json_t *value;
};

static enum rc dump(struct buf *out, const json_t *value, unsigned depth);

enum rc dump_text(struct buf *out, const char *text, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t from = 0;
	enum rc rc = buf_put(out, "\"", 1);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		char escape[] = {'\\', (char)c, '0', '0', hex[c >> 4], hex[c & 15]};
		rc = buf_put(out, text + from, i - from);
		if (c < 0x20)
			escape[1] = 'u';
		if (rc == RC_OK)
			rc = buf_put(out, escape, c < 0x20 ? 6 : 2);
		from = i + 1;
	}
	if (rc == RC_OK)
		rc = buf_put(out, text + from, n - from);
	return rc == RC_OK ? buf_put(out, "\"", 1) : rc;
}

/* The shortest of 15, 16, 17 digits that reads back as the same number; always seen as a real. */
static enum rc dump_real(struct buf *out, double real)
{
	char text[40];
	int n = 0;
	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(text, sizeof(text) - 2, "%.*g", digits, real);
		if (strtod(text, NULL) == real)
			break;
	}
	if (strpbrk(text, ".eE") == NULL) {
		memcpy(text + n, ".0", 3);
		n += 2;
	}
	return buf_put(out, text, (size_t)n);
}

static int by_key(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	return strcmp(x->key, y->key);
}

/* Records have few keys, which come sorted rarely: insertion for those, qsort for the rest. */
static void sort(struct member *members, size_t n)
{
	if (n > KEYS_HERE) {
		qsort(members, n, sizeof(*members), by_key);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct member one = members[i];
		size_t at = i;
		for (; at > 0 && strcmp(members[at - 1].key, one.key) > 0; at--)
			members[at] = members[at - 1];
		members[at] = one;
	}
}

static enum rc dump_members(
	struct buf *out, struct member *members, const json_t *object, unsigned depth)
{
	union {
		const json_t *in;
		json_t *out;
	} whole = {object};
	const char *key;
	json_t *value;
	size_t n = 0;
	json_object_foreach(whole.out, key, value) members[n++] = (struct member){key, value};
	sort(members, n);
	enum rc rc = buf_put(out, "{", 1);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (i != 0)
			rc = buf_put(out, ",", 1);
		if (rc == RC_OK)
			rc = dump_text(out, members[i].key, strlen(members[i].key));
		if (rc == RC_OK)
			rc = buf_put(out, ":", 1);
		if (rc == RC_OK)
			rc = dump(out, members[i].value, depth);
	}
	return rc == RC_OK ? buf_put(out, "}", 1) : rc;
}

static enum rc dump_object(struct buf *out, const json_t *object, unsigned depth)
{
	struct member here[KEYS_HERE];
	size_t n = json_object_size(object);
	if (n <= KEYS_HERE)
		return dump_members(out, here, object, depth);
	struct member *members = calloc(n, sizeof(*members));
	if (members == NULL)
		return RC_NOMEM;
	enum rc rc = dump_members(out, members, object, depth);
	free(members);
	return rc;
}

static enum rc dump_array(struct buf *out, const json_t *array, unsigned depth)
{
	size_t n = json_array_size(array);
	enum rc rc = buf_put(out, "[", 1);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (i != 0)
			rc = buf_put(out, ",", 1);
		if (rc == RC_OK)
			rc = dump(out, json_array_get(array, i), depth);
	}
	return rc == RC_OK ? buf_put(out, "]", 1) : rc;
}

static enum rc dump(struct buf *out, const json_t *value, unsigned depth)
{
	if (depth == 0)
		return RC_TOO_LARGE;
	switch (value != NULL ? json_typeof(value) : JSON_NULL) {
	case JSON_OBJECT:
		return dump_object(out, value, depth - 1);
	case JSON_ARRAY:
		return dump_array(out, value, depth - 1);
	case JSON_STRING:
		return dump_text(out, json_string_value(value), json_string_length(value));
	case JSON_INTEGER: {
		char text[24];
		int n = snprintf(
			text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return buf_put(out, text, (size_t)n);
	}
	case JSON_REAL:
		return dump_real(out, json_real_value(value));
	case JSON_TRUE:
		return buf_put(out, "true", 4);
	case JSON_FALSE:
		return buf_put(out, "false", 5);
	case JSON_NULL:
		break;
	}
	return buf_put(out, "null", 4);
}

enum rc dump_value(struct buf *out, const json_t *value)
{
	return dump(out, value, DEPTH_MAX);
}
