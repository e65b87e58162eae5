/* SPDX-License-Identifier: MIT */
/*
 * Which branch of a run goes on, and when.
 * From: run.c (START, RESUME), lua_parallel.c, which makes the blocks. To: Lua. A branch is never
 * resumed from within another: all are resumed from here, so that depth costs no C stack. Does not
 * speak to the runner; what a branch says leaves through run.c.
 */
#include "runner/worker/branch.h"

#include <inttypes.h>
#include <stdio.h>

#include "runner/worker/limit.h"
#include "runner/worker/run.h"

bool branch_path(const struct branch *b, char ret_path[static BRANCH_PATH_N])
{
	int n = snprintf(ret_path, BRANCH_PATH_N, "%s%" PRId64, b->prefix, b->n);
	return n > 0 && n < BRANCH_PATH_N;
}

struct branch *branch_find(struct branch *b, struct slice path)
{
	char text[BRANCH_PATH_N];
	struct branch *found = NULL;
	if (b->state == BRANCH_ASKING) {
		bool same = path.n >= 2 && branch_path(b, text) &&
			    slice_equal((struct slice){path.p + 1, path.n - 2}, slice_of(text));
		return same ? b : NULL;
	}
	for (size_t i = 0; b->state == BRANCH_JOINING && i < b->block_n && found == NULL; i++)
		found = branch_find(&b->block[i], path);
	return found;
}

/* The first that can go on, in the order of paths, a block before the one who joins it. */
static struct branch *find_ready(struct branch *b)
{
	size_t over = 0;
	if (b->state == BRANCH_READY)
		return b;
	if (b->state != BRANCH_JOINING)
		return NULL;
	for (size_t i = 0; i < b->block_n; i++) {
		struct branch *ready = find_ready(&b->block[i]);
		if (ready != NULL)
			return ready;
		over += b->block[i].state == BRANCH_ENDED || b->block[i].state == BRANCH_FAILED;
	}
	return over == b->block_n ? b : NULL;
}

static void end_run(struct worker_run *run, const struct branch *b, int status)
{
	run->over = b->co;
	run->over_status = status;
}

static void step(struct worker_run *run, struct branch *b)
{
	int results = 0;
	int args = lua_status(b->co) == LUA_OK ? lua_gettop(b->co) - 1 : 0;
	b->state = BRANCH_READY;
	run->at = b;
	run->state.co = b->co;
	limit_follow(b->co);
	int status = lua_resume(b->co, run->state.L, args, &results);
	if (status == LUA_YIELD) /* in a call or a block: it has said which */
		return;
	b->state = status == LUA_OK ? BRANCH_ENDED : BRANCH_FAILED;
	if (b->parent == NULL) {
		end_run(run, b, status);
		return;
	}
	b->answers = status == LUA_OK && results > 0;
	if (status != LUA_OK)
		state_failed(b->co, status);
	else if (results > 1)
		lua_pop(b->co, results - 1);
	if (run->state.end != STATE_ALIVE)
		end_run(run, b, status);
}

void branch_go_on(struct worker_run *run)
{
	struct branch *b;
	while (run->over == NULL && (b = find_ready(&run->own)) != NULL)
		step(run, b);
}
