/* SPDX-License-Identifier: MIT */
/*
 * `on`: which events a rule is for, as patterns.
 * From: head.c. To: HEAD's "on"; runner/match.c decides. An object may be one of the workspace's
 * own, so only names that no event can have are refused.
 */
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "runner/worker/head_part.h"
#include "runner/worker/json_text.h"

#define ON_MAX 64 /* patterns of one rule */
#define PATTERN_MAX 100

static const char *const actions[] = {
	"created", "updated", "deleted", "restored", "destroyed", NULL};

static bool is_action(const char *word)
{
	size_t i = 0;
	while (actions[i] != NULL && strcmp(actions[i], word) != 0)
		i++;
	return actions[i] != NULL || strcmp(word, "*") == 0;
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
	char name[PATTERN_MAX + 1];
	const char *action = text + object_n + 1, *singular = NULL;
	snprintf(name, sizeof(name), "%.*s", (int)object_n, text);
	bool capital = name[0] >= 'A' && name[0] <= 'Z';
	if (capital)
		name[0] = (char)(name[0] - 'A' + 'a');
	for (size_t i = 0; i < ARRAY_N(plurals); i++)
		if (strcmp(plurals[i][0], name) == 0)
			singular = plurals[i][1];
	if (singular != NULL)
		head_wrong(h, "on: \"%s\": events are named by the singular: \"%s.%s\"", text,
			singular, action);
	if (capital)
		head_wrong(h, "on: \"%s\": did you mean \"%s.%s\"?", text, name, action);
}

/* "hook:stripe"; what stands behind the colon is the name of a source. */
static void check_hook(const struct head *h, const char *text)
{
	const char *name = text + strlen("hook:");
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	if (n == 0 || name[n] != '\0')
		head_wrong(h,
			"on: \"%s\" names no source: letters, digits, _ and - stand behind hook:, "
			"as in \"hook:stripe\"",
			text);
}

/* A pattern without a dot is none of those that have one. */
static noreturn_ void no_pattern(const struct head *h, const char *text)
{
	static const char *const words[] = {"timer", NULL};
	char object[PATTERN_MAX + 1];
	const char *colon = strchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	if (conf_nearest(text, words) != NULL)
		head_wrong(h, "on: \"%s\": did you mean \"timer\"?", text);
	if (colon != NULL && is_word(text, n) && is_action(colon + 1))
		head_wrong(
			h, "on: \"%s\": did you mean \"%.*s.%s\"?", text, (int)n, text, colon + 1);
	snprintf(object, sizeof(object), "%.*s", (int)n, text);
	static const char *const hooks[] = {"hook", NULL};
	if (colon != NULL && conf_nearest(object, hooks) != NULL)
		head_wrong(h, "on: \"%s\": did you mean \"hook%s\"?", text, colon);
	head_wrong(h, "on: \"%s\" names no action, write \"person.created\" or \"person.*\"", text);
}

/* "person.created", "person.*", "*.deleted", "*.*", "hook:stripe", "timer". */
static void check_pattern(const struct head *h, struct slice pattern)
{
	const char *text = pattern.p;
	if (strlen(text) != pattern.n || pattern.n > PATTERN_MAX)
		head_wrong(h, "on: a pattern is too long or has a zero byte");
	if (strcmp(text, "timer") == 0)
		return;
	if (strncmp(text, "hook:", 5) == 0) {
		check_hook(h, text);
		return;
	}
	const char *dot = strchr(text, '.');
	if (dot == NULL)
		no_pattern(h, text);
	size_t object_n = (size_t)(dot - text);
	if (!is_word(text, object_n) && !(object_n == 1 && *text == '*'))
		head_wrong(h, "on: \"%s\": an object is like person, or *", text);
	if (is_action(dot + 1)) {
		check_object(h, text, object_n);
		return;
	}
	const char *near = conf_nearest(dot + 1, actions);
	if (near != NULL)
		head_wrong(h, "on: \"%s\": did you mean \"%.*s.%s\"?", text, (int)object_n, text,
			near);
	head_wrong(h,
		"on: \"%s\": the actions are created, updated, deleted, restored, destroyed and *",
		text);
}

/* Writes the pattern at the top and pops it. */
static void put_pattern(const struct head *h, const char *before)
{
	if (lua_type(h->L, -1) != LUA_TSTRING)
		head_wrong(h, "on: a pattern is a text like \"person.created\"");
	struct slice pattern;
	pattern.p = lua_tolstring(h->L, -1, &pattern.n);
	check_pattern(h, pattern);
	head_check(h, buf_put_text(h->out, before));
	head_check(h, json_text_put(h->out, pattern));
	lua_pop(h->L, 1);
}

void head_put_on(const struct head *h)
{
	int type = lua_type(h->L, -1);
	head_check(h, buf_put_text(h->out, ",\"on\":["));
	if (type == LUA_TSTRING) {
		put_pattern(h, "");
	} else if (type == LUA_TTABLE) {
		lua_Unsigned n = lua_rawlen(h->L, -1);
		if (n == 0 || n > ON_MAX)
			head_wrong(h, "on: a list has 1 to %d patterns", ON_MAX);
		for (lua_Unsigned i = 1; i <= n; i++) {
			lua_rawgeti(h->L, -1, (lua_Integer)i);
			put_pattern(h, i > 1 ? "," : "");
		}
	} else {
		head_wrong(h, "on must be a text or a list of texts, it is a %s",
			lua_typename(h->L, type));
	}
	head_check(h, buf_put_text(h->out, "]"));
}

/* How many of its patterns are such; *ret_n: of how many. */
static lua_Unsigned count_on(
	const struct head *h, bool (*is)(const char *pattern), lua_Unsigned *ret_n)
{
	int type = head_push(h, "on");
	lua_Unsigned found = 0;
	*ret_n = type == LUA_TTABLE ? lua_rawlen(h->L, -1) : type == LUA_TSTRING;
	if (type == LUA_TSTRING)
		found = is(lua_tostring(h->L, -1));
	for (lua_Unsigned i = 1; type == LUA_TTABLE && i <= *ret_n; i++) {
		lua_rawgeti(h->L, -1, (lua_Integer)i);
		found += is(lua_tostring(h->L, -1));
		lua_pop(h->L, 1);
	}
	lua_pop(h->L, 1);
	return found;
}

bool head_each_on(const struct head *h, bool (*is)(const char *pattern))
{
	lua_Unsigned n, found = count_on(h, is, &n);
	return n > 0 && found == n;
}

static bool is_timer(const char *pattern)
{
	return strcmp(pattern, "timer") == 0;
}

enum head_timer head_timer(const struct head *h)
{
	lua_Unsigned n, timers = count_on(h, is_timer, &n);
	return timers == 0 ? HEAD_NO_TIMER : timers < n ? HEAD_TIMER_TOO : HEAD_TIMER_ONLY;
}
