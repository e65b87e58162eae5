/* SPDX-License-Identifier: MIT */
/*
 * after and cancel: a rule that is to run later.
 * From: rules. To: run.c as CALLs without an object, which the runner answers itself: it knows
 * which rules there are, and arms the timer. Wrong use is told here, with the rule's own line.
 */
#include <inttypes.h>

#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/kit.h"
#include "runner/worker/state.h"

#define KEY_MAX 256                        /* bytes; as in queue/timer.h */
#define PAYLOAD_MAX (64u << 10)            /* likewise, of JSON */
enum { WHEN = 1, RULE, PAYLOAD, OPTIONS }; /* arguments of after */

static int answered(lua_State *L, int status, lua_KContext ctx)
{
	(void)status;
	(void)ctx;
	twenty_push_answer(L);
	return 1;
}

static void put(lua_State *L, const char *what, enum rc rc)
{
	if (rc != RC_OK)
		state_raise(L, "%s: its arguments are too large", what);
}

static void put_value(lua_State *L, const char *what, const char *name, int index)
{
	struct buf *args = &state_of(L)->kit->scratch;
	char why[256];
	put(L, what, buf_printf(args, "%s\"%s\":", args->n > 1 ? "," : "", name));
	if (!json_encode(L, index, JSON_CALL, args, why, sizeof(why)))
		state_raise(L, "%s: the %s: %s", what, name, why);
}

/* Begins with the name of the rule, at index. */
static void begin(lua_State *L, const char *what, int index)
{
	struct buf *args = &state_of(L)->kit->scratch;
	if (lua_type(L, index) != LUA_TSTRING)
		state_raise(L, "%s: the name of a rule is needed, a text; it is %s", what,
			lua_isnoneornil(L, index) ? "nil" : luaL_typename(L, index));
	buf_clear(args);
	put(L, what, buf_put_text(args, "{"));
	put_value(L, what, "rule", index);
}

/* A record stands for its id nowhere else: say so. */
static void put_key(lua_State *L, const char *what, int index)
{
	size_t n = 0;
	if (lua_isnoneornil(L, index))
		return;
	if (lua_type(L, index) == LUA_TSTRING)
		lua_tolstring(L, index, &n);
	if (lua_istable(L, index))
		state_raise(L, "%s: the key is a table, pass a text such as its .id", what);
	if (lua_type(L, index) != LUA_TSTRING)
		state_raise(
			L, "%s: the key must be a text, it is a %s", what, luaL_typename(L, index));
	if (n == 0 || n > KEY_MAX)
		state_raise(
			L, "%s: the key %s", what, n == 0 ? "is empty" : "has more than 256 bytes");
	put_value(L, what, "key", index);
}

static int finish(lua_State *L, const char *what)
{
	struct buf *args = &state_of(L)->kit->scratch;
	put(L, what, buf_put_text(args, "}"));
	return twenty_suspend(L, what, "", buf_slice(args), 0, answered);
}

/* "2d" is how long, "2026-11-24T09:00:00.000Z" when. */
static void put_when(lua_State *L)
{
	struct buf *args = &state_of(L)->kit->scratch;
	int64_t ms = 0;
	const char *text = lua_type(L, WHEN) == LUA_TSTRING ? lua_tostring(L, WHEN) : NULL;
	if (text == NULL)
		state_raise(L,
			"after: the delay is a text like \"90s\", \"5m\", \"2h\" or \"3d\", "
			"or a time; it is %s",
			lua_isnoneornil(L, WHEN) ? "nil" : luaL_typename(L, WHEN));
	int64_t delay_ms = conf_parse_duration(text);
	if (delay_ms >= 0)
		put(L, "after", buf_printf(args, ",\"delay_ms\":%" PRId64, delay_ms));
	else if (time_read(L, "after", text, &ms))
		put(L, "after", buf_printf(args, ",\"at_ms\":%" PRId64, ms));
	else
		state_raise(L,
			"after: \"%.40s\" is neither a delay, like \"90s\", \"5m\", \"2h\" or "
			"\"3d\", nor a time, like \"2026-11-24T09:00:00.000Z\"",
			text);
}

/* { key = "x" } and nothing else; the key is pushed. */
static void push_key(lua_State *L)
{
	if (lua_isnil(L, OPTIONS)) {
		lua_pushnil(L);
		return;
	}
	if (!lua_istable(L, OPTIONS))
		state_raise(L, "after: the options are a table, { key = \"..\" }; they are a %s",
			luaL_typename(L, OPTIONS));
	for (lua_pushnil(L); lua_next(L, OPTIONS) != 0; lua_pop(L, 1)) {
		const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
		if (strcmp(name, "key") != 0)
			state_raise(
				L, "after: unknown option '%.40s', the only option is key", name);
	}
	lua_pushliteral(L, "key");
	lua_rawget(L, OPTIONS);
}

static int timer_after(lua_State *L)
{
	lua_settop(L, OPTIONS);
	begin(L, "after", RULE);
	put_when(L);
	if (!lua_isnil(L, PAYLOAD)) {
		size_t from = state_of(L)->kit->scratch.n;
		put_value(L, "after", "payload", PAYLOAD);
		if (state_of(L)->kit->scratch.n - from > PAYLOAD_MAX)
			state_raise(L, "after: the payload has more than 64 kB as JSON");
	}
	push_key(L);
	put_key(L, "after", -1);
	lua_settop(L, OPTIONS);
	return finish(L, "after");
}

static int timer_cancel(lua_State *L)
{
	lua_settop(L, 2);
	begin(L, "cancel", 1);
	put_key(L, "cancel", 2);
	return finish(L, "cancel");
}

const luaL_Reg timer_functions[] = {
	{"after", timer_after},
	{"cancel", timer_cancel},
	{NULL, NULL},
};
