/* SPDX-License-Identifier: MIT */
/*
 * secret "NAME": a value that the rule may pass on and cannot see.
 * From: rules. To: lua_http.c, which sends the names on; the runner puts the values in. A secret
 * that texts were put around is one, too: its user value is the text as JSON writes it between
 * quotes, with SECRET_MARK NAME SECRET_MARK for each secret in it. The mark is a byte that JSON
 * never has, so no text that a rule was given can look like a secret. Fails by raising.
 */
#include <ctype.h>
#include <string.h>

#include "runner/worker/binding.h"
#include "runner/worker/json_text.h"
#include "runner/worker/kit.h"
#include "runner/worker/state.h"

#define NAME_MAX_N 63

static const char secret_meta; /* key of the registry */

bool secret_parts(lua_State *L, int index, struct slice *ret_parts)
{
	if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
		return false;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &secret_meta);
	bool is = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	if (!is)
		return false;
	lua_getiuservalue(L, index, 1);
	ret_parts->p = lua_tolstring(L, -1, &ret_parts->n);
	lua_pop(L, 1); /* the secret holds it */
	return true;
}

bool secret_is(lua_State *L, int index)
{
	struct slice parts;
	return secret_parts(L, index, &parts);
}

/* The first name in it. */
static struct slice name_of(struct slice parts)
{
	const char *at = memchr(parts.p, SECRET_MARK, parts.n);
	const char *name = at + 1;
	const char *end = memchr(name, SECRET_MARK, parts.n - (size_t)(name - parts.p));
	return (struct slice){name, (size_t)(end - name)};
}

void secret_push_name(lua_State *L, struct slice parts)
{
	struct slice name = name_of(parts);
	lua_pushliteral(L, "secret ");
	lua_pushlstring(L, name.p, name.n);
	lua_concat(L, 2);
}

static int secret_text(lua_State *L)
{
	struct slice parts;
	if (!secret_parts(L, 1, &parts))
		state_raise(L, "this is no secret");
	secret_push_name(L, parts);
	return 1;
}

/* Makes a secret of the parts at the top, in their place. */
static void push_secret(lua_State *L);

/* Pushes the value at index as parts. */
static void push_parts(lua_State *L, int index)
{
	struct slice text;
	struct buf *scratch = &state_of(L)->kit->scratch;
	if (secret_parts(L, index, &text)) {
		lua_pushlstring(L, text.p, text.n);
		return;
	}
	if (lua_type(L, index) != LUA_TSTRING && lua_type(L, index) != LUA_TNUMBER)
		state_raise(L, "a %s cannot be put beside a secret", luaL_typename(L, index));
	lua_pushvalue(L, index);
	text.p = lua_tolstring(L, -1, &text.n);
	buf_clear(scratch);
	if (!json_text_utf8(text))
		state_raise(L, "text that is not UTF-8 cannot be put beside a secret");
	if (json_text_put(scratch, text) != RC_OK)
		state_raise(L, "a text is too large to be put beside a secret");
	lua_pushlstring(L, scratch->p + 1, scratch->n - 2);
	lua_remove(L, -2);
}

static int secret_join(lua_State *L)
{
	push_parts(L, 1);
	push_parts(L, 2);
	lua_concat(L, 2);
	push_secret(L);
	return 1;
}

static int secret_look(lua_State *L)
{
	struct slice parts;
	if (!secret_parts(L, 1, &parts))
		return 0;
	secret_push_name(L, parts);
	state_raise(L,
		"%s cannot be looked into: it goes into headers, the body or the url of an "
		"http call as it is",
		lua_tostring(L, -1));
}

static void push_secret(lua_State *L)
{
	lua_newuserdatauv(L, 0, 1);
	lua_insert(L, -2);
	lua_setiuservalue(L, -2, 1);
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &secret_meta) != LUA_TTABLE) {
		static const luaL_Reg meta[] = {{"__tostring", secret_text},
			{"__concat", secret_join}, {"__index", secret_look}, {NULL, NULL}};
		lua_pop(L, 1);
		lua_createtable(L, 0, 5);
		luaL_setfuncs(L, meta, 0);
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &secret_meta);
	}
	lua_setmetatable(L, -2);
}

static int make_secret(lua_State *L)
{
	size_t n;
	if (lua_type(L, 1) != LUA_TSTRING)
		state_raise(L, "write secret \"NAME\", with a name of `secrets` in the "
			       "configuration");
	const char *name = lua_tolstring(L, 1, &n);
	bool valid = n > 0 && n <= NAME_MAX_N && !isdigit((unsigned char)name[0]);
	for (size_t i = 0; i < n && valid; i++)
		valid = isalnum((unsigned char)name[i]) || name[i] == '_';
	if (!valid)
		state_raise(L, "secret \"%.60s\": a name has letters, digits and _ only", name);
	lua_pushfstring(L, "%c%s%c", SECRET_MARK, name, SECRET_MARK);
	push_secret(L);
	return 1;
}

const luaL_Reg secret_functions[] = {
	{"secret", make_secret},
	{NULL, NULL},
};
