/* SPDX-License-Identifier: MIT */
/*
 * A rule's head: read, checked, written as data.
 * From: rule.c, when a file is loaded. To: the runner, as HEAD. Each mistake is one sentence with
 * the line of its rule and, where a word is near, what was probably meant. Calls nothing of the
 * rule's: tables are read raw.
 */
#include "runner/worker/head.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/json_text.h"
#include "runner/worker/rule.h"

#define RULES_MAX 200 /* of one file */
#define ON_MAX 64     /* patterns of one rule */
#define TIMEOUT_MAX_MS (INT64_C(24) * 3600 * 1000)
#define CPU_MAX_MS 60000
#define RETRY_MAX 100

struct head { /* one rule being read */
	lua_State *L;
	struct buf *out;
	const char *file, *name;
	lua_Integer line;
	int at; /* stack index of its table */
};

static const char *const options[] = {
	"on", "when", "key", "echo", "timeout", "cpu", "retry", "run", NULL};

/* Options of the rule language that this version does not have yet, so that nobody looks for a
 * spelling mistake. */
static const char *const later[] = {"every", "cron", "tz", "settle", "max_settle", "batch",
	"concurrency", "fresh", "max_writes", "lane", "mode", "was", NULL};

static const char *const actions[] = {
	"created", "updated", "deleted", "restored", "destroyed", NULL};

static noreturn_ printf_like(2, 3) void wrong(const struct head *h, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lua_pushfstring(h->L, "%s:%d: rule \"%s\": %s", h->file, (int)h->line, h->name, text);
	lua_error(h->L);
	__builtin_unreachable();
}

static void check(const struct head *h, enum rc rc)
{
	if (rc != RC_OK)
		wrong(h, "%s", rc_text(rc));
}

static bool listed(const char *const *words, const char *word)
{
	while (*words != NULL && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

static void check_names(const struct head *h)
{
	lua_pushnil(h->L);
	while (lua_next(h->L, h->at)) {
		lua_pop(h->L, 1);
		if (lua_type(h->L, -1) != LUA_TSTRING)
			wrong(h, "an option has no name");
		const char *name = lua_tostring(h->L, -1);
		if (listed(options, name))
			continue;
		if (listed(later, name))
			wrong(h, "the option '%s' is not there in this version", name);
		const char *near = conf_nearest(name, options);
		if (near != NULL)
			wrong(h, "unknown option '%.60s', did you mean '%s'?", name, near);
		wrong(h,
			"unknown option '%.60s', there are on, when, key, echo, timeout, cpu, "
			"retry, run",
			name);
	}
}

/* Pushes an option's value; answers its type. */
static int push_option(const struct head *h, const char *name)
{
	lua_pushstring(h->L, name);
	return lua_rawget(h->L, h->at);
}

static bool is_word(const char *text, size_t n)
{
	size_t i = 0;
	while (i < n && ((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
				(i > 0 && text[i] >= '0' && text[i] <= '9')))
		i++;
	return n > 0 && i == n;
}

/* Of Twenty's own objects, those whose plural somebody could write. */
static const char *const plurals[][2] = {{"people", "person"}, {"companies", "company"},
	{"opportunities", "opportunity"}, {"tasks", "task"}, {"notes", "note"},
	{"taskTargets", "taskTarget"}, {"noteTargets", "noteTarget"}, {"attachments", "attachment"},
	{"blocklists", "blocklist"}, {"calendarEvents", "calendarEvent"},
	{"dashboards", "dashboard"}, {"messages", "message"}, {"messageThreads", "messageThread"},
	{"timelineActivities", "timelineActivity"}, {"workflows", "workflow"},
	{"workflowRuns", "workflowRun"}, {"workflowVersions", "workflowVersion"},
	{"workspaceMembers", "workspaceMember"}};

/* Refuses the name of an object that no event can have: a plural, or one with a capital. Others may
 * be objects of the workspace. */
static void check_object(const struct head *h, const char *text, size_t object_n)
{
	char name[101];
	const char *action = text + object_n + 1, *singular = NULL;
	snprintf(name, sizeof(name), "%.*s", (int)object_n, text);
	bool capital = name[0] >= 'A' && name[0] <= 'Z';
	if (capital)
		name[0] = (char)(name[0] - 'A' + 'a');
	for (size_t i = 0; i < ARRAY_N(plurals); i++)
		if (strcmp(plurals[i][0], name) == 0)
			singular = plurals[i][1];
	if (singular != NULL)
		wrong(h, "on: \"%s\": events are named by the singular: \"%s.%s\"", text, singular,
			action);
	if (capital)
		wrong(h, "on: \"%s\": did you mean \"%s.%s\"?", text, name, action);
}

/* "person.created", "person.*", "*.deleted", "*.*", "hook:stripe". */
static void check_pattern(const struct head *h, struct slice pattern)
{
	const char *text = pattern.p;
	if (strlen(text) != pattern.n || pattern.n > 100)
		wrong(h, "on: a pattern is too long or has a zero byte");
	if (strncmp(text, "hook:", 5) == 0 && text[5] != '\0')
		return;
	if (strcmp(text, "timer") == 0)
		wrong(h, "on: \"timer\" is not there in this version");
	const char *dot = strchr(text, '.');
	if (dot == NULL)
		wrong(h, "on: \"%s\" names no action, write \"person.created\" or \"person.*\"",
			text);
	size_t object_n = (size_t)(dot - text);
	if (!is_word(text, object_n) && !(object_n == 1 && *text == '*'))
		wrong(h, "on: \"%s\": an object is like person, or *", text);
	if (strcmp(dot + 1, "*") == 0 || listed(actions, dot + 1)) {
		check_object(h, text, object_n);
		return;
	}
	const char *near = conf_nearest(dot + 1, actions);
	if (near != NULL)
		wrong(h, "on: \"%s\": did you mean \"%.*s.%s\"?", text, (int)object_n, text, near);
	wrong(h, "on: \"%s\": the actions are created, updated, deleted, restored, destroyed and *",
		text);
}

/* Writes the pattern at the top and pops it. */
static void put_pattern(const struct head *h, const char *before)
{
	if (lua_type(h->L, -1) != LUA_TSTRING)
		wrong(h, "on: a pattern is a text like \"person.created\"");
	struct slice pattern;
	pattern.p = lua_tolstring(h->L, -1, &pattern.n);
	check_pattern(h, pattern);
	check(h, buf_put_text(h->out, before));
	check(h, json_text_put(h->out, pattern));
	lua_pop(h->L, 1);
}

static void put_on(const struct head *h)
{
	int type = push_option(h, "on");
	if (type == LUA_TNIL)
		wrong(h, "it says not when it runs, write on = \"person.created\"");
	check(h, buf_put_text(h->out, ",\"on\":["));
	if (type == LUA_TSTRING) {
		put_pattern(h, "");
	} else if (type == LUA_TTABLE) {
		lua_Unsigned n = lua_rawlen(h->L, -1);
		if (n == 0 || n > ON_MAX)
			wrong(h, "on: a list has 1 to %d patterns", ON_MAX);
		for (lua_Unsigned i = 1; i <= n; i++) {
			lua_rawgeti(h->L, -1, (lua_Integer)i);
			put_pattern(h, i > 1 ? "," : "");
		}
		lua_pop(h->L, 1);
	} else {
		wrong(h, "on must be a text or a list of texts, it is a %s",
			lua_typename(h->L, type));
	}
	check(h, buf_put_text(h->out, "]"));
}

/* A function is asked of a worker; a predicate is data, which the runner decides. */
static void put_when(const struct head *h)
{
	int type = push_option(h, "when");
	const char *predicate = predicate_text(h->L, -1);
	if (type == LUA_TSTRING)
		wrong(h,
			"when = \"%.60s\": write when = changed \"%.60s\", or a function of the "
			"event",
			lua_tostring(h->L, -1), lua_tostring(h->L, -1));
	if (type != LUA_TNIL && type != LUA_TFUNCTION && predicate == NULL)
		wrong(h, "when must be a function of the event, or changed \"field\"; it is a %s",
			lua_typename(h->L, type));
	check(h, buf_put_text(h->out, ",\"when\":"));
	if (predicate == NULL)
		predicate = type == LUA_TFUNCTION ? "true" : "false";
	check(h, buf_put_text(h->out, predicate));
	lua_pop(h->L, 1);
}

static void put_key(const struct head *h)
{
	int type = push_option(h, "key");
	struct slice key = {0};
	if (type == LUA_TSTRING)
		key.p = lua_tolstring(h->L, -1, &key.n);
	if (type == LUA_TSTRING && (key.n == 0 || key.n > 200 || strlen(key.p) != key.n))
		wrong(h, "key must be the name of a field, like \"companyId\"");
	if (type != LUA_TNIL && type != LUA_TFUNCTION && type != LUA_TSTRING)
		wrong(h, "key must be the name of a field or a function of the event, it is a %s",
			lua_typename(h->L, type));
	check(h, buf_put_text(h->out, ",\"key\":"));
	if (type == LUA_TSTRING)
		check(h, json_text_put(h->out, key));
	else
		check(h, buf_put_text(h->out, type == LUA_TFUNCTION ? "true" : "null"));
	lua_pop(h->L, 1);
}

/* "others": null. */
static void put_echo(const struct head *h)
{
	int type = push_option(h, "echo");
	bool others = type == LUA_TNIL ||
		      (type == LUA_TSTRING && strcmp(lua_tostring(h->L, -1), "others") == 0);
	if (!others && type != LUA_TBOOLEAN)
		wrong(h, "echo is \"others\" (what people and other rules write), true (what it "
			 "wrote itself, too) or false (people only)");
	check(h, buf_printf(h->out, ",\"echo\":%s",
			 others                    ? "null"
			 : lua_toboolean(h->L, -1) ? "true"
						   : "false"));
	lua_pop(h->L, 1);
}

static void put_duration(const struct head *h, const char *name, int64_t most_ms)
{
	int type = push_option(h, name);
	int64_t ms = 0;
	if (type == LUA_TSTRING) {
		ms = conf_parse_duration(lua_tostring(h->L, -1));
		if (ms <= 0)
			wrong(h, "%s: \"%.40s\" is no duration, write \"500ms\", \"30s\" or \"5m\"",
				name, lua_tostring(h->L, -1));
		if (ms > most_ms)
			wrong(h, "%s is at most %" PRId64 " s", name, most_ms / 1000);
	} else if (type != LUA_TNIL) {
		wrong(h, "%s must be a duration like \"30s\", it is a %s", name,
			lua_typename(h->L, type));
	}
	lua_pop(h->L, 1);
	check(h, buf_printf(h->out, ",\"%s_ms\":%" PRId64, name, ms));
}

static void put_retry(const struct head *h)
{
	int type = push_option(h, "retry");
	int max = 0;
	if (type != LUA_TNIL && type != LUA_TTABLE)
		wrong(h, "retry must be a table like { max = 8 }, it is a %s",
			lua_typename(h->L, type));
	if (type == LUA_TTABLE) {
		lua_pushnil(h->L);
		while (lua_next(h->L, -2)) {
			bool known = lua_type(h->L, -2) == LUA_TSTRING &&
				     strcmp(lua_tostring(h->L, -2), "max") == 0;
			if (!known)
				wrong(h, "retry knows only max, as in { max = 8 }");
			lua_Integer value = lua_isinteger(h->L, -1) ? lua_tointeger(h->L, -1) : 0;
			if (value < 1 || value > RETRY_MAX)
				wrong(h, "retry.max is a whole number from 1 to %d", RETRY_MAX);
			max = (int)value;
			lua_pop(h->L, 1);
		}
	}
	lua_pop(h->L, 1);
	check(h, buf_printf(h->out, ",\"retry_max\":%d", max));
}

static void check_run(const struct head *h)
{
	int type = push_option(h, "run");
	if (type == LUA_TNIL)
		wrong(h, "it has no run = function(event) .. end");
	if (type != LUA_TFUNCTION)
		wrong(h, "run must be a function of the event, it is a %s",
			lua_typename(h->L, type));
	lua_pop(h->L, 1);
}

static void put_rule(const struct head *h)
{
	check_names(h);
	check(h, buf_put_text(h->out, "{\"name\":"));
	check(h, json_text_put(h->out, slice_of(h->name)));
	check(h, buf_printf(h->out, ",\"line\":%d", (int)h->line));
	put_on(h);
	put_when(h);
	put_key(h);
	put_echo(h);
	put_duration(h, "timeout", TIMEOUT_MAX_MS);
	put_duration(h, "cpu", CPU_MAX_MS);
	put_retry(h);
	check_run(h);
	check(h, buf_put_text(h->out, "}"));
}

static void check_unique(const struct head *h, int list, lua_Integer n)
{
	for (lua_Integer i = 1; i < n; i++) {
		lua_rawgeti(h->L, list, i);
		lua_getfield(h->L, -1, "name");
		if (strcmp(lua_tostring(h->L, -1), h->name) == 0)
			wrong(h, "the file has another rule of this name");
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
		check(&h, buf_put_text(out, i == 1 ? "[" : ","));
		put_rule(&h);
	}
	check(&h, buf_put_text(out, "]"));
}
