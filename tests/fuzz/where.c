/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes conditions on their way to the core grammar. Whatever condition is taken, the filter that
 * it becomes is read by servers as exactly the tests that were meant: here by a reader that works
 * as theirs does, counting brackets and quotes. No value breaks out of its quotes, no list member
 * holds a comma, and every operator is one of theirs. A condition that is matched exactly is never
 * refused by the loose look at it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/where.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* The end of a member: a comma outside of everything, or the end of the text. */
static size_t member_n(const char *text, size_t n)
{
	int depth = 0;
	bool square = false, once = false, twice = false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		must(c != '\\' && (unsigned char)c >= ' ' && c != 0x7F);
		if (c == ',' && depth == 0 && !square && !once && !twice)
			return i;
		must(!twice || strchr("()[]'", c) == NULL);
		depth += (c == '(') - (c == ')');
		square ^= c == '[' || c == ']';
		once ^= c == '\'';
		twice ^= c == '"';
		must(depth >= 0);
	}
	must(depth == 0 && !square && !once && !twice);
	return n;
}

static bool begins(const char *text, size_t n, const char *word)
{
	return n >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

/* A value by itself: quoted, or a word or number. */
static void read_value(const char *text, size_t n, bool member)
{
	must(n > 0);
	bool quoted = text[0] == '"';
	must(!quoted || (n > 2 && text[n - 1] == '"' && memchr(text + 1, '"', n - 2) == NULL));
	must(!quoted || !member || memchr(text, ',', n) == NULL);
	for (size_t i = 0; i < n && !quoted; i++)
		must(strchr("+-._", text[i]) != NULL || (text[i] >= '0' && text[i] <= '9') ||
			(text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z'));
}

static void read_test(const char *text, size_t n)
{
	static const char *const ops[] = {"eq", "neq", "in", "containsAny", "is", "gt", "gte", "lt",
		"lte", "startsWith", "endsWith", "like", "ilike"};
	const char *open = memchr(text, '[', n);
	const char *close = open != NULL ? memchr(open, ']', (size_t)(text + n - open)) : NULL;
	must(close != NULL && open > text && close + 2 < text + n && close[1] == ':');
	for (const char *p = text; p < open; p++)
		must(*p == '.' || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
			(*p >= 'A' && *p <= 'Z'));
	size_t op_n = (size_t)(close - open) - 1, which = 0;
	while (which < sizeof(ops) / sizeof(ops[0]) &&
		(strlen(ops[which]) != op_n || memcmp(open + 1, ops[which], op_n) != 0))
		which++;
	must(which < sizeof(ops) / sizeof(ops[0]));
	const char *value = close + 2;
	size_t value_n = (size_t)(text + n - value);
	if (which != 2 && which != 3) {
		read_value(value, value_n, false);
		return;
	}
	must(value_n > 2 && value[0] == '[' && value[value_n - 1] == ']');
	for (size_t at = 1; at < value_n;) {
		const char *comma = memchr(value + at, ',', value_n - 1 - at);
		size_t one = comma != NULL ? (size_t)(comma - value) - at : value_n - 1 - at;
		read_value(value + at, one, true);
		at += one + 1;
	}
}

static size_t read_filter(const char *text, size_t n)
{
	static const char *const words[] = {"and(", "or(", "not("};
	for (size_t w = 0; w < 3; w++) {
		if (!begins(text, n, words[w]))
			continue;
		size_t tests = 0, members = 0, at = strlen(words[w]);
		must(text[n - 1] == ')' && at < n - 1);
		for (; at < n; members++) {
			size_t one = member_n(text + at, n - 1 - at);
			tests += read_filter(text + at, one);
			at += one + 1;
		}
		must(members > 0 && (w != 2 || members == 1));
		return tests;
	}
	read_test(text, n);
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	struct where *where = NULL;
	struct err err;
	if (json == NULL || where_parse(NULL, "people", json, &where, &err) != RC_OK) {
		json_decref(json);
		return 0;
	}
	struct buf filter;
	enum where_fit fit;
	for (size_t part = 0, parts = where_parts(where); part < parts && part < 4; part++) {
		struct where *piece = where_part(where, part);
		buf_init(&filter, 9000);
		must(piece != NULL && where_format_core(piece, &filter, &fit) == RC_OK);
		must(filter.n == 0 || (member_n(filter.p, filter.n) == filter.n &&
					      read_filter(filter.p, filter.n) > 0));
		must(fit != WHERE_NOTHING || filter.n == 0);
		must(request_escaped_n(filter.p, filter.n) <= 11000);
		buf_done(&filter);
		where_free(piece);
	}
	struct request request;
	request_init(&request);
	must(request_start(&request, REQUEST_GET, "/rest/people") == RC_OK);
	enum rc rc = where_format_docs(where, &request);
	must(rc == RC_OK || rc == RC_TOO_LARGE);
	request_done(&request);
	/* the condition itself as a record: whatever it holds */
	if (where_match(where, json, MATCH_EXACT) == MATCH_YES)
		must(where_match(where, json, MATCH_LOOSE) != MATCH_NO);
	where_free(where);
	json_decref(json);
	return 0;
}
