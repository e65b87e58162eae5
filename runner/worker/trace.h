/* SPDX-License-Identifier: MIT */
/*
 * What went wrong in a rule, as a frame tells it: {"code","message","line","frames":[{"file",
 * "line","from","name"}],"call","status","retryable"}; innermost frame first, from: the line its
 * function begins in, 0: none, it is the file itself. Frames of C and of the prelude are left out;
 * nothing of the rule's runs while this is written.
 */
#ifndef MOONHOOK_RUNNER_WORKER_TRACE_H
#define MOONHOOK_RUNNER_WORKER_TRACE_H

#include <stdbool.h>

#include <lua.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "runner/worker/state.h"

/*
 * Appends the error that ended L (status of lua_pcall or lua_resume), its value at the top. The
 * stack of a thread that lua_resume left still stands and is read; where lua_pcall has unwound it,
 * trace_note has kept the place. limit: the sentence for a limit that was passed. RC_TOO_LARGE,
 * RC_NOMEM.
 */
enum rc trace_put(struct buf *out, lua_State *L, int status, const char *limit) must_check;
/*
 * Keeps the thread below the error at the top, in which it came up, and takes it off the stack: the
 * error is about to be raised once more in L, whose own stack does not show the place. passed_on:
 * the thread may itself have raised what came up further in; then that place stays.
 */
void trace_keep(lua_State *L, bool passed_on);
/* A message handler for lua_pcall: keeps the place, answers the value as it is. */
int trace_note(lua_State *L);
/* Appends an error without a stack. */
enum rc trace_put_plain(struct buf *out, const char *code, const char *message) must_check;
/* Makes bytes fit to be shown: UTF-8, control characters as \xNN, at most size - 1 bytes. */
void trace_clean(struct slice bytes, char *ret_text, size_t size);

#define TRACE_CALL_N 208 /* "2.1 opportunities:update" */

/* Marks the table at the top as the error of a call: its path, object and method. Its fields are
 * status, code, message, retryable. */
void trace_mark_call(lua_State *L, const char *call);

#endif
