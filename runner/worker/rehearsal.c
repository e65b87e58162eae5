/* SPDX-License-Identifier: MIT */
/*
 * Test files: their state, and the way to rehearsal.lua, which knows what a test is.
 * From: worker.c (TEST). To: TOLD. A test file is as hostile as a rule: the same sandbox, memory,
 * and processor time for each question; an error of it is told with its place and ends nothing.
 * Makes no calls and runs no rules.
 */
#include "runner/worker/rehearsal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/json_text.h"
#include "runner/worker/kit.h"
#include "runner/worker/limit.h"
#include "runner/worker/outbox.h"
#include "runner/worker/trace.h"

#define BUDGET (256u << 20)
#define CPU_US 500000 /* of one question */
#define PRELUDE_MAX (512u << 10)
#define NAME_N 200
#define WORDS_MAX 64

static const char prelude_text[] = {
#include "runner/worker/rehearsal.lua.inc"
	0};

static const char serve_key; /* of the registry */

const char *const rehearsal_globals[] = {"_G", "after", "any", "any_id", "assert", "at", "cancel",
	"create", "create_many", "dead", "delete", "destroy", "done", "ensure", "erase", "error",
	"event", "fail", "fixture", "getmetatable", "graphql", "http", "id", "in_turn", "ipairs",
	"json", "matching", "math", "merge", "money", "next", "no_other_writes", "pairs", "partly",
	"pcall", "rawequal", "rawget", "rawlen", "rawset", "restore", "select", "setmetatable",
	"skipped", "string", "table", "test", "text", "tonumber", "tostring", "type", "units",
	"update", "update_many", "update_where", "utf8", "xpcall", NULL};

struct question { /* what the protected part needs; slices are JSON */
	struct rehearsal *rehearsal;
	const char *file, *what;
	struct slice source, fixtures, arg;
	struct buf *out;
};

/* --- primitives of rehearsal.lua ---------------------------------------------------------------
 */

static int line_here(lua_State *L)
{
	lua_Debug ar;
	for (int level = 1; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "l", &ar);
		if (ar.currentline > 0) {
			lua_pushinteger(L, ar.currentline);
			return 1;
		}
	}
	lua_pushinteger(L, 1);
	return 1;
}

static int fail_here(lua_State *L)
{
	state_raise(L, "%s", luaL_checkstring(L, 1));
	return 0;
}

static int nearest_word(lua_State *L)
{
	const char *words[WORDS_MAX];
	size_t n = 0;
	const char *word = luaL_checkstring(L, 1);
	luaL_checktype(L, 2, LUA_TTABLE);
	for (; n + 1 < WORDS_MAX; n++) {
		if (lua_rawgeti(L, 2, (lua_Integer)n + 1) != LUA_TSTRING)
			break;
		words[n] = lua_tostring(L, -1); /* the table keeps it */
		lua_pop(L, 1);
	}
	words[n] = NULL;
	lua_pushstring(L, conf_nearest(word, words));
	return 1;
}

/* --- a fresh state ------------------------------------------------------------------------------
 */

static bool is_listed(const char *name)
{
	size_t i = 0;
	while (rehearsal_globals[i] != NULL && strcmp(rehearsal_globals[i], name) != 0)
		i++;
	return rehearsal_globals[i] != NULL;
}

/* What only rules have goes. */
static void drop_others(lua_State *L)
{
	lua_newtable(L);
	int gone = lua_gettop(L);
	lua_Integer n = 0;
	lua_pushglobaltable(L);
	for (lua_pushnil(L); lua_next(L, gone + 1) != 0; lua_pop(L, 1)) {
		if (lua_type(L, -2) == LUA_TSTRING && is_listed(lua_tostring(L, -2)))
			continue;
		lua_pushvalue(L, -2);
		lua_rawseti(L, gone, ++n);
	}
	for (lua_Integer i = 1; i <= n; i++) {
		lua_rawgeti(L, gone, i);
		lua_pushnil(L);
		lua_rawset(L, gone + 1);
	}
	lua_getfield(L, gone + 1, "math");
	lua_pushnil(L);
	lua_setfield(L, -2, "random"); /* a test comes out the same each time */
	lua_settop(L, gone - 1);
}

static void push_member(lua_State *L, const char *library, const char *name)
{
	lua_getglobal(L, library);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
}

/* Pushes what rehearsal.lua gets; answers how much that is. */
static int push_primitives(lua_State *L, const struct question *q)
{
	static const char *const own[] = {"type", "next", "pairs", "ipairs", "setmetatable",
		"getmetatable", "tostring", "tonumber"};
	static const char *const members[][2] = {{"string", "format"}, {"string", "find"},
		{"string", "gsub"}, {"string", "match"}, {"string", "rep"}, {"string", "sub"},
		{"string", "byte"}, {"table", "concat"}, {"table", "sort"}, {"math", "floor"}};
	int top = lua_gettop(L);
	luaL_checkstack(L, 40, "a test file");
	push_member(L, "json", "decode");
	push_member(L, "json", "encode");
	json_push_null(L);
	lua_pushcfunction(L, line_here);
	lua_pushcfunction(L, fail_here);
	lua_pushcfunction(L, nearest_word);
	if (q->fixtures.n != 0)
		json_decode(L, q->fixtures, JSON_PLAIN, "the fixtures");
	else
		lua_newtable(L);
	for (size_t i = 0; i < ARRAY_N(own); i++)
		lua_getglobal(L, own[i]);
	for (size_t i = 0; i < ARRAY_N(members); i++)
		push_member(L, members[i][0], members[i][1]);
	return lua_gettop(L) - top;
}

static void load_prelude(lua_State *L, struct buf *code)
{
	bool known = code->n != 0;
	const char *text = known ? code->p : prelude_text;
	size_t n = known ? code->n : strlen(prelude_text);
	if (luaL_loadbufferx(L, text, n, "=prelude", known ? "b" : "t") != LUA_OK)
		lua_error(L);
	if (known)
		return;
	/* Without its lines, so that no error names a place in it. */
	if (kit_dump(L, KIT_LINES_DROPPED, code) != RC_OK)
		luaL_error(L, "the prelude of tests is too large");
	lua_pop(L, 1);
	load_prelude(L, code);
}

/* Runs rehearsal.lua, sets its words as globals and keeps its door. */
static void furnish_words(lua_State *L, const struct question *q)
{
	int top = lua_gettop(L);
	load_prelude(L, &q->rehearsal->prelude);
	lua_call(L, push_primitives(L, q), 2);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &serve_key);
	lua_pushglobaltable(L);
	for (lua_pushnil(L); lua_next(L, top + 1) != 0; lua_pop(L, 1)) {
		lua_pushvalue(L, -2);
		lua_pushvalue(L, -2);
		lua_rawset(L, top + 2);
	}
	lua_settop(L, top);
}

/* Asks rehearsal.lua; its answer goes to q->out. */
static void ask(lua_State *L, const struct question *q)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &serve_key);
	lua_pushstring(L, q->what);
	if (q->arg.n != 0)
		lua_pushlstring(L, q->arg.p, q->arg.n);
	else
		lua_pushnil(L);
	lua_call(L, 2, 1);
	size_t n;
	const char *text = luaL_checklstring(L, -1, &n);
	enum rc rc = buf_put_text(q->out, "{\"value\":");
	if (rc == RC_OK)
		rc = buf_put(q->out, text, n);
	if (rc == RC_OK)
		rc = buf_put(q->out, "}", 1);
	if (rc != RC_OK)
		luaL_error(L, "an answer of a test is %s", rc_text(rc));
}

static int open_file(lua_State *L)
{
	const struct question *q = lua_touserdata(L, 1);
	char name[NAME_N + 2];
	kit_furnish(L);
	drop_others(L);
	furnish_words(L, q);
	snprintf(name, sizeof(name), "=%s", q->file);
	if (luaL_loadbufferx(L, q->source.p != NULL ? q->source.p : "", q->source.n, name, "t") !=
		LUA_OK)
		return lua_error(L);
	/* A fixture that is not there yet ends the chunk; `list` says which one. */
	int status = lua_pcall(L, 0, 0, 0);
	state_pass(L);
	int top = lua_gettop(L);
	ask(L, q);
	bool waits = memmem(q->out->p, q->out->n, "{\"value\":{\"needs\":", 18) != NULL;
	lua_settop(L, top);
	return status == LUA_OK || waits ? 0 : lua_error(L);
}

static int ask_file(lua_State *L)
{
	ask(L, lua_touserdata(L, 1));
	return 0;
}

/* --- frames ------------------------------------------------------------------------------------
 */

/* Calls fn protected and limited; an error of the file becomes {"error": {..}}. */
static enum rc run_limited(
	struct rehearsal *r, lua_CFunction fn, struct question *q, struct err *err)
{
	lua_State *L = r->state.L;
	lua_settop(L, 0);
	lua_pushcfunction(L, trace_note);
	lua_pushcfunction(L, fn);
	lua_pushlightuserdata(L, q);
	limit_enter(L, CPU_US);
	int status = lua_pcall(L, 1, 0, 1);
	limit_leave();
	if (status == LUA_OK)
		return RC_OK;
	buf_clear(q->out);
	enum rc rc = buf_put_text(q->out, "{\"error\":");
	if (rc == RC_OK)
		rc = trace_put(q->out, L, status,
			r->state.end == STATE_CPU
				? "the test took more than 500 ms of processor time"
				: "the test needs too much memory");
	if (rc == RC_OK)
		rc = buf_put(q->out, "}", 1);
	if (r->state.end != STATE_ALIVE) { /* nothing of it runs any more */
		state_close(&r->state);
		r->open = false;
	}
	return rc == RC_OK ? RC_OK : err_set(err, rc, "no room for an answer");
}

static enum rc open_state(struct rehearsal *r, struct kit *kit, struct question *q, struct err *err)
{
	if (r->open)
		state_close(&r->state);
	r->open = false;
	enum rc rc = state_open(&r->state, kit, STATE_HEAD, BUDGET, err);
	if (rc != RC_OK)
		return rc;
	r->open = true;
	state_place(&r->state, q->file, 1);
	q->what = "list";
	return run_limited(r, open_file, q, err);
}

/* A text member, copied; it stays within the buffer's maximum. */
static enum rc read_text(struct slice json, struct buf *out, size_t max)
{
	buf_init(out, max);
	return json.n != 0 ? json_text_copy(json, out) : RC_OK;
}

/* --- coverage ----------------------------------------------------------------------------------
 */

static int compile_lines(lua_State *L)
{
	const struct question *q = lua_touserdata(L, 1);
	struct buf code;
	char name[NAME_N + 2];
	snprintf(name, sizeof(name), "=%s", q->file);
	if (luaL_loadbufferx(L, q->source.p != NULL ? q->source.p : "", q->source.n, name, "t") !=
		LUA_OK)
		return lua_error(L);
	buf_init(&code, FRAME_MAX);
	enum rc rc = kit_dump(L, KIT_LINES_KEPT, &code);
	if (rc == RC_OK)
		rc = buf_put_text(q->out, "{\"value\":");
	if (rc == RC_OK)
		rc = cover_put_lines(&code, q->out);
	if (rc == RC_OK)
		rc = buf_put(q->out, "}", 1);
	buf_done(&code);
	return rc == RC_OK ? 0 : luaL_error(L, "the lines of %s are %s", q->file, rc_text(rc));
}

/* The lines of a file that have code, by a state of their own. */
static enum rc take_lines(struct rehearsal *r, struct kit *kit, struct question *q, struct err *err)
{
	struct rehearsal own = {.prelude = r->prelude};
	enum rc rc = state_open(&own.state, kit, STATE_HEAD, BUDGET, err);
	if (rc != RC_OK)
		return rc;
	own.open = true;
	state_place(&own.state, q->file, 1);
	rc = run_limited(&own, compile_lines, q, err);
	if (own.open)
		state_close(&own.state);
	return rc;
}

static enum rc take_cover(struct kit *kit, const char *what, struct buf *out)
{
	enum rc rc = buf_put_text(out, "{\"value\":");
	if (rc == RC_OK && kit->cover != NULL && strcmp(what, "covered") == 0)
		rc = cover_put(kit->cover, out);
	else if (rc == RC_OK)
		rc = buf_put_text(out, "{}");
	cover_free(kit->cover);
	kit->cover = calloc(1, sizeof(*kit->cover));
	if (rc == RC_OK && kit->cover == NULL)
		rc = RC_NOMEM;
	return rc == RC_OK ? buf_put(out, "}", 1) : rc;
}

enum rc rehearsal_take(struct rehearsal *r, struct kit *kit, struct outbox *box,
	const struct frame *frame, struct err *err)
{
	static const char *const names[] = {"do", "file", "source", "fixtures", "arg"};
	struct slice v[ARRAY_N(names)];
	struct buf what, file, source;
	if (!json_text_members(frame->payload, names, v, ARRAY_N(names)))
		return err_set(err, RC_PARSE, "a TEST is no object");
	if (r->prelude.max == 0)
		buf_init(&r->prelude, PRELUDE_MAX);
	enum rc rc = read_text(v[0], &what, NAME_N);
	enum rc rc_file = read_text(v[1], &file, NAME_N),
		rc_source = read_text(v[2], &source, FRAME_MAX);
	if (rc == RC_OK)
		rc = rc_file != RC_OK ? rc_file : rc_source;
	struct question q = {
		.rehearsal = r,
		.file = file.p != NULL ? file.p : "test",
		.what = what.p != NULL ? what.p : "list",
		.source = buf_slice(&source),
		.fixtures = v[3],
		.arg = v[4],
		.out = &box->text,
	};
	buf_clear(&box->text);
	if (rc != RC_OK)
		err_set(err, rc, "a TEST that cannot be read");
	else if (strcmp(q.what, "open") == 0)
		rc = open_state(r, kit, &q, err);
	else if (strcmp(q.what, "lines") == 0)
		rc = take_lines(r, kit, &q, err);
	else if (strncmp(q.what, "cover", 5) == 0)
		rc = take_cover(kit, q.what, q.out);
	else if (r->open)
		rc = run_limited(r, ask_file, &q, err);
	else
		rc = buf_put_text(q.out, "{\"error\":{\"message\":\"the test has ended\"}}");
	if (rc == RC_OK)
		rc = outbox_put(box, FRAME_TOLD, frame->run, frame->generation);
	buf_done(&what);
	buf_done(&file);
	buf_done(&source);
	return rc;
}

void rehearsal_done(struct rehearsal *r)
{
	if (r->open)
		state_close(&r->state);
	r->open = false;
	buf_done(&r->prelude);
}
