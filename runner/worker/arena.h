/* SPDX-License-Identifier: MIT */
/*
 * The memory of one Lua state: small blocks cut from chunks and kept in lists by size, large ones
 * from malloc; all of it given back at once when the state ends, without walking what Lua built.
 * What counts against the maximum is what was taken from malloc, so that no pattern of use holds
 * more than allowed. Not thread-safe; a block's size is known by its owner, as Lua does.
 */
#ifndef MOONHOOK_RUNNER_WORKER_ARENA_H
#define MOONHOOK_RUNNER_WORKER_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_SMALL_MAX 512 /* bytes; larger blocks come from malloc */
#define ARENA_STEP 16
#define ARENA_CLASSES (ARENA_SMALL_MAX / ARENA_STEP + 1)

struct arena_block;
struct arena_large;
struct arena_chunk;

struct arena {
	struct arena_block *free[ARENA_CLASSES]; /* by size in steps */
	char *at, *end;                          /* what is left of the newest chunk */
	struct arena_chunk *chunks;
	struct arena_large *larges;
	size_t chunk_n;         /* bytes of the newest chunk */
	size_t small_max;       /* 0 under AddressSanitizer, so that it sees every block */
	size_t held, peak, max; /* bytes */
	bool poor;              /* malloc had nothing, though the maximum was not reached */
};

void arena_init(struct arena *arena, size_t max_bytes);
/* Frees every block. Accepts a done arena. */
void arena_done(struct arena *arena);
/* As realloc: old_n is the size old was asked for with (0 where old is NULL), n 0 frees. NULL: the
 * maximum is reached or poor; old is then as it was. Making smaller does not fail. */
void *arena_resize(struct arena *arena, void *old, size_t old_n, size_t n);

#endif
