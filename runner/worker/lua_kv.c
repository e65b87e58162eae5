/* SPDX-License-Identifier: MIT */
/*
 * kv.get, set, incr and delete, and the same under kv.shared: what a rule keeps from run to run.
 * From: rules. To: run.c as CALLs of the object "kv" or "kv.shared", which the runner answers
 * itself. Wrong use is told here, with the rule's own line.
 */
#include <inttypes.h>

#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/kit.h"
#include "runner/worker/state.h"

#define KEY_MAX 256           /* bytes; as in queue/kv.h */
#define VALUE_MAX (64u << 10) /* likewise, of JSON */

static int answered(lua_State *L, int status, lua_KContext ctx)
{
	(void)status;
	(void)ctx;
	twenty_push_answer(L);
	return 1;
}

struct kv_call { /* being put together in the scratch */
	const char *object, *method;
	struct buf *args;
};

static void put(lua_State *L, struct kv_call *c, enum rc rc)
{
	if (rc != RC_OK)
		state_raise(L, "%s.%s: its arguments are too large", c->object, c->method);
}

/* The key is argument 1. */
static struct kv_call begin(lua_State *L, const char *object, const char *method)
{
	struct kv_call c = {object, method, &state_of(L)->kit->scratch};
	char why[256];
	size_t n = 0;
	if (lua_type(L, 1) == LUA_TNUMBER)
		state_raise(L,
			"%s.%s: the key must be a text, write tostring(..) around the number",
			object, method);
	if (lua_type(L, 1) != LUA_TSTRING)
		state_raise(L, "%s.%s: the key must be a text, it is %s", object, method,
			lua_isnoneornil(L, 1) ? "nil" : luaL_typename(L, 1));
	lua_tolstring(L, 1, &n);
	if (n == 0 || n > KEY_MAX)
		state_raise(L, "%s.%s: the key %s", object, method,
			n == 0 ? "is empty" : "has more than 256 bytes");
	buf_clear(c.args);
	put(L, &c, buf_put_text(c.args, "{\"key\":"));
	if (!json_encode(L, 1, JSON_CALL, c.args, why, sizeof(why)))
		state_raise(L, "%s.%s: the key: %s", object, method, why);
	return c;
}

/* Argument 3, a duration, where it is there. */
static void add_ttl(lua_State *L, struct kv_call *c)
{
	if (lua_isnoneornil(L, 3))
		return;
	const char *text = lua_type(L, 3) == LUA_TSTRING ? lua_tostring(L, 3) : NULL;
	int64_t ms = text != NULL ? conf_parse_duration(text) : -1;
	if (ms <= 0)
		state_raise(L,
			"%s.%s: the time to live must be a duration: \"90s\", \"5m\", "
			"\"2h\" or \"7d\"",
			c->object, c->method);
	put(L, c, buf_printf(c->args, ",\"ttl_ms\":%" PRId64, ms));
}

static int finish(lua_State *L, struct kv_call *c)
{
	put(L, c, buf_put_text(c->args, "}"));
	return twenty_suspend(L, c->method, c->object, buf_slice(c->args), 0, answered);
}

static int get(lua_State *L, const char *object)
{
	struct kv_call c = begin(L, object, "get");
	return finish(L, &c);
}

static int set(lua_State *L, const char *object)
{
	char why[256];
	struct kv_call c = begin(L, object, "set");
	if (lua_isnoneornil(L, 2))
		state_raise(L, "%s.set: the value is nil; %s.delete(key) forgets what is there",
			object, object);
	put(L, &c, buf_put_text(c.args, ",\"value\":"));
	size_t from = c.args->n;
	if (!json_encode(L, 2, JSON_CALL, c.args, why, sizeof(why)))
		state_raise(L, "%s.set: the value: %s", object, why);
	if (c.args->n - from > VALUE_MAX)
		state_raise(L, "%s.set: the value has more than 64 kB as JSON", object);
	add_ttl(L, &c);
	return finish(L, &c);
}

static int incr(lua_State *L, const char *object)
{
	char why[256];
	struct kv_call c = begin(L, object, "incr");
	put(L, &c, buf_put_text(c.args, ",\"by\":"));
	if (lua_isnoneornil(L, 2))
		put(L, &c, buf_put_text(c.args, "1"));
	else if (lua_type(L, 2) != LUA_TNUMBER)
		state_raise(L, "%s.incr: it can be raised by a number only, not by a %s", object,
			luaL_typename(L, 2));
	else if (!json_encode(L, 2, JSON_CALL, c.args, why, sizeof(why)))
		state_raise(L, "%s.incr: %s", object, why);
	add_ttl(L, &c);
	return finish(L, &c);
}

static int forget(lua_State *L, const char *object)
{
	struct kv_call c = begin(L, object, "delete");
	return finish(L, &c);
}

static int kv_get(lua_State *L)
{
	return get(L, "kv");
}

static int kv_set(lua_State *L)
{
	return set(L, "kv");
}

static int kv_incr(lua_State *L)
{
	return incr(L, "kv");
}

static int kv_delete(lua_State *L)
{
	return forget(L, "kv");
}

static int shared_get(lua_State *L)
{
	return get(L, "kv.shared");
}

static int shared_set(lua_State *L)
{
	return set(L, "kv.shared");
}

static int shared_incr(lua_State *L)
{
	return incr(L, "kv.shared");
}

static int shared_delete(lua_State *L)
{
	return forget(L, "kv.shared");
}

static const luaL_Reg own_functions[] = {
	{"delete", kv_delete},
	{"get", kv_get},
	{"incr", kv_incr},
	{"set", kv_set},
	{NULL, NULL},
};

static const luaL_Reg shared_functions[] = {
	{"delete", shared_delete},
	{"get", shared_get},
	{"incr", shared_incr},
	{"set", shared_set},
	{NULL, NULL},
};

void kv_furnish(lua_State *L)
{
	lua_createtable(L, 0, 5);
	luaL_setfuncs(L, own_functions, 0);
	lua_createtable(L, 0, 4);
	luaL_setfuncs(L, shared_functions, 0);
	lua_setfield(L, -2, "shared");
	lua_setglobal(L, "kv");
}
