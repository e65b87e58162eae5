/* SPDX-License-Identifier: MIT */
/*
 * Which lines of rule files ran: for tests with coverage alone. A line hook of every state that is
 * opened while it is on; the daemon's workers never turn it on, and pay nothing.
 */
#ifndef MOONHOOK_RUNNER_WORKER_COVER_H
#define MOONHOOK_RUNNER_WORKER_COVER_H

#include <stdint.h>

#include <lua.h>

#include "base/buf.h"

#define COVER_FILES_MAX 64
#define COVER_LINES_MAX 65536

struct cover_file {
	char name[128];
	uint8_t *bits; /* owned; line n is bit n */
};

struct cover {
	struct cover_file files[COVER_FILES_MAX];
	size_t n;
};

/* Has the lines of L, and of threads made in it, noted in the cover of its kit. */
void cover_watch(lua_State *L);
/* Appends {"a.lua": [1, 2, ..], ..}. RC_TOO_LARGE, RC_NOMEM. */
enum rc cover_put(const struct cover *cover, struct buf *out) must_check;
/* Appends the lines that have code, [1, 2, ..]: code is a chunk that lua_dump has written in this
 * process, with its lines. A function's last instruction, which returns where its end is reached,
 * does not count. RC_PARSE: it is of another form; RC_TOO_LARGE, RC_NOMEM. */
enum rc cover_put_lines(const struct buf *code, struct buf *out) must_check;
/* Accepts NULL. */
void cover_free(struct cover *cover);

#endif
