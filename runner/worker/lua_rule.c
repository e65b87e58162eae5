/* SPDX-License-Identifier: MIT */
/*
 * rule "name" { .. }: what a rule file is made of.
 * From: the file's chunk, each time a state is made of it. To: head.c, which reads the declarations
 * as data, and run.c, which takes the functions of one. Checks the form only; what stands in a head
 * is checked by head.c, once, when the file is loaded.
 */
#include <string.h>

#include "runner/worker/binding.h"
#include "runner/worker/kit.h"
#include "runner/worker/rule.h"
#include "runner/worker/state.h"

#define NAME_MAX_BYTES 120

static const char list_mark; /* key of the registry */

void rule_push_list(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &list_mark) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &list_mark);
}

/* The second half: the table. Upvalues: name, line. */
static int take_head(lua_State *L)
{
	if (!lua_istable(L, 1))
		state_raise(L,
			"rule \"%.80s\" lacks its table: rule \"name\" { on = .., run = .. }",
			lua_tostring(L, lua_upvalueindex(1)));
	lua_settop(L, 1);
	rule_push_list(L);
	lua_createtable(L, 0, 3);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_setfield(L, 3, "name");
	lua_pushvalue(L, lua_upvalueindex(2));
	lua_setfield(L, 3, "line");
	lua_pushvalue(L, 1);
	lua_setfield(L, 3, "head");
	lua_rawseti(L, 2, (lua_Integer)lua_rawlen(L, 2) + 1);
	return 0;
}

static int take_name(lua_State *L)
{
	const struct state *state = state_of(L);
	size_t n;
	if (state->declared)
		state_raise(L, "rule belongs at the top of the file, not into a function that runs "
			       "later");
	if (lua_type(L, 1) != LUA_TSTRING)
		state_raise(L, "a rule has a name: rule \"name\" { on = .., run = .. }");
	const char *name = lua_tolstring(L, 1, &n);
	if (lua_gettop(L) > 1)
		state_raise(L,
			"write rule \"%.80s\" { on = .., run = .. }, without parentheses and comma",
			name);
	if (n == 0 || n > NAME_MAX_BYTES || strlen(name) != n)
		state_raise(L, "a rule's name has 1 to %d bytes", NAME_MAX_BYTES);
	lua_Debug ar = {.currentline = 0};
	if (lua_getstack(L, 1, &ar))
		lua_getinfo(L, "l", &ar);
	lua_settop(L, 1);
	lua_pushinteger(L, ar.currentline > 0 ? ar.currentline : 0);
	lua_pushcclosure(L, take_head, 2);
	return 1;
}

const luaL_Reg rule_functions[] = {
	{"rule", take_name},
	{NULL, NULL},
};

void rule_declare(lua_State *L, struct worker_rule_file *file)
{
	file->refs++;
	state_of(L)->rules = file;
	if (luaL_loadbufferx(L, file->code.p, file->code.n, file->file, "b") != LUA_OK)
		lua_error(L);
	lua_call(L, 0, 0);
	state_of(L)->declared = true;
}

void rule_push_head(lua_State *L, struct slice name)
{
	rule_push_list(L);
	int list = lua_gettop(L);
	lua_Integer n = (lua_Integer)lua_rawlen(L, list);
	for (lua_Integer i = 1; i <= n; i++) {
		struct slice found;
		lua_rawgeti(L, list, i);
		lua_getfield(L, -1, "name");
		found.p = lua_tolstring(L, -1, &found.n);
		if (slice_equal(found, name)) {
			lua_getfield(L, -2, "head");
			lua_replace(L, list);
			lua_settop(L, list);
			return;
		}
		lua_pop(L, 2);
	}
	lua_pushnil(L);
	lua_replace(L, list);
}
