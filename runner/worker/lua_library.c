/* SPDX-License-Identifier: MIT */
/*
 * Functions of Lua's own libraries whose stock form loops in C without end, shows addresses or
 * makes finalizers. Each looks at its arguments and then goes on to the stock form.
 * From: rules. To: the stock functions in the kit. Patterns stay as they are: what they cost cannot
 * be told beforehand, so a pattern that does not end is ended by the death of the worker.
 */
#include <string.h>

#include "runner/worker/binding.h"
#include "runner/worker/kit.h"
#include "runner/worker/state.h"

#define ELEMENTS_MAX (1 << 22) /* of a list that C code walks in one go */

static int go_on(lua_State *L, enum kit_stock which)
{
	return state_of(L)->kit->stock[which](L);
}

int library_setmetatable(lua_State *L)
{
	static const char *const refused[] = {"__gc", "__close", "__mode"};
	if (lua_istable(L, 2)) {
		for (size_t i = 0; i < ARRAY_N(refused); i++) {
			lua_pushstring(L, refused[i]);
			if (lua_rawget(L, 2) != LUA_TNIL)
				return luaL_error(
					L, "setmetatable: %s is not there in rules", refused[i]);
			lua_pop(L, 1);
		}
	}
	return go_on(L, KIT__G_setmetatable);
}

/* Replaces the value at index by its text, without addresses: they differ from run to run. */
static void settle_text(lua_State *L, int index)
{
	int type = lua_type(L, index);
	if (luaL_callmeta(L, index, "__tostring")) {
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "'__tostring' must return a string");
	} else if (json_is_null(L, index)) {
		lua_pushliteral(L, "null");
	} else if (type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA ||
		   type == LUA_TLIGHTUSERDATA || type == LUA_TTHREAD) {
		lua_pushstring(L, lua_typename(L, type));
	} else {
		luaL_tolstring(L, index, NULL);
	}
	lua_replace(L, index);
}

int library_tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_settop(L, 1);
	settle_text(L, 1);
	return 1;
}

/* What the conversion behind a % is, the flags skipped; NUL at the end of the format. */
static char conversion(const char *flags)
{
	return flags[strspn(flags, "-+#0 123456789.")];
}

int library_format(lua_State *L)
{
	size_t n;
	const char *p = luaL_checklstring(L, 1, &n);
	const char *end = p + n;
	int arg = 1;
	while ((p = memchr(p, '%', (size_t)(end - p))) != NULL) {
		p++;
		if (p < end && *p == '%') {
			p++;
			continue;
		}
		arg++;
		char kind = conversion(p);
		if (kind == 'p')
			return luaL_error(L, "string.format: %%p is not there in rules");
		if (kind == 's' && arg <= lua_gettop(L) && lua_type(L, arg) != LUA_TSTRING)
			settle_text(L, arg);
	}
	return go_on(L, KIT_string_format);
}

int library_rep(lua_State *L)
{
	size_t n, between;
	luaL_checklstring(L, 1, &n);
	luaL_checkinteger(L, 2);
	luaL_optlstring(L, 3, "", &between);
	if (n + between == 0) {
		lua_pushliteral(L, "");
		return 1;
	}
	return go_on(L, KIT_string_rep);
}

/* A list that C code may walk: its length and elements are its own and not too many. */
static void check_list(lua_State *L, int index)
{
	static const char *const events[] = {"__len", "__index", "__newindex"};
	luaL_checktype(L, index, LUA_TTABLE);
	for (size_t i = 0; i < ARRAY_N(events); i++)
		if (luaL_getmetafield(L, index, events[i]) != LUA_TNIL)
			luaL_error(L, "a table with %s is no list", events[i]);
	if (lua_rawlen(L, index) > ELEMENTS_MAX)
		luaL_error(L, "the list is too long");
}

static int go_on_with_list(lua_State *L, enum kit_stock which)
{
	check_list(L, 1);
	return go_on(L, which);
}

int library_concat(lua_State *L)
{
	return go_on_with_list(L, KIT_table_concat);
}

int library_insert(lua_State *L)
{
	return go_on_with_list(L, KIT_table_insert);
}

int library_remove(lua_State *L)
{
	return go_on_with_list(L, KIT_table_remove);
}

int library_sort(lua_State *L)
{
	return go_on_with_list(L, KIT_table_sort);
}

int library_move(lua_State *L)
{
	check_list(L, 1);
	if (!lua_isnoneornil(L, 5))
		check_list(L, 5);
	lua_Integer from = luaL_checkinteger(L, 2);
	lua_Integer to = luaL_checkinteger(L, 3);
	if (to >= from && (lua_Unsigned)to - (lua_Unsigned)from >= ELEMENTS_MAX)
		return luaL_error(L, "too many elements to move");
	return go_on(L, KIT_table_move);
}
