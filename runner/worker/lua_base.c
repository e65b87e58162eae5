/* SPDX-License-Identifier: MIT */
/*
 * pcall and xpcall that cannot hold on to the end of a run.
 * From: rules. A rule may catch its own errors and those of its calls; an outcome, a limit and a
 * refused allocation go on upwards, and no handler of the rule sees them. Calls may suspend inside.
 */
#include "runner/worker/binding.h"
#include "runner/worker/state.h"

/* The end of a pcall, reached directly or after a suspension. skip: results that were there before.
 */
static int finish(lua_State *L, int status, lua_KContext skip)
{
	if (status != LUA_OK && status != LUA_YIELD) {
		state_failed(L, status);
		state_pass(L);
		lua_pushboolean(L, 0);
		lua_pushvalue(L, -2);
		return 2;
	}
	return lua_gettop(L) - (int)skip;
}

static int base_pcall(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_pushboolean(L, 1);
	lua_insert(L, 1);
	int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish);
	return finish(L, status, 0);
}

/* Upvalue: the rule's own handler. */
static int handle(lua_State *L)
{
	const struct state *state = state_of(L);
	if (state->end != STATE_ALIVE || state->pressed || state_is_end(L, 1))
		return 1;
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 1);
	return 1;
}

static int base_xpcall(lua_State *L)
{
	int n = lua_gettop(L);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, handle, 1);
	lua_replace(L, 2);
	lua_pushboolean(L, 1);
	lua_pushvalue(L, 1);
	lua_rotate(L, 3, 2);
	int status = lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, finish);
	return finish(L, status, 2);
}

const luaL_Reg base_functions[] = {
	{"next", order_next},
	{"pairs", order_pairs},
	{"pcall", base_pcall},
	{"xpcall", base_xpcall},
	{NULL, NULL},
};
