/* SPDX-License-Identifier: MIT */
/*
 * What every state is furnished from.
 * From: worker.c, once. To: run.c and rule.c, for each state. Lua's own libraries are opened in one
 * throw-away state only; a rule's state gets the listed functions and nothing else. Fails when
 * memory is short. Does not run rules.
 */
#include "runner/worker/kit.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "runner/worker/binding.h"
#include "runner/worker/state.h"

#define PRELUDE_MAX (256 << 10)
#define SCRATCH_MAX (16 << 20)

static const char prelude_text[] = {
#include "runner/worker/prelude.lua.inc"
	0};
static const char read_text[] = {
#include "runner/worker/prelude_read.lua.inc"
	0};
static const char write_text[] = {
#include "runner/worker/prelude_write.lua.inc"
	0};
static const char merge_text[] = {
#include "runner/worker/prelude_merge.lua.inc"
	0};
static const char own_text[] = {
#include "runner/worker/prelude_own.lua.inc"
	0};
static const char wrong_text[] = {
#include "runner/worker/prelude_wrong.lua.inc"
	0};

/* The first is the prelude itself, the others are its pieces. */
static const struct {
	const char *name, *text;
} pieces[KIT_PIECES_N] = {{"", prelude_text}, {"read", read_text}, {"write", write_text},
	{"merge", merge_text}, {"own", own_text}, {"wrong", wrong_text}};

static const struct {
	const char *library, *function;
	lua_CFunction bounded;
} stock[] = {
#define X(library, function, bounded) {#library, #function, bounded},
	KIT_STOCK(X)
#undef X
};

static const char *const events[KIT_EVENTS_N] = {
	"__add", "__sub", "__mul", "__mod", "__pow", "__div", "__idiv", "__unm"};

static int write_piece(lua_State *L, const void *piece, size_t n, void *ctx)
{
	(void)L;
	return (int)buf_put(ctx, piece, n);
}

enum rc kit_dump(lua_State *L, enum kit_lines lines, struct buf *out)
{
	return (enum rc)lua_dump(L, write_piece, out, lines == KIT_LINES_DROPPED);
}

/* Opens Lua's libraries, compiles the prelude and takes down where the functions are; protected. */
static int find_stock(lua_State *L)
{
	struct kit *kit = lua_touserdata(L, 1);
	luaL_openlibs(L);
	for (size_t i = 0; i < KIT_STOCK_N; i++) {
		lua_getglobal(L, stock[i].library);
		lua_getfield(L, -1, stock[i].function);
		kit->stock[i] = lua_tocfunction(L, -1);
		if (kit->stock[i] == NULL)
			return luaL_error(
				L, "Lua has no %s.%s", stock[i].library, stock[i].function);
		lua_pop(L, 2);
	}
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	for (size_t i = 0; i < KIT_EVENTS_N; i++) {
		lua_getfield(L, -1, events[i]);
		kit->events[i] = lua_tocfunction(L, -1);
		lua_pop(L, 1);
	}
	for (size_t i = 0; i < KIT_PIECES_N; i++) {
		const char *text = pieces[i].text;
		if (luaL_loadbufferx(L, text, strlen(text), "=prelude", "t") != LUA_OK)
			return lua_error(L);
		if (kit_dump(L, KIT_LINES_DROPPED, &kit->pieces[i]) != RC_OK)
			return luaL_error(L, "the prelude is too large");
		lua_pop(L, 1);
	}
	return 0;
}

enum rc kit_open(struct kit *kit, struct err *err)
{
	*kit = (struct kit){.zone = NULL};
	for (size_t i = 0; i < KIT_PIECES_N; i++)
		buf_init(&kit->pieces[i], PRELUDE_MAX);
	buf_init(&kit->scratch, SCRATCH_MAX);
	enum rc rc = letters_open(&kit->letters, err);
	if (rc == RC_OK)
		rc = zone_warm(err);
	if (rc == RC_OK)
		rc = zone_open("UTC", &kit->utc, err);
	lua_State *L = rc == RC_OK ? luaL_newstate() : NULL;
	if (L == NULL) {
		kit_done(kit);
		return rc != RC_OK ? rc : err_set(err, RC_NOMEM, "no memory for Lua");
	}
	lua_pushcfunction(L, find_stock);
	lua_pushlightuserdata(L, kit);
	if (lua_pcall(L, 1, 0, 0) != LUA_OK)
		rc = err_set(err, RC_INVALID, "Lua's libraries: %s", lua_tostring(L, -1));
	lua_close(L);
	if (rc != RC_OK)
		kit_done(kit);
	return rc;
}

void kit_done(struct kit *kit)
{
	cover_free(kit->cover);
	kit->cover = NULL;
	for (size_t i = 0; i < KIT_PIECES_N; i++)
		buf_done(&kit->pieces[i]);
	buf_done(&kit->scratch);
	letters_done(&kit->letters);
	zone_free(kit->utc);
	zone_free(kit->zone);
	kit->utc = kit->zone = NULL;
}

/* The metatable of strings: s:upper(), "10" + 1; hidden from rules. The library `string` is at the
 * top and stays there. */
static void furnish_strings(lua_State *L, const struct kit *kit)
{
	lua_pushliteral(L, "");
	lua_createtable(L, 0, KIT_EVENTS_N + 2);
	for (size_t i = 0; i < KIT_EVENTS_N; i++) {
		if (kit->events[i] == NULL)
			continue;
		lua_pushcfunction(L, kit->events[i]);
		lua_setfield(L, -2, events[i]);
	}
	lua_pushvalue(L, -3);
	lua_setfield(L, -2, "__index");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
}

static void furnish_math(lua_State *L)
{
	lua_pushnumber(L, 3.141592653589793238462643383279502884);
	lua_setfield(L, -2, "pi");
	lua_pushnumber(L, __builtin_huge_val());
	lua_setfield(L, -2, "huge");
	lua_pushinteger(L, LUA_MAXINTEGER);
	lua_setfield(L, -2, "maxinteger");
	lua_pushinteger(L, LUA_MININTEGER);
	lua_setfield(L, -2, "mininteger");
	lua_pushcfunction(L, value_random);
	lua_setfield(L, -2, "random");
}

/* Sets the functions of a library that stand one after the other in the list, from *at. */
static void furnish_stock(lua_State *L, const struct kit *kit, size_t *at)
{
	const char *library = stock[*at].library;
	for (; *at < KIT_STOCK_N && strcmp(stock[*at].library, library) == 0; ++*at) {
		lua_CFunction bounded = stock[*at].bounded;
		lua_pushcfunction(L, bounded != NULL ? bounded : kit->stock[*at]);
		lua_setfield(L, -2, stock[*at].function);
	}
}

static void furnish_library(lua_State *L, const char *name, const luaL_Reg *functions)
{
	lua_createtable(L, 0, 8);
	luaL_setfuncs(L, functions, 0);
	lua_setfield(L, -2, name);
}

void kit_load_piece(lua_State *L, const char *name)
{
	const struct kit *kit = state_of(L)->kit;
	size_t i = 0;
	while (i < KIT_PIECES_N && strcmp(pieces[i].name, name) != 0)
		i++;
	if (i == KIT_PIECES_N)
		luaL_error(L, "the prelude has no piece %s", name);
	if (luaL_loadbufferx(L, kit->pieces[i].p, kit->pieces[i].n, "=prelude", "b") != LUA_OK)
		lua_error(L);
}

void kit_furnish(lua_State *L)
{
	const struct kit *kit = state_of(L)->kit;
	size_t at = 0;
	lua_pushglobaltable(L);
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "_G");
	furnish_stock(L, kit, &at);
	const luaL_Reg *const flat[] = {base_functions, outcome_functions, rule_functions,
		predicate_functions, value_functions, time_functions, use_functions,
		parallel_functions, secret_functions, timer_functions};
	for (size_t i = 0; i < ARRAY_N(flat); i++)
		luaL_setfuncs(L, flat[i], 0);
	while (at < KIT_STOCK_N) {
		const char *name = stock[at].library;
		lua_createtable(L, 0, 32);
		furnish_stock(L, kit, &at);
		if (strcmp(name, "string") == 0)
			furnish_strings(L, kit);
		if (strcmp(name, "math") == 0)
			furnish_math(L);
		if (strcmp(name, "utf8") == 0) {
			lua_pushlstring(L, "[\0-\x7F\xC2-\xFD][\x80-\xBF]*", 14);
			lua_setfield(L, -2, "charpattern");
		}
		lua_setfield(L, -2, name);
	}
	furnish_library(L, "json", json_functions);
	furnish_library(L, "http", http_functions);
	furnish_library(L, "log", log_functions);
	furnish_library(L, "text", text_functions);
	lua_getfield(L, -1, "json");
	json_push_null(L);
	lua_setfield(L, -2, "null");
	lua_pop(L, 2);
	kv_furnish(L);
	twenty_furnish(L);
}
