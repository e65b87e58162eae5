/* SPDX-License-Identifier: MIT */
/*
 * The branches of a run: its own function, and the functions that parallel() runs side by side,
 * each a Lua thread of the run's state. At most one executes at a time; each may have one call
 * under way.
 *
 *                        +--CALL--> asking --RESUME--+
 *   ready --> executing -+                           +--> ready
 *                |       +--parallel--> joining -----+  (when all branches of the block ended)
 *                +--> ended, failed
 *
 * The path of a call is its place among the calls of its branch, behind the path of the branch.
 * Calls of the run's own function are "1", "2" and so on; a block takes one number of the branch
 * that it stands in, say "2", its branches are "2.1", "2.2" ..., their calls "2.1.1", "2.1.2",
 * "2.2.1" ..., and so on inwards. A path is made of counts alone, so it is the same each time,
 * whatever order answers come in.
 *
 * Branches that can go on do so in the order of their paths; which can is decided by the order in
 * which answers come. A block ends when all of its branches have ended, whatever became of them;
 * then the error of the first in order that failed is raised. An outcome or a limit inside a
 * branch ends the run: no branch executes any more, but what was asked is waited for, so that
 * every effect that was sent has its answer in the journal before the run's END.
 */
#ifndef MOONHOOK_RUNNER_WORKER_BRANCH_H
#define MOONHOOK_RUNNER_WORKER_BRANCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/slice.h"
#include "runner/worker/frame.h"

struct worker_run;

#define BRANCH_MAX 100     /* functions side by side in a run, all blocks together */
#define BRANCH_DEPTH_MAX 4 /* blocks in each other */
#define BRANCH_PATH_N (FRAME_WORD_MAX + 1)
#define BRANCH_CALL_N (3 * (FRAME_WORD_MAX + 1) + 1)

enum branch_state {
	BRANCH_READY,   /* executes, or can */
	BRANCH_ASKING,  /* waits for the answer to the call whose path is branch_path */
	BRANCH_JOINING, /* waits for the branches of its block */
	BRANCH_ENDED,   /* what it answers is at the top of its stack, where it has a result */
	BRANCH_FAILED,  /* its error is at the top of its stack */
};

struct branch {
	lua_State *co;         /* kept alive by the stack of the parent's */
	struct branch *parent; /* who joins it; NULL: the run's own function */
	struct branch *block;  /* of a joining one: its branches, in the run's memory */
	size_t block_n;
	enum branch_state state;
	bool answers;             /* an ended one has a result */
	bool passed_on;           /* it has raised the error of one of its own branches */
	int64_t n;                /* calls and blocks so far */
	const char *prefix;       /* of its paths: "", or "2.1."; in the run's memory */
	char call[BRANCH_CALL_N]; /* its latest: "2.1 people:update" */
};

/* Where the branch stands: the path of its latest call or block. False: it is too long. */
bool branch_path(const struct branch *b, char ret_path[static BRANCH_PATH_N]);
/* The branch that waits for the answer to this path, which is JSON text; NULL: none does. */
struct branch *branch_find(struct branch *b, struct slice path);
/* Executes what can go on until nothing can, or the run is over: then run->over says so. */
void branch_go_on(struct worker_run *run);

#endif
