/* SPDX-License-Identifier: MIT */
/*
 * Predicates of a rule's head: changed, has, is, and the groups all, any, none of such and of
 * functions.
 * From: a file's chunk, in every state that is made of it. To: head.c, which sends them to the
 * runner as the data that they are (runner/predicate.h); nothing is decided here, but what a
 * function says (predicate_rest). A predicate is a userdata that holds its JSON, so that a rule
 * cannot change one. Functions in groups are numbered as the file comes to them: the same in every
 * state. Wrong use raises with the line of the call.
 */
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/json_text.h"
#include "runner/worker/kit.h"
#include "runner/worker/state.h"

#define FIELDS_MAX 64
#define FIELD_BYTES_MAX 120
#define PARTS_MAX 8    /* of a path */
#define MEMBERS_MAX 64 /* of a group */
#define FUNCTIONS_MAX 1000
#define TEXT_MAX (64u << 10) /* of one predicate */

static const char name[] = "predicate"; /* of the metatable, in the registry */
static const char functions_mark;       /* key of the registry: their list */

/* --- a predicate as a value ------------------------------------------------------------------- */

const char *predicate_text(lua_State *L, int index)
{
	return luaL_testudata(L, index, name);
}

void predicate_begin(lua_State *L, const char *example, const char *instead)
{
	size_t n = strcspn(example, " ");
	if (state_of(L)->declared)
		state_raise(L,
			"%.*s is what `when` of a rule may be, as in when = %s; within a function, "
			"look at %s",
			(int)n, example, example, instead);
}

struct buf *predicate_text_begin(lua_State *L)
{
	struct buf *out = &state_of(L)->kit->scratch;
	buf_clear(out);
	return out;
}

static void check(lua_State *L, enum rc rc)
{
	if (rc != RC_OK)
		state_raise(L, "a predicate: %s", rc_text(rc));
}

void predicate_put_value(lua_State *L, int index, struct buf *out)
{
	char why[200];
	if (!json_encode(L, index, JSON_CALL, out, why, sizeof(why)))
		state_raise(L, "%s", why);
}

int predicate_push(lua_State *L, const struct buf *text)
{
	if (text->n > TEXT_MAX)
		state_raise(L, "a predicate has more than %u kB", TEXT_MAX >> 10);
	char *copy = lua_newuserdatauv(L, text->n + 1, 0);
	memcpy(copy, text->p, text->n + 1);
	if (luaL_newmetatable(L, name)) {
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
	}
	lua_setmetatable(L, -2);
	return 1;
}

/* --- fields ----------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* "stage", "emails.primaryEmail" */
static bool is_path(const char *text, size_t n)
{
	bool begins = true;
	int parts = 1;
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '.') {
			if (begins || ++parts > PARTS_MAX)
				return false;
			begins = true;
		} else if (is_letter(text[i]) || (!begins && text[i] >= '0' && text[i] <= '9')) {
			begins = false;
		} else {
			return false;
		}
	}
	return !begins && n <= FIELD_BYTES_MAX;
}

const char *predicate_check_field(lua_State *L, int index, const char *kind)
{
	size_t n;
	if (lua_type(L, index) != LUA_TSTRING)
		state_raise(L, "%s: a field is a text like \"stage\", not a %s", kind,
			luaL_typename(L, index));
	const char *field = lua_tolstring(L, index, &n);
	if (!is_path(field, n))
		state_raise(L,
			"%s: \"%.60s\" is no name of a field, nor a path such as "
			"\"emails.primaryEmail\"",
			kind, field);
	return field;
}

/* --- has -------------------------------------------------------------------------------------- */

/* Keys that are no positions: has { email = true }. */
static void check_list(lua_State *L, int index, const char *what, const char *example)
{
	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pop(L, 1);
		if (!lua_isinteger(L, -1))
			state_raise(L, "%s takes a list, as in %s", what, example);
	}
}

static int predicate_has(lua_State *L)
{
	predicate_begin(L, "has { \"email\" }", "event.record");
	if (lua_gettop(L) != 1 || (!lua_istable(L, 1) && lua_type(L, 1) != LUA_TSTRING))
		state_raise(L, "has: name the fields that have a value, as in has { \"email\" }");
	if (!lua_istable(L, 1)) {
		lua_createtable(L, 1, 0);
		lua_insert(L, 1);
		lua_rawseti(L, 1, 1);
	}
	check_list(L, 1, "has", "has { \"email\", \"phone\" }");
	lua_Unsigned n = lua_rawlen(L, 1);
	if (n == 0 || n > FIELDS_MAX)
		state_raise(L, "has: a list has 1 to %d fields", FIELDS_MAX);
	struct buf *out = predicate_text_begin(L);
	check(L, buf_put_text(out, "{\"has\":["));
	for (lua_Unsigned i = 1; i <= n; i++) {
		lua_rawgeti(L, 1, (lua_Integer)i);
		struct slice field = slice_of(predicate_check_field(L, -1, "has"));
		check(L, i > 1 ? buf_put(out, ",", 1) : RC_OK);
		check(L, json_text_put(out, field));
		lua_pop(L, 1);
	}
	check(L, buf_put_text(out, "]}"));
	return predicate_push(L, out);
}

/* --- is --------------------------------------------------------------------------------------- */

/* What its comparisons mean the runner checks, with the words that `where` is told in. */
static int predicate_is(lua_State *L)
{
	predicate_begin(L, "is { stage = \"NEW\" }", "event.record");
	if (lua_gettop(L) == 1 && predicate_text(L, 1) != NULL)
		state_raise(L, "is takes a condition, is { stage = \"NEW\" }; changed and the like "
			       "stand by themselves, or in all { .. }");
	if (lua_gettop(L) != 1 || !lua_istable(L, 1))
		state_raise(L, "is: write a condition on the record, as in is { stage = \"NEW\" }");
	lua_pushnil(L);
	if (!lua_next(L, 1))
		state_raise(L, "is: the condition is empty, which every record meets");
	lua_settop(L, 1);
	lua_createtable(L, 0, 1);
	lua_insert(L, 1);
	lua_setfield(L, 1, "is");
	struct buf *out = predicate_text_begin(L);
	predicate_put_value(L, 1, out);
	return predicate_push(L, out);
}

/* --- groups ----------------------------------------------------------------------------------- */

/* Pushes the list of functions that stand in groups. */
static void push_functions(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_mark) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &functions_mark);
}

/* Gives the function at the top a number. */
static lua_Integer number_function(lua_State *L)
{
	push_functions(L);
	lua_Integer n = (lua_Integer)lua_rawlen(L, -1) + 1;
	if (n > FUNCTIONS_MAX)
		state_raise(L, "more than %d functions in predicates of one file", FUNCTIONS_MAX);
	lua_pushvalue(L, -2);
	lua_rawseti(L, -2, n);
	lua_pop(L, 1);
	return n;
}

/* Writes the member at the top. */
static void put_member(lua_State *L, const char *group, struct buf *out)
{
	const char *text = predicate_text(L, -1);
	if (text != NULL)
		check(L, buf_put_text(out, text));
	else if (lua_isfunction(L, -1))
		check(L, buf_printf(out, "{\"ask\":%d}", (int)number_function(L)));
	else if (lua_type(L, -1) == LUA_TSTRING)
		state_raise(L, "%s: \"%.60s\": write changed \"%.60s\" or has { \"%.60s\" }", group,
			lua_tostring(L, -1), lua_tostring(L, -1), lua_tostring(L, -1));
	else if (lua_istable(L, -1))
		state_raise(L, "%s: a condition on the record is written is { .. }", group);
	else
		state_raise(L, "%s: a member is a predicate or a function of the event, not a %s",
			group, luaL_typename(L, -1));
}

/* all { stage = "NEW" } */
static void check_members(lua_State *L, const char *group)
{
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		lua_pop(L, 1);
		if (lua_type(L, -1) == LUA_TSTRING)
			state_raise(L,
				"%s takes a list of predicates; a condition on the record is "
				"written is { %.60s = .. }",
				group, lua_tostring(L, -1));
	}
}

static int group(lua_State *L, const char *kind)
{
	char example[80];
	snprintf(example, sizeof(example), "%s { changed \"stage\", has { \"email\" } }", kind);
	predicate_begin(L, example, "the event");
	if (lua_gettop(L) != 1 || !lua_istable(L, 1))
		state_raise(L, "%s takes a list of predicates, as in %s", kind, example);
	check_members(L, kind);
	lua_Unsigned n = lua_rawlen(L, 1);
	if (n == 0 || n > MEMBERS_MAX)
		state_raise(L, "%s: a list has 1 to %d predicates", kind, MEMBERS_MAX);
	struct buf *out = predicate_text_begin(L);
	check(L, buf_printf(out, "{\"%s\":[", kind));
	for (lua_Unsigned i = 1; i <= n; i++) {
		lua_rawgeti(L, 1, (lua_Integer)i);
		check(L, i > 1 ? buf_put(out, ",", 1) : RC_OK);
		put_member(L, kind, out);
		lua_pop(L, 1);
	}
	check(L, buf_put_text(out, "]}"));
	return predicate_push(L, out);
}

static int predicate_all(lua_State *L)
{
	return group(L, "all");
}

static int predicate_any(lua_State *L)
{
	return group(L, "any");
}

static int predicate_none(lua_State *L)
{
	return group(L, "none");
}

/* --- what functions say ----------------------------------------------------------------------- */

struct rest {
	lua_State *L;
	struct json_text at;
	struct slice event;
};

enum said { SAID_NO, SAID_YES, SAID_UNSURE };

static noreturn_ void no_rest(lua_State *L)
{
	luaL_error(L, "what is left of a predicate is none");
	__builtin_unreachable();
}

/* {"ask":n}; the cursor is behind the colon. */
static enum said ask_function(struct rest *r, bool wanted)
{
	struct json_text_number n;
	if (!json_text_number(&r->at, &n) || !n.is_int)
		no_rest(r->L);
	if (!wanted)
		return SAID_UNSURE;
	push_functions(r->L);
	if (lua_rawgeti(r->L, -1, n.i) != LUA_TFUNCTION)
		luaL_error(r->L, "a function of `when` is not there any more: what a file declares "
				 "must be the same each time");
	json_decode(r->L, r->event, JSON_RECORDS, "the event");
	lua_call(r->L, 1, 1);
	bool yes = lua_toboolean(r->L, -1);
	lua_pop(r->L, 2);
	return yes ? SAID_YES : SAID_NO;
}

/* Reads one value, and where it is wanted decides it. */
static enum said say(struct rest *r, bool wanted);

static enum said say_group(struct rest *r, struct slice kind, bool wanted)
{
	enum said settled = slice_equal(kind, slice_of("all")) ? SAID_NO : SAID_YES;
	enum said answer = settled == SAID_NO ? SAID_YES : SAID_NO;
	if (!json_text_mark(&r->at, '['))
		no_rest(r->L);
	do {
		enum said one = say(r, wanted);
		if (one == settled)
			wanted = false; /* the others are read over */
		if (one == settled || (one == SAID_UNSURE && answer != settled))
			answer = one;
	} while (json_text_mark(&r->at, ','));
	if (!json_text_mark(&r->at, ']'))
		no_rest(r->L);
	if (answer == SAID_UNSURE || !slice_equal(kind, slice_of("none")))
		return answer;
	return answer == SAID_YES ? SAID_NO : SAID_YES;
}

static enum said say(struct rest *r, bool wanted)
{
	struct slice kind;
	bool plain;
	if (json_text_peek(&r->at) == JSON_TEXT_NULL && json_text_word(&r->at, "null"))
		return SAID_UNSURE;
	luaL_checkstack(r->L, 8, NULL);
	if (!json_text_mark(&r->at, '{') || json_text_peek(&r->at) != JSON_TEXT_STRING ||
		!json_text_string(&r->at, &kind, &plain) || !json_text_mark(&r->at, ':'))
		no_rest(r->L);
	enum said answer = slice_equal(kind, slice_of("ask")) ? ask_function(r, wanted)
							      : say_group(r, kind, wanted);
	if (!json_text_mark(&r->at, '}'))
		no_rest(r->L);
	return answer;
}

bool predicate_rest(lua_State *L, struct slice rest, struct slice event)
{
	struct rest r = {.L = L, .at = {rest.p, rest.p + rest.n}, .event = event};
	return say(&r, true) == SAID_YES;
}

const luaL_Reg predicate_functions[] = {
	{"changed", changed_call},
	{"has", predicate_has},
	{"is", predicate_is},
	{"all", predicate_all},
	{"any", predicate_any},
	{"none", predicate_none},
	{NULL, NULL},
};
