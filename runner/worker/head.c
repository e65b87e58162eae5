/* SPDX-License-Identifier: MIT */
/*
 * A rule's head: read, checked, written as data.
 * From: rule.c, when a file is loaded. To: the runner, as HEAD. Each mistake is one sentence with
 * the line of its rule and, where a word is near, what was probably meant. What an option may say
 * is in head_<part>.c, what may stand together in head_together.c. Calls nothing of the rule's:
 * tables are read raw.
 */
#include "runner/worker/head.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "base/conf.h"
#include "runner/worker/head_part.h"
#include "runner/worker/json_text.h"
#include "runner/worker/rule.h"

#define RULES_MAX 200 /* of one file */

static void check_run(const struct head *h)
{
	int type = lua_type(h->L, -1);
	if (type != LUA_TFUNCTION)
		head_wrong(h, "run must be a function of the event, it is a %s",
			lua_typename(h->L, type));
}

static const struct {
	const char *name;
	void (*put)(const struct head *h);
} options[] = {
	{"on", head_put_on},
	{"every", head_put_every},
	{"cron", head_put_cron},
	{"tz", head_put_tz},
	{"when", head_put_when},
	{"key", head_put_key},
	{"echo", head_put_echo},
	{"settle", head_put_settle},
	{"max_settle", head_put_max_settle},
	{"batch", head_put_batch},
	{"concurrency", head_put_concurrency},
	{"timeout", head_put_timeout},
	{"cpu", head_put_cpu},
	{"retry", head_put_retry},
	{"fresh", head_put_fresh},
	{"lane", head_put_lane},
	{"max_writes", head_put_max_writes},
	{"mode", head_put_mode},
	{"was", head_put_was},
	{"run", check_run},
};

const char *rule_head_option(size_t i)
{
	return i < ARRAY_N(options) ? options[i].name : NULL;
}

void head_wrong(const struct head *h, const char *fmt, ...)
{
	char text[600];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lua_pushfstring(h->L, "%s:%d: rule \"%s\": %s", h->file, (int)h->line, h->name, text);
	lua_error(h->L);
	__builtin_unreachable();
}

void head_check(const struct head *h, enum rc rc)
{
	if (rc != RC_OK)
		head_wrong(h, "%s", rc_text(rc));
}

int head_push(const struct head *h, const char *option)
{
	lua_pushstring(h->L, option);
	return lua_rawget(h->L, h->at);
}

bool head_has(const struct head *h, const char *option)
{
	int type = head_push(h, option);
	lua_pop(h->L, 1);
	return type != LUA_TNIL;
}

/* The name at the top is none of the options. */
static noreturn_ void unknown(const struct head *h)
{
	const char *names[ARRAY_N(options) + 1] = {0}, *name = lua_tostring(h->L, -1);
	char all[300] = "";
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_N(options); i++) {
		names[i] = options[i].name;
		n += (size_t)snprintf(
			all + n, sizeof(all) - n, "%s%s", i > 0 ? ", " : "", names[i]);
	}
	const char *near = conf_nearest(name, names);
	if (near != NULL)
		head_wrong(h, "unknown option '%.60s', did you mean '%s'?", name, near);
	head_wrong(h, "unknown option '%.60s', there are %s", name, all);
}

static void check_names(const struct head *h)
{
	lua_pushnil(h->L);
	while (lua_next(h->L, h->at)) {
		size_t i = 0;
		lua_pop(h->L, 1);
		if (lua_type(h->L, -1) != LUA_TSTRING)
			head_wrong(h, "an option has no name");
		const char *name = lua_tostring(h->L, -1);
		while (i < ARRAY_N(options) && strcmp(options[i].name, name) != 0)
			i++;
		if (i == ARRAY_N(options))
			unknown(h);
	}
}

static void put_rule(const struct head *h)
{
	check_names(h);
	head_check(h, buf_put_text(h->out, "{\"name\":"));
	head_check(h, json_text_put(h->out, slice_of(h->name)));
	head_check(h, buf_printf(h->out, ",\"line\":%d", (int)h->line));
	for (size_t i = 0; i < ARRAY_N(options); i++) {
		if (head_push(h, options[i].name) != LUA_TNIL)
			options[i].put(h);
		lua_settop(h->L, h->at);
	}
	head_check_together(h);
	if (!head_has(h, "on"))
		head_check(h, buf_put_text(h->out, ",\"on\":[]"));
	head_check(h, buf_put_text(h->out, "}"));
}

static void check_unique(const struct head *h, int list, lua_Integer n)
{
	for (lua_Integer i = 1; i < n; i++) {
		lua_rawgeti(h->L, list, i);
		lua_getfield(h->L, -1, "name");
		if (strcmp(lua_tostring(h->L, -1), h->name) == 0)
			head_wrong(h, "the file has another rule of this name");
		lua_pop(h->L, 2);
	}
}

void rule_head_put(lua_State *L, const char *file, struct buf *out)
{
	rule_push_list(L);
	int list = lua_gettop(L);
	lua_Integer n = (lua_Integer)lua_rawlen(L, list);
	struct head h = {.L = L, .out = out, .file = file, .name = "", .line = 1};
	if (n == 0)
		luaL_error(L,
			"%s:1: there is no rule in this file: rule \"name\" { on = .., run = "
			".. }",
			file);
	if (n > RULES_MAX)
		luaL_error(L, "%s:1: more than %d rules in one file", file, RULES_MAX);
	for (lua_Integer i = 1; i <= n; i++) {
		lua_settop(L, list);
		lua_rawgeti(L, list, i);
		lua_getfield(L, -1, "name");
		h.name = lua_tostring(L, -1);
		lua_getfield(L, -2, "line");
		h.line = lua_tointeger(L, -1);
		lua_getfield(L, -3, "head");
		h.at = lua_gettop(L);
		check_unique(&h, list, i);
		head_check(&h, buf_put_text(out, i == 1 ? "[" : ","));
		put_rule(&h);
	}
	head_check(&h, buf_put_text(out, "]"));
}
