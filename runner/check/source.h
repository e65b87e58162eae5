/* SPDX-License-Identifier: MIT */
/* One text that is checked: its bytes, and where its lines begin. */
#ifndef MOONHOOK_RUNNER_CHECK_SOURCE_H
#define MOONHOOK_RUNNER_CHECK_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "runner/check/arena.h"

#define CHECK_SOURCE_MAX (4u << 20) /* bytes */

struct check_source {     /* BORROWS file and text */
	const char *file; /* as it is named to people */
	struct slice text;
	uint32_t begin;        /* where Lua begins: behind a byte order mark and a #! line */
	const uint32_t *lines; /* where each begins */
	size_t lines_n;        /* at least 1 */
};

/* False: the text is too large, or the arena has no room for the lines. */
bool check_source_init(struct check_source *source, const char *file, struct slice text,
	struct check_arena *arena);
/* Counted from 1; `at` is a byte's place, the end of the text too. */
int check_source_line(const struct check_source *source, uint32_t at);
/* In characters, counted from 1; a byte that is no UTF-8 is one. */
int check_source_column(const struct check_source *source, uint32_t at);
/* The text of a line without its end; BORROWS. line: from 1. */
struct slice check_source_text(const struct check_source *source, int line);

#endif
