/* SPDX-License-Identifier: MIT */
/*
 * Errors of rules as data.
 * From: run.c, rule.c. To: END, HEAD and WHEN frames. Reads the dead stack and raw fields only: no
 * metamethod of the rule runs and Lua allocates nothing, so it is safe when memory was the error.
 * Frames without line numbers (C, the prelude) are not told of.
 */
#include "runner/worker/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "runner/worker/binding.h"
#include "runner/worker/hint.h"
#include "runner/worker/json_text.h"

#define LEVELS_MAX 64 /* looked at */
#define FRAMES_MAX 16 /* told of */
#define MESSAGE_N 2048
#define FILE_N 64
#define NAME_N 64

static const char call_meta, call_names, kept_error, kept_thread; /* keys of the registry */

struct place {                           /* a frame of the rule's own code */
	char file[FILE_N], name[NAME_N]; /* name: of the function, "" where it has none */
	int line, from;                  /* from: where the function begins; 0: the file itself */
};

struct failure { /* what is told */
	const char *code;
	char message[MESSAGE_N];
	struct place places[FRAMES_MAX];
	char call[TRACE_CALL_N];
	char file[FILE_N];
	int line;
	int told_n; /* frames */
	bool has_status;
	long long status;
	bool retryable;
};

/* --- texts ----------------------------------------------------------------------------------- */

void trace_clean(struct slice bytes, char *ret_text, size_t size)
{
	size_t n = 0, i = 0;
	while (i < bytes.n && n + 5 < size) {
		unsigned char c = (unsigned char)bytes.p[i];
		size_t step = 1;
		if (c >= 0x80) {
			step = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
			bool c1 = c == 0xc2 && i + 1 < bytes.n &&
				  (unsigned char)bytes.p[i + 1] < 0xa0;
			struct slice sequence = {bytes.p + i, step};
			if (i + step > bytes.n || c1 || !json_text_utf8(sequence))
				step = 0;
		}
		if (step == 0 || c < 0x20 || c == 0x7f) {
			snprintf(ret_text + n, 5, "\\x%02x", c);
			n += 4;
			i++;
			continue;
		}
		memcpy(ret_text + n, bytes.p + i, step);
		n += step;
		i += step;
	}
	ret_text[n] = '\0';
}

/* --- places ---------------------------------------------------------------------------------- */

static bool is_rules(const lua_Debug *ar)
{
	return ar->currentline > 0;
}

static void take_place(const lua_Debug *ar, struct place *place)
{
	const char *name = ar->name != NULL ? ar->name : "";
	*place = (struct place){.line = ar->currentline};
	snprintf(place->file, sizeof(place->file), "%s", ar->short_src);
	trace_clean(slice_of(name), place->name, sizeof(place->name));
	if (strcmp(ar->what, "main") != 0)
		place->from = ar->linedefined;
}

static void read_stack(lua_State *L, struct failure *f)
{
	lua_Debug ar;
	for (int level = 0; level < LEVELS_MAX && lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sln", &ar);
		if (!is_rules(&ar))
			continue;
		if (f->told_n == 0) {
			snprintf(f->file, sizeof(f->file), "%s", ar.short_src);
			f->line = ar.currentline;
		}
		if (f->told_n < FRAMES_MAX)
			take_place(&ar, &f->places[f->told_n++]);
	}
}

void trace_keep(lua_State *L, bool passed_on)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_error);
	bool kept = passed_on && lua_rawequal(L, -1, -2);
	lua_pop(L, 1);
	if (!kept) {
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_error);
		lua_pushvalue(L, -2);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_thread);
	}
	lua_remove(L, -2);
}

/* The thread in which the error at the top came up, where that is not L; else NULL. */
static lua_State *find_thread(lua_State *L)
{
	lua_State *thread = NULL;
	if (lua_isnil(L, -1) || !lua_checkstack(L, 2))
		return NULL;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_error);
	if (lua_rawequal(L, -1, -2)) {
		lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_thread);
		thread = lua_tothread(L, -1);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return thread;
}

int trace_note(lua_State *L)
{
	struct state *state = state_of(L);
	lua_Debug ar;
	for (int level = 0; level < LEVELS_MAX && lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (is_rules(&ar)) {
			state_place(state, ar.short_src, ar.currentline);
			break;
		}
	}
	return 1;
}

/* --- what went wrong ------------------------------------------------------------------------- */

static void say(struct failure *f, const char *code, const char *text)
{
	f->code = code;
	if (f->line > 0)
		snprintf(f->message, sizeof(f->message), "%s:%d: %s", f->file, f->line, text);
	else
		snprintf(f->message, sizeof(f->message), "%s", text);
}

/* The length of "file:line: " at the start of text, 0 where it is not there; takes the line. */
static size_t read_place(const char *text, int *ret_line)
{
	const char *colon = strstr(text, ".lua:");
	if (colon == NULL || colon - text > 60)
		return 0;
	char *end;
	long line = strtol(colon + 5, &end, 10);
	if (end == colon + 5 || line <= 0 || line > 10000000 || end[0] != ':' || end[1] != ' ')
		return 0;
	*ret_line = (int)line;
	return (size_t)(end + 2 - text);
}

static void say_text(lua_State *L, struct failure *f)
{
	char text[MESSAGE_N - 100];
	struct slice raw;
	int line = 0;
	raw.p = lua_tolstring(L, -1, &raw.n);
	trace_clean(raw, text, sizeof(text));
	hint_put(text, sizeof(text));
	if (read_place(text, &line) > 0) {
		f->line = line;
		f->code = "rule";
		snprintf(f->message, sizeof(f->message), "%s", text);
		return;
	}
	say(f, "rule", text);
}

static bool is_call_error(lua_State *L)
{
	if (!lua_istable(L, -1) || !lua_checkstack(L, 6) || !lua_getmetatable(L, -1))
		return false;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &call_meta);
	bool same = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return same;
}

/* Takes one field of a call's error: the key below the top, the value at it. */
static void take_field(lua_State *L, struct failure *f, char code[64], char text[1024])
{
	struct slice value = {0};
	const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
	if (lua_type(L, -1) == LUA_TSTRING)
		value.p = lua_tolstring(L, -1, &value.n);
	if (strcmp(key, "code") == 0 && value.p != NULL)
		trace_clean(value, code, 64);
	else if (strcmp(key, "message") == 0 && value.p != NULL)
		trace_clean(value, text, 1024);
	else if (strcmp(key, "status") == 0 && lua_isinteger(L, -1))
		f->status = lua_tointeger(L, -1);
	else if (strcmp(key, "retryable") == 0)
		f->retryable = lua_toboolean(L, -1);
}

/* Which call it was that raised the table at the top. */
static void take_call(lua_State *L, struct failure *f)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &call_names) == LUA_TTABLE) {
		lua_pushvalue(L, -2);
		if (lua_rawget(L, -2) == LUA_TSTRING)
			snprintf(f->call, sizeof(f->call), "%s", lua_tostring(L, -1));
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static void say_call(lua_State *L, struct failure *f, char code[64])
{
	char text[1024] = "the call failed";
	f->has_status = true;
	take_call(L, f);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		take_field(L, f, code, text);
		lua_pop(L, 1);
	}
	say(f, code, text);
}

static void say_value(lua_State *L, struct failure *f)
{
	char text[128];
	int type = lua_type(L, -1);
	if (type == LUA_TNUMBER && lua_isinteger(L, -1))
		snprintf(text, sizeof(text), "%lld", (long long)lua_tointeger(L, -1));
	else if (type == LUA_TNUMBER)
		snprintf(text, sizeof(text), "%g", lua_tonumber(L, -1));
	else
		snprintf(text, sizeof(text), "the rule raised a %s, which says nothing",
			lua_typename(L, type));
	say(f, "rule", text);
}

static void say_memory(const struct state *state, struct failure *f)
{
	char text[96];
	if (state->arena.poor) {
		say(f, "nomem", "this worker is out of memory");
		return;
	}
	snprintf(
		text, sizeof(text), "out of memory, a run may use %zu kB", state->arena.max / 1024);
	say(f, "memory", text);
}

/* Decides what is told; code is room for the code of a call. */
static void read_failure(
	lua_State *L, int status, const char *limit, struct failure *f, char code[64])
{
	const struct state *state = state_of(L);
	enum state_end end = state->end;
	if (end == STATE_ALIVE && (status == LUA_ERRMEM || state->pressed))
		end = STATE_MEMORY;
	switch (end) {
	case STATE_CPU:
		say(f, "cpu", limit);
		return;
	case STATE_QUOTA:
		say(f, "quota", limit);
		return;
	case STATE_MEMORY:
		say_memory(state, f);
		return;
	case STATE_OUTCOME:
	case STATE_ALIVE:
		break;
	}
	if (is_call_error(L))
		say_call(L, f, code);
	else if (lua_type(L, -1) == LUA_TSTRING)
		say_text(L, f);
	else
		say_value(L, f);
}

static enum rc put_places(struct buf *out, const struct failure *f)
{
	enum rc rc = buf_put_text(out, ",\"frames\":[");
	for (int i = 0; i < f->told_n && rc == RC_OK; i++) {
		const struct place *place = &f->places[i];
		rc = buf_printf(out, "%s{\"file\":", i != 0 ? "," : "");
		if (rc == RC_OK)
			rc = json_text_put(out, slice_of(place->file));
		if (rc == RC_OK)
			rc = buf_printf(out, ",\"line\":%d,\"from\":%d,\"name\":", place->line,
				place->from);
		if (rc == RC_OK)
			rc = json_text_put(out, slice_of(place->name));
		if (rc == RC_OK)
			rc = buf_put_text(out, "}");
	}
	return rc == RC_OK ? buf_put_text(out, "]") : rc;
}

static enum rc put_member(struct buf *out, const char *name, const char *text)
{
	enum rc rc = buf_printf(out, "%s\"%s\":", strcmp(name, "code") == 0 ? "{" : ",", name);
	return rc == RC_OK ? json_text_put(out, slice_of(text)) : rc;
}

enum rc trace_put(struct buf *out, lua_State *L, int status, const char *limit)
{
	const struct state *state = state_of(L);
	char code[64] = "rule";
	struct failure f = {.line = state->line};
	memcpy(f.file, state->file, sizeof(f.file));
	lua_State *thread = find_thread(L);
	if (thread != NULL)
		read_stack(thread, &f);
	read_stack(L, &f);
	read_failure(L, status, limit, &f, code);
	enum rc rc = put_member(out, "code", f.code);
	if (rc == RC_OK)
		rc = put_member(out, "message", f.message);
	if (rc == RC_OK && f.line > 0)
		rc = buf_printf(out, ",\"line\":%d", f.line);
	if (rc == RC_OK)
		rc = put_places(out, &f);
	if (rc == RC_OK && f.call[0] != '\0')
		rc = put_member(out, "call", f.call);
	if (rc == RC_OK && f.has_status)
		rc = buf_printf(out, ",\"status\":%lld,\"retryable\":%s", f.status,
			f.retryable ? "true" : "false");
	return rc == RC_OK ? buf_put(out, "}", 1) : rc;
}

enum rc trace_put_plain(struct buf *out, const char *code, const char *message)
{
	enum rc rc = put_member(out, "code", code);
	if (rc == RC_OK)
		rc = put_member(out, "message", message);
	return rc == RC_OK ? buf_put(out, "}", 1) : rc;
}

/* --- the table that a failed call raises ----------------------------------------------------- */

static int call_error_text(lua_State *L)
{
	lua_pushliteral(L, "message");
	if (lua_rawget(L, 1) != LUA_TSTRING)
		lua_pushliteral(L, "the call failed");
	return 1;
}

/* "could not: " .. err */
static int call_error_join(lua_State *L)
{
	for (int i = 1; i <= 2; i++) {
		lua_pushcfunction(L, library_tostring);
		lua_pushvalue(L, i);
		lua_call(L, 1, 1);
	}
	lua_concat(L, 2);
	return 1;
}

/* Notes which call the table at the top is the error of, for as long as the table lives. */
static void note_call(lua_State *L, const char *call)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &call_names) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_createtable(L, 0, 1);
		lua_createtable(L, 0, 1);
		lua_pushliteral(L, "k");
		lua_setfield(L, -2, "__mode");
		lua_setmetatable(L, -2);
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &call_names);
	}
	lua_pushvalue(L, -2);
	lua_pushstring(L, call);
	lua_rawset(L, -3);
	lua_pop(L, 1);
}

void trace_mark_call(lua_State *L, const char *call)
{
	note_call(L, call);
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &call_meta) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_createtable(L, 0, 4);
		lua_pushcfunction(L, http_find_json);
		lua_setfield(L, -2, "__index");
		lua_pushcfunction(L, call_error_text);
		lua_setfield(L, -2, "__tostring");
		lua_pushcfunction(L, call_error_join);
		lua_setfield(L, -2, "__concat");
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &call_meta);
	}
	lua_setmetatable(L, -2);
}
