/* SPDX-License-Identifier: MIT */
/*
 * changed "stage", changed { "email", "phone" }, changed { stage = { from = "NEW", to = "WON" } }.
 * From: a file's chunk. To: lua_predicate.c, which makes a predicate of the data:
 *
 *   {"changed":{"<field>":{"from":[scalar,..],"to":[scalar,..]},..}}
 *
 * where either list may be absent. Wrong use raises with the line of the call.
 */
#include <string.h>

#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/state.h"

#define FIELDS_MAX 64
#define VALUES_MAX 64 /* of one from or to */
#define TEXT_BYTES_MAX 1000

static const char *const sides[] = {"from", "to", NULL};

/* --- values ----------------------------------------------------------------------------------- */

/* The value at the top is one that a field can be compared with. */
static void check_value(lua_State *L, const char *field, const char *side)
{
	size_t n = 0;
	int type = lua_type(L, -1);
	if (type == LUA_TSTRING)
		lua_tolstring(L, -1, &n);
	if (n > TEXT_BYTES_MAX)
		state_raise(L, "changed: %s.%s: a text has at most %d bytes", field, side,
			TEXT_BYTES_MAX);
	if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN &&
		!json_is_null(L, -1))
		state_raise(L,
			"changed: %s.%s is a text, a number, true, false or json.null, or a "
			"list of such, not a %s",
			field, side, lua_typename(L, type));
}

/* Replaces the value at the top, one or a list, by a checked list. */
static void take_values(lua_State *L, const char *field, const char *side)
{
	if (!lua_istable(L, -1)) {
		check_value(L, field, side);
		lua_createtable(L, 1, 0);
		lua_insert(L, -2);
		lua_rawseti(L, -2, 1);
		return;
	}
	lua_Unsigned n = lua_rawlen(L, -1);
	if (n == 0 || n > VALUES_MAX)
		state_raise(
			L, "changed: %s.%s: a list has 1 to %d values", field, side, VALUES_MAX);
	lua_createtable(L, (int)n, 0);
	for (lua_Unsigned i = 1; i <= n; i++) {
		lua_rawgeti(L, -2, (lua_Integer)i);
		check_value(L, field, side);
		lua_rawseti(L, -2, (lua_Integer)i);
	}
	lua_remove(L, -2);
}

static void check_sides(lua_State *L, int index, const char *field)
{
	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pop(L, 1);
		const char *side = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
		if (side == NULL)
			state_raise(L, "changed: write %s = { from = .., to = .. }", field);
		if (strcmp(side, "from") == 0 || strcmp(side, "to") == 0)
			continue;
		const char *near = conf_nearest(side, sides);
		if (near != NULL)
			state_raise(L, "changed: %s: unknown option '%.40s', did you mean '%s'?",
				field, side, near);
		state_raise(L, "changed: %s: unknown option '%.40s', there are from and to", field,
			side);
	}
}

/* Pushes {from = list, to = list} of the table at index. */
static void take_sides(lua_State *L, int index, const char *field)
{
	if (!lua_istable(L, index))
		state_raise(L, "changed: write %s = { to = .. }, or { from = .., to = .. }", field);
	check_sides(L, index, field);
	lua_createtable(L, 0, 2);
	int taken = 0;
	for (size_t i = 0; sides[i] != NULL; i++) {
		lua_pushstring(L, sides[i]);
		if (lua_rawget(L, index) == LUA_TNIL) {
			lua_pop(L, 1);
			continue;
		}
		take_values(L, field, sides[i]);
		lua_setfield(L, -2, sides[i]);
		taken++;
	}
	if (taken == 0)
		state_raise(L, "changed: %s says neither from nor to, write \"%s\"", field, field);
}

/* --- changed ---------------------------------------------------------------------------------- */

/* Sets the value at the top under field in the table at fields. */
static void add_field(lua_State *L, int fields, const char *field)
{
	lua_pushstring(L, field);
	if (lua_rawget(L, fields) != LUA_TNIL)
		state_raise(L, "changed: \"%s\" is named twice", field);
	lua_pop(L, 1);
	lua_pushstring(L, field);
	lua_insert(L, -2);
	lua_rawset(L, fields);
}

/* One member of the table: a position and a name, or a name and what it was and is. Key and value
 * are at the top, the value is taken. */
static void take_member(lua_State *L, int fields)
{
	int value = lua_gettop(L);
	if (lua_isinteger(L, value - 1)) {
		const char *field = predicate_check_field(L, value, "changed");
		lua_newtable(L);
		add_field(L, fields, field);
	} else {
		const char *field = predicate_check_field(L, value - 1, "changed");
		take_sides(L, value, field);
		add_field(L, fields, field);
	}
	lua_settop(L, value - 1);
}

static void take_fields(lua_State *L, int fields)
{
	int n = 0;
	if (lua_type(L, 1) == LUA_TSTRING) {
		const char *field = predicate_check_field(L, 1, "changed");
		lua_newtable(L);
		add_field(L, fields, field);
		return;
	}
	if (!lua_istable(L, 1))
		state_raise(L, "changed: name a field, as in changed \"stage\", or a list of them");
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		if (++n > FIELDS_MAX)
			state_raise(L, "changed: more than %d fields", FIELDS_MAX);
		take_member(L, fields);
	}
	if (n == 0)
		state_raise(L, "changed: the list is empty, name a field");
}

int changed_call(lua_State *L)
{
	predicate_begin(L, "changed \"stage\"", "event.fields and event.before");
	if (lua_gettop(L) > 1)
		state_raise(
			L, "changed: several fields are a list, changed { \"email\", \"phone\" }");
	lua_settop(L, 1);
	lua_newtable(L);
	lua_newtable(L);
	take_fields(L, 3);
	lua_settop(L, 3);
	lua_setfield(L, 2, "changed");
	struct buf *out = predicate_text_begin(L);
	predicate_put_value(L, 2, out);
	return predicate_push(L, out);
}
