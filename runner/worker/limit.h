/* SPDX-License-Identifier: MIT */
/*
 * The soft end of processor time. A timer of this thread's CPU clock runs while Lua does; when it
 * rings, a hook is set on the running Lua thread that raises at its next instruction and at every
 * one after it, so that no pcall of a rule keeps the run alive. Before that moment nothing is
 * hooked and nothing is paid. C code does not see hooks: what loops there is ended from outside,
 * with SIGKILL. One thread, one timer.
 */
#ifndef MOONHOOK_RUNNER_WORKER_LIMIT_H
#define MOONHOOK_RUNNER_WORKER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

#include "base/err.h"

/* Makes the timer and its handler; before the sandbox closes. */
enum rc limit_open(struct err *err) must_check;

/* L may use us microseconds from here to limit_leave. */
void limit_enter(lua_State *L, int64_t us);
/* From here another thread of the same state runs, under the same limit. */
void limit_follow(lua_State *L);
/* Stops the timer; answers how many microseconds were used. */
int64_t limit_leave(void);

/* True once the time is up: for C code that goes over large values. */
bool limit_passed(void);

/* Makes L raise the end of its state at every instruction from now on. */
void limit_stop(lua_State *L);

#endif
