/* SPDX-License-Identifier: MIT */
/*
 * now and random, which are asked of the runner so that a retry gets the same again; units and
 * money, which turn Twenty's micros into amounts and back.
 * From: rules. To: run.c as CALLs without an object.
 */
#include <math.h>

#include "runner/worker/binding.h"
#include "runner/worker/state.h"

#define MICROS 1000000.0

static int answer_now(lua_State *L, int status, lua_KContext ctx)
{
	(void)status;
	(void)ctx;
	twenty_push_answer(L);
	return 1;
}

static int value_now(lua_State *L)
{
	return twenty_suspend(L, "now", "", slice_of("{}"), 0, answer_now);
}

/* The answer is a number in [0,1); 1 and 2 are the bounds, where they were given. */
static int answer_random(lua_State *L, int status, lua_KContext bounds)
{
	(void)status;
	twenty_push_answer(L);
	lua_Number r = luaL_checknumber(L, -1);
	if (bounds == 0)
		return 1;
	lua_Integer low = bounds == 1 ? 1 : luaL_checkinteger(L, 1);
	lua_Integer high = luaL_checkinteger(L, (int)bounds);
	lua_Number step = floor(r * ((lua_Number)high - (lua_Number)low + 1.0));
	lua_Integer value = low + (lua_Integer)step;
	lua_pushinteger(L, value > high ? high : value);
	return 1;
}

int value_random(lua_State *L)
{
	int bounds = lua_gettop(L);
	if (bounds > 2)
		return luaL_error(L, "random takes at most two bounds");
	lua_Integer low = bounds == 2 ? luaL_checkinteger(L, 1) : 1;
	if (bounds > 0) {
		lua_Integer high = luaL_checkinteger(L, bounds);
		luaL_argcheck(L, low <= high, bounds, "the interval is empty");
		luaL_argcheck(L, (lua_Unsigned)high - (lua_Unsigned)low < (1ull << 53), bounds,
			"the interval is too large");
	}
	return twenty_suspend(L, "random", "", slice_of("{}"), bounds, answer_random);
}

/* units(amount): 12.5, "EUR". */
static int value_units(lua_State *L)
{
	if (lua_isnoneornil(L, 1))
		return 0;
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_getfield(L, 1, "amountMicros");
	int known;
	lua_Number micros = lua_tonumberx(L, 2, &known);
	if (known)
		lua_pushnumber(L, micros / MICROS);
	else
		lua_pushnil(L);
	lua_getfield(L, 1, "currencyCode");
	return 2;
}

/* money(12.5, "EUR"): an amount as Twenty keeps it. */
static int value_money(lua_State *L)
{
	lua_Number units = luaL_checknumber(L, 1);
	const char *currency = luaL_checkstring(L, 2);
	lua_Number micros = round(units * MICROS);
	if (!(fabs(micros) <= 9007199254740992.0))
		state_raise(L, "money: the amount is too large");
	lua_createtable(L, 0, 2);
	lua_pushinteger(L, (lua_Integer)micros);
	lua_setfield(L, -2, "amountMicros");
	lua_pushstring(L, currency);
	lua_setfield(L, -2, "currencyCode");
	return 1;
}

const luaL_Reg value_functions[] = {
	{"money", value_money},
	{"now", value_now},
	{"random", value_random},
	{"units", value_units},
	{NULL, NULL},
};
