/* SPDX-License-Identifier: MIT */
/*
 * The kinds of values that options have: texts, words, durations, numbers, tables of members.
 * From: the functions of the options. Fails by raising a sentence that says what would be right.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "runner/worker/head_part.h"

#define WORDS_MAX 4

static const char *type_name(const struct head *h)
{
	return lua_typename(h->L, lua_type(h->L, -1));
}

struct slice head_text(const struct head *h, const char *what, size_t max, const char *example)
{
	struct slice text = {0};
	if (lua_type(h->L, -1) != LUA_TSTRING)
		head_wrong(h, "%s must be a text like \"%s\", it is a %s", what, example,
			type_name(h));
	text.p = lua_tolstring(h->L, -1, &text.n);
	if (text.n == 0 || text.n > max || strlen(text.p) != text.n)
		head_wrong(
			h, "%s must be a text of 1 to %zu bytes like \"%s\"", what, max, example);
	return text;
}

/* "a", "b" or "c" */
static void name_all(const char *const *words, const char *quote, char *out, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; words[i] != NULL && n < size; i++) {
		const char *before = i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ";
		n += (size_t)snprintf(
			out + n, size - n, "%s%s%s%s", before, quote, words[i], quote);
	}
}

const char *head_word(const struct head *h, const char *what, const char *const *words)
{
	char all[200] = "";
	name_all(words, "\"", all, sizeof(all));
	if (lua_type(h->L, -1) != LUA_TSTRING)
		head_wrong(h, "%s is %s, not a %s", what, all, type_name(h));
	const char *word = lua_tostring(h->L, -1);
	for (size_t i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0)
			return words[i];
	const char *near = conf_nearest(word, words);
	if (near != NULL)
		head_wrong(h, "%s: \"%.40s\": did you mean \"%s\"?", what, word, near);
	head_wrong(h, "%s is %s, not \"%.40s\"", what, all, word);
}

int64_t head_duration(const struct head *h, const char *what, int64_t min_ms, int64_t most_ms,
	const char *example)
{
	if (lua_type(h->L, -1) != LUA_TSTRING)
		head_wrong(h, "%s must be a duration like \"%s\", it is a %s", what, example,
			type_name(h));
	const char *text = lua_tostring(h->L, -1);
	int64_t ms = conf_parse_duration(text);
	if (ms <= 0)
		head_wrong(h, "%s: \"%.40s\" is no duration, write \"500ms\", \"30s\" or \"5m\"",
			what, text);
	if (ms < min_ms)
		head_wrong(h, "%s is at least %" PRId64 " s", what, min_ms / 1000);
	if (ms > most_ms)
		head_wrong(h, "%s is at most %" PRId64 " s", what, most_ms / 1000);
	return ms;
}

int64_t head_whole(const struct head *h, const char *what, int64_t min, int64_t max)
{
	lua_Integer value = lua_isinteger(h->L, -1) ? lua_tointeger(h->L, -1) : min - 1;
	if (value < min || value > max)
		head_wrong(h, "%s is a whole number from %" PRId64 " to %" PRId64, what, min, max);
	return value;
}

void head_members(
	const struct head *h, const char *what, const char *const *names, const char *example)
{
	char all[200] = "";
	name_all(names, "", all, sizeof(all));
	if (!lua_istable(h->L, -1))
		head_wrong(
			h, "%s must be a table like %s, it is a %s", what, example, type_name(h));
	lua_pushnil(h->L);
	while (lua_next(h->L, -2)) {
		size_t i = 0;
		lua_pop(h->L, 1);
		if (lua_type(h->L, -1) != LUA_TSTRING)
			head_wrong(h, "%s knows only %s, as in %s", what, all, example);
		const char *name = lua_tostring(h->L, -1);
		while (names[i] != NULL && strcmp(names[i], name) != 0)
			i++;
		if (names[i] != NULL)
			continue;
		const char *near = conf_nearest(name, names);
		if (near != NULL)
			head_wrong(h, "%s: unknown option '%.40s', did you mean '%s'?", what, name,
				near);
		head_wrong(h, "%s knows only %s, as in %s", what, all, example);
	}
}
