/* SPDX-License-Identifier: MIT */
/*
 * http.get, post, put, patch, delete: arguments looked at, one CALL each, the answer with .json.
 * From: rules. To: run.c; client.h says the form of the arguments. Where a secret may not stand,
 * the error names the place. What the configuration allows is for the runner to say. A failed call
 * raises the error of any call, which has the answer's .headers .body .json besides.
 */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/branch.h"
#include "runner/worker/json_text.h"
#include "runner/worker/kit.h"
#include "runner/worker/run.h"
#include "runner/worker/state.h"
#include "runner/worker/trace.h"

#define URL 1
#define OPTIONS 2
#define BODY 3 /* where on the stack the body is put, ready: JSON text, or text */
#define TIMEOUT_MAX_MS 600000

/* --- answers -----------------------------------------------------------------------------------
 */

int http_find_json(lua_State *L)
{
	struct slice text;
	if (!lua_istable(L, 1) || lua_type(L, 2) != LUA_TSTRING ||
		strcmp(lua_tostring(L, 2), "json") != 0)
		return 0;
	lua_settop(L, 2);
	lua_pushliteral(L, "body");
	if (lua_rawget(L, 1) != LUA_TSTRING)
		return 0;
	text.p = lua_tolstring(L, 3, &text.n);
	if (!json_text_whole(text))
		return 0;
	json_decode(L, text, JSON_PLAIN, "the body");
	lua_pushvalue(L, -1);
	lua_setfield(L, 1, "json");
	return 1;
}

static void mark_answer(lua_State *L)
{
	static const char answer_meta; /* key of the registry */
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &answer_meta) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_createtable(L, 0, 2);
		lua_pushcfunction(L, http_find_json);
		lua_setfield(L, -2, "__index");
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &answer_meta);
	}
	lua_setmetatable(L, -2);
}

/* What was answered goes from its own table into the error's, at the top. */
static void spread_answer(lua_State *L)
{
	static const char *const names[] = {"headers", "body"};
	int error = lua_gettop(L);
	lua_getfield(L, error, "answer");
	for (size_t i = 0; lua_istable(L, error + 1) && i < ARRAY_N(names); i++) {
		lua_getfield(L, error + 1, names[i]);
		lua_setfield(L, error, names[i]);
	}
	lua_settop(L, error);
	lua_pushnil(L);
	lua_setfield(L, error, "answer");
}

static int answered(lua_State *L, int status, lua_KContext ctx)
{
	const struct worker_run *run = state_of(L)->run;
	(void)status, (void)ctx;
	if (run->answer_error.n == 0) {
		json_decode(L, run->answer, JSON_PLAIN, "the answer");
		if (lua_istable(L, -1))
			mark_answer(L);
		return 1;
	}
	json_decode(L, run->answer_error, JSON_PLAIN, "the error");
	if (!lua_istable(L, -1))
		state_raise(L, "the call failed");
	spread_answer(L);
	trace_mark_call(L, run->at->call);
	lua_error(L);
	return 0;
}

/* --- arguments ---------------------------------------------------------------------------------
 */

struct writer { /* the arguments as JSON, in the scratch */
	lua_State *L;
	const char *method;
	struct buf *out;
};

noreturn_ static void wrong(const struct writer *w, const char *what, const char *why)
{
	state_raise(w->L, "http.%s: %s %s", w->method, what, why);
}

static void put(const struct writer *w, const char *text, size_t n)
{
	if (buf_put(w->out, text, n) != RC_OK)
		wrong(w, "the request", "is too large");
}

static void put_text(const struct writer *w, const char *what, struct slice text)
{
	if (!json_text_utf8(text))
		wrong(w, what, "is text that is not UTF-8");
	if (text.n != 0 && memchr(text.p, '\0', text.n) != NULL)
		wrong(w, what, "is text with a NUL byte");
	if (json_text_put(w->out, text) != RC_OK)
		wrong(w, "the request", "is too large");
}

/* A piece of parts: it is what JSON has between quotes already, or it is text. */
enum form { FORM_QUOTED, FORM_TEXT };
static void put_piece(const struct writer *w, struct slice piece, enum form form)
{
	if (form == FORM_TEXT) {
		if (json_text_put(w->out, piece) != RC_OK)
			wrong(w, "the request", "is too large");
		return;
	}
	put(w, "\"", 1);
	put(w, piece.p, piece.n);
	put(w, "\"", 1);
}

/* Parts with marks in them, as a list. Of JSON text (FORM_TEXT) the values are escaped, too. */
static void put_parts(const struct writer *w, struct slice parts, enum form form)
{
	const char *sep = "[", *end = parts.p + parts.n;
	for (const char *at = parts.p; at < end;) {
		const char *mark = memchr(at, SECRET_MARK, (size_t)(end - at));
		size_t n = (size_t)((mark != NULL ? mark : end) - at);
		if (n > 0) {
			put(w, sep, 1);
			put_piece(w, (struct slice){at, n}, form);
			sep = ",";
		}
		if (mark == NULL)
			break;
		const char *name = mark + 1;
		const char *close = memchr(name, SECRET_MARK, (size_t)(end - name));
		put(w, sep, 1);
		put(w, "{\"secret\":\"", 11);
		put(w, name, (size_t)(close - name));
		put(w, "\"", 1);
		if (form == FORM_TEXT)
			put(w, ",\"json\":true", 12);
		put(w, "}", 1);
		sep = ",";
		at = close + 1;
	}
	put(w, "]", 1);
}

/* The value at index, which must be a text or a number, or a secret where that may stand. */
enum secrecy { OPEN, SECRET_TOO };
static void put_value(const struct writer *w, int index, const char *what, enum secrecy secrecy)
{
	struct slice text;
	lua_State *L = w->L;
	if (secret_parts(L, index, &text)) {
		if (secrecy == OPEN)
			wrong(w, what,
				"is a secret, which goes into headers, the body or the "
				"whole url only");
		put_parts(w, text, FORM_QUOTED);
		return;
	}
	if (lua_type(L, index) != LUA_TSTRING && lua_type(L, index) != LUA_TNUMBER &&
		lua_type(L, index) != LUA_TBOOLEAN)
		state_raise(L, "http.%s: %s must be a text, it is a %s", w->method, what,
			luaL_typename(L, index));
	if (lua_isboolean(L, index))
		lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
	else
		lua_pushvalue(L, index);
	text.p = lua_tolstring(L, -1, &text.n);
	put_text(w, what, text);
	lua_pop(L, 1);
}

/* A list of texts. */
static void put_list(const struct writer *w, int index, const char *what)
{
	lua_Integer n = (lua_Integer)lua_rawlen(w->L, index);
	if (n == 0)
		wrong(w, what, "must be a text, or a list of texts");
	for (lua_Integer i = 1; i <= n; i++) {
		put(w, i == 1 ? "[" : ",", 1);
		lua_rawgeti(w->L, index, i);
		put_value(w, lua_gettop(w->L), what, OPEN);
		lua_pop(w->L, 1);
	}
	put(w, "]", 1);
}

/* ,"headers":{..} of the option of that name. */
static void put_table(const struct writer *w, const char *name, enum secrecy secrecy)
{
	lua_State *L = w->L;
	char what[96];
	const char *sep = "{";
	lua_getfield(L, OPTIONS, name);
	int table = lua_gettop(L);
	if (lua_isnil(L, table)) {
		lua_pop(L, 1);
		return;
	}
	if (!lua_istable(L, table))
		wrong(w, name, "must be a table of names and texts");
	put(w, ",\"", 2);
	put(w, name, strlen(name));
	put(w, "\":", 2);
	lua_pushnil(L);
	while (lua_next(L, table)) {
		struct slice key;
		if (lua_type(L, -2) != LUA_TSTRING)
			wrong(w, name, "must have names as keys: { [\"X-Name\"] = \"text\" }");
		key.p = lua_tolstring(L, -2, &key.n);
		int n = snprintf(what, sizeof(what), "%s.", name);
		trace_clean(key, what + n, sizeof(what) - (size_t)n);
		put(w, sep, 1);
		put_text(w, what, key);
		put(w, ":", 1);
		if (secrecy == OPEN && lua_istable(L, -1))
			put_list(w, lua_gettop(L), what);
		else
			put_value(w, lua_gettop(L), what, secrecy);
		sep = ",";
		lua_pop(L, 1);
	}
	if (*sep == '{')
		put(w, "{", 1);
	put(w, "}", 1);
	lua_pop(L, 1);
}

static void put_body(const struct writer *w)
{
	struct slice text;
	lua_State *L = w->L;
	lua_getfield(L, OPTIONS, "json");
	bool json = !lua_isnil(L, -1);
	lua_pop(L, 1);
	if (lua_isnil(L, BODY))
		return;
	put(w, ",\"body\":", 8);
	if (!json) {
		put_value(w, BODY, "body", SECRET_TOO);
		return;
	}
	text.p = lua_tolstring(L, BODY, &text.n);
	if (memchr(text.p, SECRET_MARK, text.n) != NULL)
		put_parts(w, text, FORM_TEXT);
	else
		put_piece(w, text, FORM_TEXT);
	put(w, ",\"json\":true", 12);
}

/* timeout = "10s", ok = { 404 } */
static void put_rest(const struct writer *w)
{
	lua_State *L = w->L;
	char text[32];
	lua_getfield(L, OPTIONS, "timeout");
	if (!lua_isnil(L, -1)) {
		int64_t ms = lua_type(L, -1) == LUA_TSTRING
				     ? conf_parse_duration(lua_tostring(L, -1))
				     : -1;
		if (ms < 1 || ms > TIMEOUT_MAX_MS)
			wrong(w, "timeout", "must be a duration like \"10s\", 10 minutes at most");
		put(w, text,
			(size_t)snprintf(
				text, sizeof(text), ",\"timeout_ms\":%lld", (long long)ms));
	}
	lua_pop(L, 1);
	lua_getfield(L, OPTIONS, "ok");
	bool list = lua_istable(L, -1);
	lua_Integer n = list ? (lua_Integer)lua_rawlen(L, -1) : lua_isnil(L, -1) ? 0 : 1;
	for (lua_Integer i = 1; i <= n; i++) {
		int known;
		if (list)
			lua_rawgeti(L, -1, i);
		else
			lua_pushvalue(L, -1);
		lua_Integer status = lua_tointegerx(L, -1, &known);
		if (!known || status < 100 || status > 599)
			wrong(w, "ok", "must be a list of statuses: ok = { 404 }");
		lua_pop(L, 1);
		put(w, text,
			(size_t)snprintf(text, sizeof(text), "%s%d", i == 1 ? ",\"ok\":[" : ",",
				(int)status));
	}
	if (n > 0)
		put(w, "]", 1);
	lua_pop(L, 1);
}

static void check_options(const struct writer *w)
{
	static const char *const known[] = {
		"body", "headers", "json", "ok", "query", "timeout", NULL};
	lua_State *L = w->L;
	if (lua_isnil(L, OPTIONS)) {
		lua_newtable(L);
		lua_replace(L, OPTIONS);
	}
	if (!lua_istable(L, OPTIONS))
		state_raise(L, "http.%s: the options must be a table, it is a %s", w->method,
			luaL_typename(L, OPTIONS));
	for (lua_pushnil(L); lua_next(L, OPTIONS); lua_pop(L, 1)) {
		const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
		size_t i = 0;
		while (known[i] != NULL && strcmp(known[i], name) != 0)
			i++;
		if (known[i] != NULL)
			continue;
		const char *near = conf_nearest(name, known);
		if (near != NULL)
			state_raise(L, "http.%s: unknown option '%.60s', did you mean '%s'?",
				w->method, name, near);
		state_raise(L,
			"http.%s: unknown option '%.60s'; the options are query, headers, json, "
			"body, timeout, ok",
			w->method, name);
	}
}

/* Puts the body, ready, on the stack: nil where there is none. */
static void push_body(const struct writer *w)
{
	lua_State *L = w->L;
	char why[256];
	lua_getfield(L, OPTIONS, "body");
	lua_getfield(L, OPTIONS, "json");
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return;
	}
	if (!lua_isnil(L, -2))
		wrong(w, "body and json", "are two bodies, give one");
	buf_clear(w->out);
	if (!json_encode(L, -1, JSON_SECRETS, w->out, why, sizeof(why)))
		state_raise(L, "http.%s: json: %s", w->method, why);
	lua_pushlstring(L, w->out->p, w->out->n);
	lua_replace(L, BODY);
	lua_settop(L, BODY);
}

static void check_place(lua_State *L, const char *method)
{
	const struct state *state = state_of(L);
	if (state->mode == STATE_WHEN)
		state_raise(L, "http.%s belongs into `run`: `when` and `key` see the event only",
			method);
	if (state->mode == STATE_HEAD || state->co != L)
		state_raise(L, "http.%s belongs into `run`, not beside the rules", method);
}

static int call(lua_State *L, const char *method)
{
	struct writer w = {L, method, &state_of(L)->kit->scratch};
	check_place(L, method);
	lua_settop(L, OPTIONS);
	if (lua_type(L, URL) != LUA_TSTRING && !secret_is(L, URL))
		state_raise(L, "http.%s: the url must be a text, it is a %s", method,
			luaL_typename(L, URL));
	check_options(&w);
	push_body(&w);
	if (strcmp(method, "get") == 0 && !lua_isnil(L, BODY))
		wrong(&w, "a body", "goes with post, put, patch and delete; get has a query");
	buf_clear(w.out);
	put(&w, "{\"method\":\"", 11);
	put(&w, method, strlen(method));
	put(&w, "\",\"url\":", 8);
	put_value(&w, URL, "the url", SECRET_TOO);
	put_table(&w, "query", OPEN);
	put_table(&w, "headers", SECRET_TOO);
	put_body(&w);
	put_rest(&w);
	put(&w, "}", 1);
	return twenty_suspend(L, "http", "http", buf_slice(w.out), 0, answered);
}

static int http_get(lua_State *L)
{
	return call(L, "get");
}

static int http_post(lua_State *L)
{
	return call(L, "post");
}

static int http_put(lua_State *L)
{
	return call(L, "put");
}

static int http_patch(lua_State *L)
{
	return call(L, "patch");
}

static int http_delete(lua_State *L)
{
	return call(L, "delete");
}

const luaL_Reg http_functions[] = {
	{"delete", http_delete},
	{"get", http_get},
	{"patch", http_patch},
	{"post", http_post},
	{"put", http_put},
	{NULL, NULL},
};
