/* SPDX-License-Identifier: MIT */
/*
 * log.info, log.warn, log.error: what a rule wants people to read.
 * From: rules. To: run.c as LOG frames. Values are put side by side, tables as JSON; a line is cut
 * at LINE_N bytes and stays one line: control characters are shown as \xNN. Past its quota of
 * lines the run ends.
 */
#include <string.h>

#include "runner/worker/binding.h"
#include "runner/worker/kit.h"
#include "runner/worker/run.h"
#include "runner/worker/state.h"
#include "runner/worker/trace.h"

#define LINE_N 4096

/* The text of the value at index: a string on the stack, or a table's JSON in the scratch. */
static struct slice text_of(lua_State *L, int index)
{
	struct slice text;
	struct buf *scratch = &state_of(L)->kit->scratch;
	char why[256];
	if (lua_type(L, index) == LUA_TTABLE && !luaL_getmetafield(L, index, "__tostring")) {
		buf_clear(scratch);
		if (json_encode(L, index, JSON_ANY, scratch, why, sizeof(why)))
			return buf_slice(scratch);
	}
	lua_pushcfunction(L, library_tostring);
	lua_pushvalue(L, index);
	lua_call(L, 1, 1);
	text.p = lua_tolstring(L, -1, &text.n);
	return text;
}

static int say(lua_State *L, const char *level)
{
	struct state *state = state_of(L);
	char line[LINE_N + 1];
	size_t used = 0;
	int n = lua_gettop(L);
	line[0] = '\0';
	for (int i = 1; i <= n && used < LINE_N; i++) {
		struct slice text = text_of(L, i);
		if (i > 1)
			line[used++] = ' ';
		trace_clean(text, line + used, sizeof(line) - used);
		used += strlen(line + used);
		lua_settop(L, n);
	}
	if (state->run == NULL || state->mode != STATE_RUN)
		return 0;
	if (!worker_run_log(state->run, level, (struct slice){line, used}))
		state_finish(L, STATE_QUOTA);
	return 0;
}

static int log_info_line(lua_State *L)
{
	return say(L, "info");
}

static int log_warn_line(lua_State *L)
{
	return say(L, "warn");
}

static int log_error_line(lua_State *L)
{
	return say(L, "error");
}

const luaL_Reg log_functions[] = {
	{"error", log_error_line},
	{"info", log_info_line},
	{"warn", log_warn_line},
	{NULL, NULL},
};
