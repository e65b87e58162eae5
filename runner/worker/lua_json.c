/* SPDX-License-Identifier: MIT */
/*
 * JSON for rules: json.encode, decode, array, null; reading answers and events into tables.
 * From: rules; run.c and lua_twenty.c for everything that crosses the frame. What cannot be said in
 * JSON without changing it is refused with the path to it (record.amount). Reading: null in an
 * object reads as nil, in a list as json.null; lists remember that they are lists. Writing: `{}` is
 * an object, json.array() a list; keys are sorted, so that equal values give equal bytes.
 */
#include <stdio.h>

#include "runner/worker/binding.h"
#include "runner/worker/frame.h"
#include "runner/worker/json_text.h"
#include "runner/worker/kit.h"
#include "runner/worker/limit.h"
#include "runner/worker/order.h"
#include "runner/worker/state.h"

#define DEPTH 64                          /* levels that are written */
#define CALL_DEPTH (FRAME_DEPTH_MAX - 1)  /* the call itself is one */
#define CALL_MARKS (FRAME_MARKS_MAX - 16) /* the call itself has a few */
#define KEYS_LOCAL 32

/* Addresses that serve as values and keys of the registry. */
static const char null_mark, list_mark;

void json_push_null(lua_State *L)
{
	lua_pushlightuserdata(L, (void *)(uintptr_t)&null_mark);
}

bool json_is_null(lua_State *L, int index)
{
	return lua_type(L, index) == LUA_TLIGHTUSERDATA &&
	       lua_touserdata(L, index) == (const void *)&null_mark;
}

static void push_list_mark(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &list_mark) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_createtable(L, 0, 1);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &list_mark);
}

static bool is_marked(lua_State *L, int index)
{
	if (!lua_getmetatable(L, index))
		return false;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &list_mark);
	bool same = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return same;
}

/* --- reading --------------------------------------------------------------------------------- */

struct decoder {
	lua_State *L;
	struct json_text text;
	enum json_shape shape;
	int depth;
};

static bool read_value(struct decoder *d);

static bool read_string(struct decoder *d)
{
	struct slice raw;
	bool plain;
	if (!json_text_string(&d->text, &raw, &plain))
		return false;
	if (plain) {
		lua_pushlstring(d->L, raw.p, raw.n);
		return true;
	}
	luaL_Buffer b;
	char *to = luaL_buffinitsize(d->L, &b, raw.n);
	size_t n = json_text_unescape(raw, to);
	if (n == SIZE_MAX)
		return false;
	luaL_pushresultsize(&b, n);
	return true;
}

static bool read_number(struct decoder *d)
{
	struct json_text_number number;
	if (!json_text_number(&d->text, &number))
		return false;
	if (number.is_int)
		lua_pushinteger(d->L, number.i);
	else
		lua_pushnumber(d->L, number.f);
	return true;
}

/* Reads one member into the table at the top. */
static bool read_member(struct decoder *d)
{
	if (json_text_peek(&d->text) != JSON_TEXT_STRING || !read_string(d) ||
		!json_text_mark(&d->text, ':') || !read_value(d))
		return false;
	if (json_is_null(d->L, -1)) {
		lua_pop(d->L, 1);
		lua_pushnil(d->L);
	}
	lua_rawset(d->L, -3);
	return true;
}

static bool read_object(struct decoder *d)
{
	lua_createtable(d->L, 0, d->depth <= 2 ? 16 : 4);
	if (!json_text_mark(&d->text, '}')) {
		do {
			if (!read_member(d))
				return false;
		} while (json_text_mark(&d->text, ','));
		if (!json_text_mark(&d->text, '}'))
			return false;
	}
	if (d->shape == JSON_RECORDS) {
		lua_pushliteral(d->L, "id");
		bool record = lua_rawget(d->L, -2) == LUA_TSTRING;
		lua_pop(d->L, 1);
		if (record)
			record_mark(d->L);
	}
	return true;
}

static bool read_list(struct decoder *d)
{
	lua_newtable(d->L);
	push_list_mark(d->L);
	lua_setmetatable(d->L, -2);
	if (json_text_mark(&d->text, ']'))
		return true;
	lua_Integer n = 0;
	do {
		if (!read_value(d))
			return false;
		lua_rawseti(d->L, -2, ++n);
	} while (json_text_mark(&d->text, ','));
	return json_text_mark(&d->text, ']');
}

static bool read_nested(struct decoder *d, bool (*read)(struct decoder *))
{
	if (limit_passed()) /* the text is not to blame */
		state_finish(d->L, STATE_CPU);
	if (d->depth == JSON_TEXT_DEPTH)
		return false;
	luaL_checkstack(d->L, 8, "JSON");
	d->text.p++;
	d->depth++;
	bool ok = read(d);
	d->depth--;
	return ok;
}

static bool read_value(struct decoder *d)
{
	switch (json_text_peek(&d->text)) {
	case JSON_TEXT_OBJECT:
		return read_nested(d, read_object);
	case JSON_TEXT_LIST:
		return read_nested(d, read_list);
	case JSON_TEXT_STRING:
		return read_string(d);
	case JSON_TEXT_NUMBER:
		return read_number(d);
	case JSON_TEXT_TRUE:
		lua_pushboolean(d->L, 1);
		return json_text_word(&d->text, "true");
	case JSON_TEXT_FALSE:
		lua_pushboolean(d->L, 0);
		return json_text_word(&d->text, "false");
	case JSON_TEXT_NULL:
		json_push_null(d->L);
		return json_text_word(&d->text, "null");
	case JSON_TEXT_BAD:
		break;
	}
	return false;
}

void json_decode(lua_State *L, struct slice text, enum json_shape shape, const char *what)
{
	struct decoder d = {.L = L, .text = {text.p, text.p + text.n}, .shape = shape};
	if (!read_value(&d) || !json_text_end(&d.text)) {
		if (limit_passed()) /* it was not read to its end */
			state_finish(L, STATE_CPU);
		size_t at = (size_t)(d.text.p - text.p);
		state_raise(L, "%s: this is not JSON, at byte %zu", what, at + 1);
	}
	if (json_is_null(L, -1)) {
		lua_pop(L, 1);
		lua_pushnil(L);
	}
}

/* --- writing --------------------------------------------------------------------------------- */

struct step { /* one step of a path: a name, or where p is NULL a position */
	struct slice name;
	lua_Integer at;
};

struct encoder {
	lua_State *L;
	struct buf *out;
	enum json_use use;
	size_t marks;    /* braces, brackets, commas and colons so far */
	const char *why; /* what is wrong; STATIC */
	int depth;
	struct step path[DEPTH + 1];
	const void *tables[DEPTH + 1];
};

static bool wrong(struct encoder *e, const char *why)
{
	e->why = why;
	return false;
}

static bool put(struct encoder *e, const char *text, size_t n)
{
	return buf_put(e->out, text, n) == RC_OK || wrong(e, "too large");
}

static bool put_mark(struct encoder *e, char mark)
{
	if (++e->marks > CALL_MARKS && e->use == JSON_CALL)
		return wrong(e, "where the call gets too large: it may have 200000 braces, "
				"brackets, commas and colons");
	return put(e, &mark, 1);
}

static bool write_value(struct encoder *e, int index);

static bool write_text(struct encoder *e, struct slice text)
{
	if (!json_text_utf8(text))
		return wrong(e, "text that is not UTF-8");
	if (e->use == JSON_CALL && text.n != 0 && memchr(text.p, '\0', text.n) != NULL)
		return wrong(e, "text with a NUL byte, which Twenty cannot keep");
	return json_text_put(e->out, text) == RC_OK || wrong(e, "too large");
}

static bool write_number(struct encoder *e, int index)
{
	char text[40];
	if (lua_isinteger(e->L, index)) {
		int n = snprintf(text, sizeof(text), "%lld", (long long)lua_tointeger(e->L, index));
		return put(e, text, (size_t)n);
	}
	lua_Number number = lua_tonumber(e->L, index);
	if (!json_text_format(number, text, sizeof(text)))
		return wrong(e, number != number ? "not a number (NaN), which JSON cannot say"
						 : "infinite, which JSON cannot say");
	return put(e, text, strlen(text));
}

struct census { /* the keys of a table, counted */
	size_t texts, positions, others;
	lua_Integer last;
};

static struct census count_keys(lua_State *L, int index)
{
	struct census c = {0};
	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pop(L, 1);
		if (lua_type(L, -1) == LUA_TSTRING) {
			c.texts++;
		} else if (lua_isinteger(L, -1) && lua_tointeger(L, -1) > 0) {
			c.positions++;
			if (lua_tointeger(L, -1) > c.last)
				c.last = lua_tointeger(L, -1);
		} else {
			c.others++;
		}
	}
	return c;
}

static bool write_list(struct encoder *e, int index, lua_Integer n)
{
	if (!put_mark(e, '['))
		return false;
	for (lua_Integer i = 1; i <= n; i++) {
		e->path[e->depth - 1] = (struct step){.at = i};
		if (i > 1 && !put_mark(e, ','))
			return false;
		lua_rawgeti(e->L, index, i);
		if (!write_value(e, lua_gettop(e->L)))
			return false;
		lua_pop(e->L, 1);
	}
	return put_mark(e, ']');
}

static void collect_keys(lua_State *L, int index, struct order_key *keys)
{
	size_t n = 0;
	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pop(L, 1);
		keys[n++] = order_key_of(L, -1);
	}
	order_sort(keys, n);
}

static bool write_members(struct encoder *e, int index, const struct order_key *keys, size_t keys_n)
{
	for (size_t i = 0; i < keys_n; i++) {
		struct slice name = keys[i].as.text;
		e->path[e->depth - 1] = (struct step){.name = name};
		if ((i > 0 && !put_mark(e, ',')) || !write_text(e, name) || !put_mark(e, ':'))
			return false;
		lua_pushlstring(e->L, name.p, name.n);
		lua_rawget(e->L, index);
		if (!write_value(e, lua_gettop(e->L)))
			return false;
		lua_pop(e->L, 1);
	}
	return true;
}

static bool write_object(struct encoder *e, int index, size_t keys_n)
{
	struct order_key local[KEYS_LOCAL], *keys = local;
	if (keys_n > KEYS_LOCAL)
		keys = lua_newuserdatauv(e->L, keys_n * sizeof(*keys), 0);
	else
		lua_pushnil(e->L);
	collect_keys(e->L, index, keys);
	if (!put_mark(e, '{') || !write_members(e, index, keys, keys_n))
		return false;
	lua_pop(e->L, 1);
	return put_mark(e, '}');
}

static bool enter_table(struct encoder *e, int index)
{
	const void *table = lua_topointer(e->L, index);
	for (int i = 0; i < e->depth; i++)
		if (e->tables[i] == table)
			return wrong(e, "a table that contains itself");
	if (limit_passed())
		state_finish(e->L, STATE_CPU);
	if (e->use == JSON_CALL && e->depth == CALL_DEPTH)
		return wrong(e, "deeper than 63 levels, more than a call may have");
	if (e->depth == DEPTH)
		return wrong(e, "deeper than 64 levels");
	luaL_checkstack(e->L, 8, "JSON");
	e->tables[e->depth++] = table;
	return true;
}

static bool write_table(struct encoder *e, int index)
{
	if (!enter_table(e, index))
		return false;
	struct census c = count_keys(e->L, index);
	bool list = c.positions > 0 || is_marked(e->L, index);
	bool ok;
	e->depth--; /* what is wrong with the keys is said of the table, not of a member */
	if (c.others > 0)
		return wrong(e, "a table with a key that is neither text nor position");
	if (list && c.texts > 0)
		return wrong(e, "a table with both positions and names as keys");
	if ((size_t)c.last != c.positions)
		return wrong(e, "a list with holes");
	e->depth++;
	ok = list ? write_list(e, index, c.last) : write_object(e, index, c.texts);
	if (ok)
		e->depth--;
	return ok;
}

/* With its marks, between quotes. */
static bool write_secret(struct encoder *e, struct slice parts)
{
	if (e->use != JSON_SECRETS)
		return wrong(e, "a secret, which goes into headers, the body or the url of an http "
				"call only");
	return put(e, "\"", 1) && put(e, parts.p, parts.n) && put(e, "\"", 1);
}

static bool write_value(struct encoder *e, int index)
{
	struct slice text;
	switch (lua_type(e->L, index)) {
	case LUA_TNIL:
		return put(e, "null", 4);
	case LUA_TBOOLEAN:
		return lua_toboolean(e->L, index) ? put(e, "true", 4) : put(e, "false", 5);
	case LUA_TNUMBER:
		return write_number(e, index);
	case LUA_TSTRING:
		text.p = lua_tolstring(e->L, index, &text.n);
		return write_text(e, text);
	case LUA_TTABLE:
		return write_table(e, index);
	case LUA_TFUNCTION:
		return wrong(e, "a function, which JSON cannot say");
	default:
		if (json_is_null(e->L, index))
			return put(e, "null", 4);
		if (secret_parts(e->L, index, &text))
			return write_secret(e, text);
		return wrong(e, "a value that JSON cannot say");
	}
}

/* "data.emails[2]: why", cut where it is too long. */
static void say_why(const struct encoder *e, char *ret_why, size_t why_size)
{
	size_t n = 0;
	for (int i = 0; i < e->depth && n < why_size; i++) {
		const struct step *step = &e->path[i];
		int w;
		if (step->name.p == NULL)
			w = snprintf(ret_why + n, why_size - n, "[%lld]", (long long)step->at);
		else
			w = snprintf(ret_why + n, why_size - n, "%s%.*s", i > 0 ? "." : "",
				step->name.n < 64 ? (int)step->name.n : 64, step->name.p);
		n += w > 0 ? (size_t)w : 0;
	}
	if (n < why_size)
		snprintf(ret_why + n, why_size - n, "%s is %s", n == 0 ? "the value" : "", e->why);
}

bool json_encode(
	lua_State *L, int index, enum json_use use, struct buf *out, char *ret_why, size_t why_size)
{
	struct encoder e = {.L = L, .out = out, .use = use};
	int top = lua_gettop(L);
	size_t before = out->n;
	luaL_checkstack(L, 8, "JSON");
	bool ok = write_value(&e, lua_absindex(L, index));
	lua_settop(L, top);
	if (ok)
		return true;
	say_why(&e, ret_why, why_size);
	out->n = before;
	return false;
}

/* --- what rules call ------------------------------------------------------------------------- */

static int call_encode(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_settop(L, 1);
	struct buf *out = &state_of(L)->kit->scratch;
	char why[256];
	buf_clear(out);
	if (!json_encode(L, 1, JSON_ANY, out, why, sizeof(why)))
		state_raise(L, "json.encode: %s", why);
	lua_pushlstring(L, out->p, out->n);
	return 1;
}

static int call_decode(lua_State *L)
{
	struct slice text;
	text.p = luaL_checklstring(L, 1, &text.n);
	json_decode(L, text, JSON_PLAIN, "json.decode");
	return 1;
}

static int call_array(lua_State *L)
{
	lua_settop(L, 1);
	if (lua_isnil(L, 1)) {
		lua_newtable(L);
		lua_replace(L, 1);
	}
	luaL_checktype(L, 1, LUA_TTABLE);
	if (is_marked(L, 1))
		return 1;
	if (lua_getmetatable(L, 1))
		return luaL_error(L, "json.array: the table has a metatable already");
	push_list_mark(L);
	lua_setmetatable(L, 1);
	return 1;
}

const luaL_Reg json_functions[] = {
	{"array", call_array},
	{"decode", call_decode},
	{"encode", call_encode},
	{NULL, NULL},
};
