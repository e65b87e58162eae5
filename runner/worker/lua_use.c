/* SPDX-License-Identifier: MIT */
/*
 * use "name": the value that a module returns.
 * From: rule files and modules. To: the bytecode that came with the rule file (rule.h). A state
 * runs a module once, when it is first used, and keeps its value: each run has its own. Fails by
 * raising: there is no such module, it uses itself, it returns nothing, or it raised.
 */
#include <string.h>

#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/rule.h"
#include "runner/worker/state.h"

#define WORDS_MAX 64

static const char values_mark; /* key of the registry */
static const char loading;     /* its address stands for a module that has not returned yet */

/* Raises: no module of this name came with the rule file. */
static noreturn_ void not_there(lua_State *L, const struct worker_rule_file *file, const char *name)
{
	const char *words[WORDS_MAX + 1];
	size_t n = 0;
	for (size_t i = 0; file != NULL && i < file->modules_n && n < WORDS_MAX; i++)
		words[n++] = file->modules[i].name;
	words[n] = NULL;
	const char *near = conf_nearest(name, words);
	if (near != NULL)
		state_raise(
			L, "use: there is no module \"%.60s\", did you mean \"%s\"?", name, near);
	state_raise(L,
		"use: there is no module \"%.60s\" here: its name must stand in quotes, as in use "
		"\"owners\", so that its file is found when the rule is loaded",
		name);
}

static const struct worker_module *find(lua_State *L, const char *name)
{
	const struct worker_rule_file *file = state_of(L)->rules;
	for (size_t i = 0; file != NULL && i < file->modules_n; i++)
		if (strcmp(file->modules[i].name, name) == 0)
			return &file->modules[i];
	not_there(L, file, name);
}

/* Pushes the table of values by name. */
static void push_values(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &values_mark) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &values_mark);
}

static int use(lua_State *L)
{
	if (lua_type(L, 1) != LUA_TSTRING)
		state_raise(L, "use takes the name of a module, as in use \"owners\"");
	const char *name = lua_tostring(L, 1);
	lua_settop(L, 1);
	push_values(L);
	lua_pushvalue(L, 1);
	lua_rawget(L, 2);
	if (lua_touserdata(L, 3) == &loading)
		state_raise(L, "use: the module \"%.60s\" uses itself, or has failed before", name);
	if (!lua_isnil(L, 3))
		return 1;
	const struct worker_module *module = find(L, name);
	lua_pushvalue(L, 1);
	lua_pushlightuserdata(L, (void *)(uintptr_t)&loading);
	lua_rawset(L, 2);
	if (luaL_loadbufferx(L, module->code.p, module->code.n, module->name, "b") != LUA_OK)
		lua_error(L);
	lua_call(L, 0, 1);
	if (lua_isnil(L, -1))
		state_raise(L, "use: lib/%s.lua returns nothing, a module ends with return",
			module->name);
	lua_pushvalue(L, 1);
	lua_pushvalue(L, -2);
	lua_rawset(L, 2);
	return 1;
}

const luaL_Reg use_functions[] = {
	{"use", use},
	{NULL, NULL},
};
