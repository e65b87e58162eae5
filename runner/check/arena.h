/* SPDX-License-Identifier: MIT */
/* Memory of one check: taken piece by piece, given back at once. Not thread-safe. */
#ifndef MOONHOOK_RUNNER_CHECK_ARENA_H
#define MOONHOOK_RUNNER_CHECK_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct check_chunk;

struct check_arena { /* zero is empty, with no bytes allowed */
	struct check_chunk *chunks;
	char *at, *end;   /* what is left of the newest chunk */
	size_t held, max; /* bytes */
	bool poor;        /* something was asked for that could not be had */
};

void check_arena_init(struct check_arena *arena, size_t max_bytes);
/* n bytes of zeros, aligned for anything; NULL past the maximum or where memory is short. BORROWS
 * until check_arena_done. */
void *check_arena_take(struct check_arena *arena, size_t n);
/* A terminated copy; NULL as above. */
char *check_arena_copy(struct check_arena *arena, const char *p, size_t n);
/* Accepts a done arena. */
void check_arena_done(struct check_arena *arena);

#endif
