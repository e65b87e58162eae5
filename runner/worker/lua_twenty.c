/* SPDX-License-Identifier: MIT */
/*
 * The CRM as rules see it: twenty.<objects>, calls that suspend the run, records with short names.
 * From: rules, through prelude.lua. To: run.c, which sends the CALL and resumes the run here with
 * the answer. A failed call raises a table with .status .code .message .retryable. Knows no dialect
 * and no network; object names are checked for their letters only.
 */
#include <string.h>

#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/frame.h"
#include "runner/worker/kit.h"
#include "runner/worker/run.h"
#include "runner/worker/state.h"
#include "runner/worker/trace.h"

#define WORDS_MAX 32

static const char maker_mark, record_meta; /* keys of the registry */

/* --- calls ----------------------------------------------------------------------------------- */

int twenty_suspend(lua_State *L, const char *method, const char *object, struct slice args,
	lua_KContext ctx, lua_KFunction then)
{
	struct state *state = state_of(L);
	bool method_of = strcmp(object, "kv") != 0 && strcmp(object, "kv.shared") != 0;
	const char *dot = *object == '\0' ? "" : method_of ? ":" : ".";
	if (state->mode == STATE_HEAD)
		state_raise(
			L, "%s%s%s belongs into `run`, not beside the rules", object, dot, method);
	if (state->mode == STATE_WHEN)
		state_raise(L, "%s%s%s belongs into `run`: `when` and `key` see the event only",
			object, dot, method);
	if (state->co != L)
		state_raise(
			L, "%s%s%s belongs into `run`, not beside the rules", object, dot, method);
	if (!lua_isyieldable(L))
		state_raise(L,
			"%s%s%s cannot be called from within table.sort, string.gsub or tostring, "
			"nor while a module is read",
			object, dot, method);
	if (!worker_run_call(state->run, method, object, args))
		state_finish(L, STATE_QUOTA);
	return lua_yieldk(L, 0, ctx, then);
}

void twenty_push_answer(lua_State *L)
{
	struct worker_run *run = state_of(L)->run;
	if (run->answer_error.n == 0) {
		json_decode(L, run->answer, JSON_RECORDS, "the answer");
		return;
	}
	json_decode(L, run->answer_error, JSON_PLAIN, "the error");
	if (!lua_istable(L, -1))
		state_raise(L, "the call failed");
	trace_mark_call(L, run->at->call);
	lua_error(L);
}

static int answered(lua_State *L, int status, lua_KContext ctx)
{
	(void)status;
	(void)ctx;
	twenty_push_answer(L);
	return 1;
}

static bool name_valid(struct slice name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	return name.n > 0 && name.n <= FRAME_WORD_MAX && strlen(name.p) == name.n &&
	       (*name.p < '0' || *name.p > '9') && strspn(name.p, letters) == name.n;
}

/* call(method, object, args) */
static int call(lua_State *L)
{
	const char *method = luaL_checkstring(L, 1);
	struct slice name;
	const char *object = name.p = luaL_checklstring(L, 2, &name.n);
	if (!name_valid(name))
		state_raise(L, "twenty: \"%.64s\" is no object's name", object);
	struct buf *scratch = &state_of(L)->kit->scratch;
	char why[256];
	buf_clear(scratch);
	if (!json_encode(L, 3, JSON_CALL, scratch, why, sizeof(why)))
		state_raise(L, "twenty.%s:%s: %s", object, method, why);
	return twenty_suspend(L, method, object, buf_slice(scratch), 0, answered);
}

/* fail(text) */
static int fail(lua_State *L)
{
	state_raise(L, "%s", luaL_checkstring(L, 1));
}

/* nearest(word, words) */
static int nearest(lua_State *L)
{
	const char *words[WORDS_MAX + 1];
	const char *word = luaL_checkstring(L, 1);
	size_t n = 0;
	luaL_checktype(L, 2, LUA_TTABLE);
	luaL_checkstack(L, WORDS_MAX, NULL);
	while (n < WORDS_MAX && lua_rawgeti(L, 2, (lua_Integer)n + 1) == LUA_TSTRING)
		words[n++] = lua_tostring(L, -1);
	words[n] = NULL;
	lua_pushstring(L, conf_nearest(word, words));
	return 1;
}

/* piece(name) */
static int piece(lua_State *L)
{
	kit_load_piece(L, luaL_checkstring(L, 1));
	return 1;
}

/* --- twenty.<objects> ------------------------------------------------------------------------ */

/* Pushes the function of the prelude that makes objects, loading it the first time. */
static void push_maker(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &maker_mark) == LUA_TFUNCTION)
		return;
	lua_pop(L, 1);
	kit_load_piece(L, "");
	const lua_CFunction *stock = state_of(L)->kit->stock;
	const lua_CFunction primitives[] = {call, fail, nearest, piece, stock[KIT__G_type],
		order_next, order_pairs, stock[KIT__G_ipairs], stock[KIT__G_setmetatable],
		library_tostring, stock[KIT_table_concat], stock[KIT_table_sort]};
	luaL_checkstack(L, ARRAY_N(primitives), NULL);
	for (size_t i = 0; i < ARRAY_N(primitives); i++)
		lua_pushcfunction(L, primitives[i]);
	lua_call(L, ARRAY_N(primitives), 1);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &maker_mark);
}

/* __index of twenty: makes the object and keeps it. */
static int find_object(lua_State *L)
{
	struct slice name;
	if (lua_type(L, 2) != LUA_TSTRING)
		state_raise(L, "twenty: an object's name is a text");
	name.p = lua_tolstring(L, 2, &name.n);
	if (!name_valid(name))
		state_raise(L, "twenty: \"%.64s\" is no object's name, they are like twenty.people",
			name.p);
	push_maker(L);
	lua_pushvalue(L, 2);
	lua_call(L, 1, 1);
	lua_pushvalue(L, 2);
	lua_pushvalue(L, -2);
	lua_rawset(L, 1);
	return 1;
}

void twenty_furnish(lua_State *L)
{
	lua_createtable(L, 0, 2);
	lua_createtable(L, 0, 2);
	lua_pushcfunction(L, find_object);
	lua_setfield(L, -2, "__index");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_setglobal(L, "twenty");
}

/* --- records --------------------------------------------------------------------------------- */

/*
 * Short names go by the form of the record, so that they are the same for objects of one's own: the
 * part of the member that bears the standard name, or else of the only member that has such parts;
 * where several have them, there is no short name. A domain is in a link whose own name says domain
 * or website. Any other x is the link xLink or the rich text xV2.
 */
static const struct {
	const char *name, *standard, *part;
	const char *sibling; /* another part that tells the form */
} short_names[] = {
	{"email", "emails", "primaryEmail", "additionalEmails"},
	{"phone", "phones", "primaryPhoneNumber", "primaryPhoneCallingCode"},
	{"domain", "domainName", "primaryLinkUrl", "primaryLinkLabel"},
	{"firstName", "name", "firstName", "lastName"},
	{"lastName", "name", "lastName", "firstName"},
	{"street", "address", "addressStreet1", "addressCity"},
	{"street2", "address", "addressStreet2", "addressCity"},
	{"city", "address", "addressCity", "addressStreet1"},
	{"postcode", "address", "addressPostcode", "addressCity"},
	{"state", "address", "addressState", "addressCity"},
	{"country", "address", "addressCountry", "addressCity"},
	{"latitude", "address", "addressLat", "addressCity"},
	{"longitude", "address", "addressLng", "addressCity"},
};

/* Puts the calling code in front of the number at the top, the parts being at `whole`. */
static void complete_phone(lua_State *L, int whole)
{
	const char *number = lua_tostring(L, -1);
	if (number == NULL || *number == '\0' || *number == '+')
		return;
	lua_pushliteral(L, "primaryPhoneCallingCode");
	if (lua_rawget(L, whole) == LUA_TSTRING) {
		lua_insert(L, -2);
		lua_concat(L, 2);
		return;
	}
	lua_pop(L, 1);
}

/* Does the value at `whole` have such parts? What has an id is a record of its own. */
static bool has_parts(lua_State *L, int whole, size_t i)
{
	static const char id[] = "id";
	const char *const keys[] = {short_names[i].part, short_names[i].sibling, id};
	bool has[ARRAY_N(keys)] = {false};
	for (size_t k = 0; k < ARRAY_N(keys) && lua_istable(L, whole); k++) {
		lua_pushstring(L, keys[k]);
		has[k] = lua_rawget(L, whole) != LUA_TNIL;
		lua_pop(L, 1);
	}
	return (has[0] || has[1]) && !has[2];
}

/* Pushes the member of the record (at 1) that a short name is about, or nil. */
static void push_whole(lua_State *L, size_t i)
{
	bool domain = strcmp(short_names[i].name, "domain") == 0;
	int n = 0;
	lua_pushstring(L, short_names[i].standard);
	lua_rawget(L, 1);
	int found = lua_gettop(L);
	if (has_parts(L, found, i))
		return;
	for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
		if (!has_parts(L, lua_gettop(L), i) ||
			(domain && strcasestr(key, "domain") == NULL &&
				strcasestr(key, "website") == NULL))
			continue;
		lua_pushvalue(L, -1);
		lua_replace(L, found);
		n++;
	}
	if (n != 1) {
		lua_pushnil(L);
		lua_replace(L, found);
	}
}

/* Pushes the part of the member `name` + ending, or nil. */
static void push_ending(lua_State *L, const char *name, const char *ending, const char *part)
{
	lua_pushfstring(L, "%s%s", name, ending);
	if (lua_rawget(L, 1) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_pushnil(L);
		return;
	}
	lua_pushstring(L, part);
	lua_rawget(L, -2);
	lua_remove(L, -2);
}

/* __index of records: asked only for names that the record does not have itself. */
static int find_short(lua_State *L)
{
	const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
	size_t i = 0;
	while (i < ARRAY_N(short_names) && strcmp(short_names[i].name, name) != 0)
		i++;
	lua_settop(L, 2);
	if (i < ARRAY_N(short_names)) {
		push_whole(L, i);
		if (lua_istable(L, 3)) {
			lua_pushstring(L, short_names[i].part);
			lua_rawget(L, 3);
			if (strcmp(name, "phone") == 0)
				complete_phone(L, 3);
			return 1;
		}
	}
	if (strcmp(name, "email") == 0) { /* of a member of the workspace */
		lua_pushliteral(L, "userEmail");
		lua_rawget(L, 1);
		return 1;
	}
	if (strlen(name) > FRAME_WORD_MAX)
		return 0;
	push_ending(L, name, "Link", "primaryLinkUrl");
	if (lua_isnil(L, -1))
		push_ending(L, name, "V2", "markdown");
	return 1;
}

void record_mark(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &record_meta) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_createtable(L, 0, 2);
		lua_pushcfunction(L, find_short);
		lua_setfield(L, -2, "__index");
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &record_meta);
	}
	lua_setmetatable(L, -2);
}
