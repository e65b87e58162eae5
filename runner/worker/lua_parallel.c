/* SPDX-License-Identifier: MIT */
/*
 * parallel(f, g, ..): functions side by side.
 * From: rules. To: branch.c, which executes them. Each gets a Lua thread, which takes the place of
 * the function on the stack of parallel's own call and lives as long; the block's memory is the
 * run's. Answers the first result of each, in order. Fails with the error of the first in order
 * that failed, when all have ended. Does not decide who goes on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "runner/worker/binding.h"
#include "runner/worker/branch.h"
#include "runner/worker/run.h"
#include "runner/worker/state.h"
#include "runner/worker/trace.h"

/* Raises the error of a branch, whose thread is at index, once more. */
noreturn_ static void raise_again(
	lua_State *L, struct branch *joins, const struct branch *failed, int index)
{
	lua_pushvalue(L, index);
	lua_xmove(failed->co, L, 1);
	trace_keep(L, failed->passed_on);
	joins->passed_on = true;
	lua_error(L);
	abort();
}

/* All branches have ended. The stack: their threads, the block. */
static int joined(lua_State *L, int status, lua_KContext n)
{
	struct worker_run *run = state_of(L)->run;
	struct branch *joins = run->at;
	struct branch *block = joins->block;
	(void)status;
	joins->block = NULL;
	joins->block_n = 0;
	run->branches_n -= (size_t)n;
	for (int i = 0; i < n; i++)
		if (block[i].state == BRANCH_FAILED)
			raise_again(L, joins, &block[i], i + 1);
	luaL_checkstack(L, (int)n, "parallel: too many results");
	for (int i = 0; i < n; i++) {
		if (block[i].answers)
			lua_xmove(block[i].co, L, 1);
		else
			lua_pushnil(L);
	}
	return (int)n;
}

static void check_place(lua_State *L)
{
	const struct state *state = state_of(L);
	if (state->mode == STATE_WHEN)
		state_raise(L, "parallel belongs into `run`: `when` and `key` see the event only");
	if (state->mode == STATE_HEAD || state->co != L)
		state_raise(L, "parallel belongs into `run`, not beside the rules");
	if (!lua_isyieldable(L))
		state_raise(L, "parallel cannot be called from within table.sort, string.gsub or "
			       "tostring");
}

static void check_functions(lua_State *L, int n)
{
	const struct worker_run *run = state_of(L)->run;
	int depth = 1;
	for (int i = 1; i <= n; i++)
		if (!lua_isfunction(L, i))
			state_raise(L,
				"parallel: argument %d is no function but a %s, write "
				"parallel(function() return .. end, ..)",
				i, luaL_typename(L, i));
	if (run->branches_n + (size_t)n > BRANCH_MAX)
		state_raise(L,
			"parallel: at most %d functions run side by side in a run, these would be "
			"%zu",
			BRANCH_MAX, run->branches_n + (size_t)n);
	for (const struct branch *b = run->at; b->parent != NULL; b = b->parent)
		depth++;
	if (depth > BRANCH_DEPTH_MAX)
		state_raise(L, "parallel: at most %d stand in each other", BRANCH_DEPTH_MAX);
}

/* Puts a thread in the place of the function at index. */
static lua_State *push_thread(lua_State *L, int index)
{
	lua_State *co = lua_newthread(L);
	lua_pushvalue(L, index);
	lua_xmove(L, co, 1);
	lua_replace(L, index);
	return co;
}

/* Makes the block of the n functions on the stack, and leaves it at the top. */
static void open_block(lua_State *L, int n)
{
	struct worker_run *run = state_of(L)->run;
	struct branch *joins = run->at;
	char path[BRANCH_PATH_N];
	luaL_checkstack(L, 4, NULL);
	struct branch *block =
		lua_newuserdatauv(L, (size_t)n * (sizeof(*block) + BRANCH_PATH_N), 0);
	char(*prefixes)[BRANCH_PATH_N] = (char(*)[BRANCH_PATH_N])(void *)(block + n);
	joins->n++;
	bool fits = branch_path(joins, path);
	for (int i = 0; i < n; i++) {
		int used = snprintf(prefixes[i], BRANCH_PATH_N, "%s.%d.", path, i + 1);
		fits = fits && used > 0 && used < BRANCH_PATH_N;
		block[i] = (struct branch){.parent = joins, .prefix = prefixes[i]};
		block[i].co = push_thread(L, i + 1);
	}
	if (!fits)
		state_raise(L, "parallel: the run has come too far");
	joins->block = block;
	joins->block_n = (size_t)n;
	joins->state = BRANCH_JOINING;
	run->branches_n += (size_t)n;
}

static int run_parallel(lua_State *L)
{
	int n = lua_gettop(L);
	check_place(L);
	check_functions(L, n);
	if (n == 0)
		return 0;
	open_block(L, n);
	return lua_yieldk(L, 0, n, joined);
}

const luaL_Reg parallel_functions[] = {
	{"parallel", run_parallel},
	{NULL, NULL},
};
