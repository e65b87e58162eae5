/* SPDX-License-Identifier: MIT */
/*
 * One Lua state of one run (or of one reading of a file's head, or of one `when`): its own memory
 * budget, its own globals, its own end. What a state was told to end for is final: every later
 * instruction, pcall or allocation raises it again.
 */
#ifndef MOONHOOK_RUNNER_WORKER_STATE_H
#define MOONHOOK_RUNNER_WORKER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

#include "base/err.h"
#include "runner/worker/arena.h"

struct kit;
struct worker_rule_file;
struct worker_run;

enum state_mode {
	STATE_HEAD, /* a file is read for its declarations */
	STATE_WHEN, /* `when` and `key` of one rule are asked */
	STATE_RUN,  /* a rule runs */
};

enum state_end {
	STATE_ALIVE,
	STATE_OUTCOME, /* skip, retry_after, reject */
	STATE_CPU,
	STATE_MEMORY,
	STATE_QUOTA,
};

struct state {
	lua_State *L;           /* the main thread; NULL: not open */
	lua_State *co;          /* the thread the rule runs in; anchored in L, NULL before */
	struct kit *kit;        /* BORROWED for the state's life */
	struct worker_run *run; /* whose state this is; NULL in STATE_HEAD */
	struct worker_rule_file *rules; /* one reference: whose modules it may use; NULL before */
	enum state_mode mode;
	enum state_end end;
	bool declared; /* the file's chunk has run: no further rule */
	char file[64]; /* the place of an error whose stack says none */
	int line;
	struct arena arena; /* all its memory */
	bool pressed;       /* an allocation was refused and the garbage collector may still help */
	bool poor;          /* not the budget but the process had no memory */
};

/* Makes an empty Lua state. kit is BORROWED. RC_NOMEM. */
enum rc state_open(struct state *state, struct kit *kit, enum state_mode mode, size_t budget_bytes,
	struct err *err) must_check;
/* Frees its memory at once; runs nothing of the rule, nor of Lua. Accepts a closed one. */
void state_close(struct state *state);

/* The state that L belongs to. */
struct state *state_of(lua_State *L);
/* Sets that place. */
void state_place(struct state *state, const char *file, int line);
/* Ends the state for this reason, whatever the rule catches; raises, so it does not return. */
noreturn_ void state_finish(lua_State *L, enum state_end end);
/* Raises again where the state was ended. For every C function that may catch an error. */
void state_pass(lua_State *L);
/* True for the value that state_finish raises. */
bool state_is_end(lua_State *L, int index);
/* Notes that a protected call failed with this status: a refused allocation is final. */
void state_failed(lua_State *L, int status);

/* Raises a text with the rule's own "file:line: " in front, whatever C or prelude frames lie
 * between. */
noreturn_ void state_raise(lua_State *L, const char *fmt, ...) printf_like(2, 3);

#endif
