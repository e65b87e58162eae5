/* SPDX-License-Identifier: MIT */
/*
 * How a rule ends on purpose: skip, retry_after, reject; and need, which keeps nil out of places
 * where it would mean everybody.
 * From: rules. To: run.c, which writes the outcome into END. An outcome passes through pcall.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/run.h"
#include "runner/worker/state.h"
#include "runner/worker/trace.h"

static struct worker_run *run_of(lua_State *L, const char *what)
{
	struct state *state = state_of(L);
	if (state->mode != STATE_RUN)
		state_raise(L, "%s belongs into `run`, it has no meaning here", what);
	return state->run;
}

static int finish(lua_State *L, enum worker_outcome outcome, int why)
{
	static const char *const names[] = {"", "skip", "retry_after", "reject"};
	struct worker_run *run = run_of(L, names[outcome]);
	struct slice text;
	text.p = luaL_optlstring(L, why, "", &text.n);
	run->outcome = outcome;
	trace_clean(text, run->why, sizeof(run->why));
	state_finish(L, STATE_OUTCOME);
}

static int outcome_skip(lua_State *L)
{
	return finish(L, WORKER_SKIP, 1);
}

static int outcome_reject(lua_State *L)
{
	return finish(L, WORKER_REJECT, 1);
}

static int outcome_retry_after(lua_State *L)
{
	struct worker_run *run = run_of(L, "retry_after");
	const char *delay = luaL_checkstring(L, 1);
	int64_t ms = conf_parse_duration(delay);
	if (ms < 0)
		state_raise(L,
			"retry_after: \"%.40s\" is no duration, write \"90s\", \"5m\", "
			"\"2h\" or \"3d\"",
			delay);
	run->delay_ms = ms;
	const struct branch *b = run->at;
	if (b->prefix[0] != '\0')
		snprintf(run->later_path, sizeof(run->later_path), "%s%" PRId64, b->prefix,
			b->n + 1);
	return finish(L, WORKER_RETRY_AFTER, 2);
}

static int outcome_need(lua_State *L)
{
	size_t n = 1;
	luaL_checkany(L, 1);
	const char *what = luaL_optstring(L, 2, "a value");
	if (lua_type(L, 1) == LUA_TSTRING)
		lua_tolstring(L, 1, &n);
	if (lua_isnil(L, 1) || json_is_null(L, 1) || n == 0)
		state_raise(L, "%.200s is needed and is %s", what, n == 0 ? "empty" : "nil");
	lua_settop(L, 1);
	return 1;
}

const luaL_Reg outcome_functions[] = {
	{"need", outcome_need},
	{"reject", outcome_reject},
	{"retry_after", outcome_retry_after},
	{"skip", outcome_skip},
	{NULL, NULL},
};
