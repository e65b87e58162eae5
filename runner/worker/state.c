/* SPDX-License-Identifier: MIT */
/*
 * A Lua state with a budget and an end.
 * From: run.c, rule.c. To: every binding, which asks state_of. A refused allocation first lets the
 * collector try (Lua asks again at once); if that does not help, or nobody asks again and an error
 * comes of it, the state has ended and no allocation is granted any more. Closing gives the memory
 * back and runs no code: no finalizer can be set, nothing in a state owns anything outside.
 */
#include "runner/worker/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "runner/worker/kit.h"
#include "runner/worker/limit.h"
#include "runner/worker/rule.h"

#define COLLECT_NOT_BEFORE_KB 512

/* Its address is the value that carries an end through the rule's frames. */
static const char end_mark;

static void *refuse(struct state *state)
{
	if (state->pressed)
		state->end = state->end == STATE_ALIVE ? STATE_MEMORY : state->end;
	state->pressed = true;
	return NULL;
}

static void *allocate(void *ctx, void *old, size_t old_n, size_t n)
{
	struct state *state = ctx;
	if (old == NULL)
		old_n = 0; /* Lua says there which kind of object it is */
	bool grows = n > old_n;
	if (grows && state->end == STATE_MEMORY)
		return refuse(state);
	void *p = arena_resize(&state->arena, old, old_n, n);
	if (p == NULL && n != 0)
		return refuse(state);
	if (grows)
		state->pressed = false;
	return p;
}

enum rc state_open(struct state *state, struct kit *kit, enum state_mode mode, size_t budget_bytes,
	struct err *err)
{
	*state = (struct state){.kit = kit, .mode = mode};
	arena_init(&state->arena, budget_bytes);
	lua_State *L = lua_newstate(allocate, state);
	if (L == NULL) {
		arena_done(&state->arena);
		return err_set(err, RC_NOMEM, "no memory for a Lua state");
	}
	*(struct state **)lua_getextraspace(L) = state;
	state->L = L;
	if (kit->cover != NULL)
		cover_watch(L);
	/* Most runs end before there is anything worth collecting: the first half megabyte is free
	 * of the collector. A negative step puts off the next one by so many kilobytes. */
	lua_gc(L, LUA_GCSTEP, -COLLECT_NOT_BEFORE_KB);
	return RC_OK;
}

void state_close(struct state *state)
{
	worker_rule_file_unref(state->rules);
	state->rules = NULL;
	arena_done(&state->arena);
	state->L = state->co = NULL;
}

struct state *state_of(lua_State *L)
{
	return *(struct state **)lua_getextraspace(L);
}

void state_place(struct state *state, const char *file, int line)
{
	snprintf(state->file, sizeof(state->file), "%s", file);
	state->line = line;
}

static void push_end(lua_State *L)
{
	lua_pushlightuserdata(L, (void *)(uintptr_t)&end_mark);
}

bool state_is_end(lua_State *L, int index)
{
	return lua_touserdata(L, index) == (const void *)&end_mark;
}

void state_finish(lua_State *L, enum state_end end)
{
	struct state *state = state_of(L);
	if (state->end == STATE_ALIVE)
		state->end = end;
	limit_stop(L);
	push_end(L);
	lua_error(L);
	abort();
}

void state_pass(lua_State *L)
{
	struct state *state = state_of(L);
	if (state->end != STATE_ALIVE)
		state_finish(L, state->end);
}

void state_failed(lua_State *L, int status)
{
	struct state *state = state_of(L);
	bool refused = status == LUA_ERRMEM || state->pressed;
	if (refused && state->end == STATE_ALIVE)
		state->end = STATE_MEMORY;
}

void state_raise(lua_State *L, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lua_Debug ar;
	for (int level = 0; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (ar.currentline > 0) {
			lua_pushfstring(L, "%s:%d: %s", ar.short_src, ar.currentline, text);
			lua_error(L);
		}
	}
	lua_pushstring(L, text);
	lua_error(L);
	abort();
}
