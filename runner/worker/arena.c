/* SPDX-License-Identifier: MIT */
/*
 * The memory of one Lua state.
 * From: state.c, as Lua's allocator. Fails with NULL at the maximum. Gives nothing back to malloc
 * before the end but large blocks.
 */
#include "runner/worker/arena.h"

#include <stdlib.h>
#include <string.h>

#include "runner/worker/sanitized.h"

#define CHUNK_LEAST ((size_t)16 << 10) /* for small runs, most are */
#define CHUNK_MOST ((size_t)128 << 10) /* once a state holds as much */

struct arena_block { /* a free small block */
	struct arena_block *next;
};

struct arena_chunk { /* in front of its blocks */
	struct arena_chunk *next;
	size_t unused; /* keeps the blocks aligned to ARENA_STEP */
};

struct arena_large { /* in front of a large block */
	struct arena_large *next, **at;
};

void arena_init(struct arena *arena, size_t max_bytes)
{
	*arena = (struct arena){.max = max_bytes, .small_max = SANITIZED ? 0 : ARENA_SMALL_MAX};
}

void arena_done(struct arena *arena)
{
	while (arena->chunks != NULL) {
		struct arena_chunk *chunk = arena->chunks;
		arena->chunks = chunk->next;
		free(chunk);
	}
	while (arena->larges != NULL) {
		struct arena_large *large = arena->larges;
		arena->larges = large->next;
		free(large);
	}
	arena_init(arena, arena->max);
}

/* Counts n more bytes; false where they are too many. */
static bool count(struct arena *arena, size_t n)
{
	if (n > arena->max - arena->held)
		return false;
	arena->held += n;
	if (arena->held > arena->peak)
		arena->peak = arena->held;
	return true;
}

static void *uncount(struct arena *arena, size_t n)
{
	arena->held -= n;
	arena->poor = true;
	return NULL;
}

/* --- large blocks ---------------------------------------------------------------------------- */

static void link_large(struct arena *arena, struct arena_large *large)
{
	large->next = arena->larges;
	large->at = &arena->larges;
	if (large->next != NULL)
		large->next->at = &large->next;
	arena->larges = large;
}

static void unlink_large(struct arena_large *large)
{
	*large->at = large->next;
	if (large->next != NULL)
		large->next->at = large->at;
}

static void *take_large(struct arena *arena, size_t n)
{
	if (n > SIZE_MAX - sizeof(struct arena_large) || !count(arena, n))
		return NULL;
	struct arena_large *large = malloc(sizeof(*large) + n);
	if (large == NULL)
		return uncount(arena, n);
	link_large(arena, large);
	return large + 1;
}

static void give_large(struct arena *arena, void *block, size_t n)
{
	struct arena_large *large = (struct arena_large *)block - 1;
	unlink_large(large);
	arena->held -= n;
	free(large);
}

static void *resize_large(struct arena *arena, void *block, size_t old_n, size_t n)
{
	struct arena_large *large = (struct arena_large *)block - 1;
	if (n > old_n && !count(arena, n - old_n))
		return NULL;
	unlink_large(large);
	struct arena_large *moved = realloc(large, sizeof(*large) + n);
	if (moved == NULL) {
		link_large(arena, large);
		return n > old_n ? uncount(arena, n - old_n) : block;
	}
	if (n < old_n)
		arena->held -= old_n - n;
	link_large(arena, moved);
	return moved + 1;
}

/* --- small blocks ---------------------------------------------------------------------------- */

static size_t class_of(size_t n)
{
	return (n + ARENA_STEP - 1) / ARENA_STEP;
}

static void give_small(struct arena *arena, void *block, size_t n)
{
	struct arena_block *freed = block;
	freed->next = arena->free[class_of(n)];
	arena->free[class_of(n)] = freed;
}

/* Puts what is left of a chunk into the lists, so that nothing is lost. */
static void use_up(struct arena *arena)
{
	size_t left = (size_t)(arena->end - arena->at);
	while (left >= ARENA_STEP) {
		size_t n = left < arena->small_max ? left : arena->small_max;
		give_small(arena, arena->at, n);
		arena->at += n;
		left -= n;
	}
}

static bool add_chunk(struct arena *arena)
{
	size_t n = arena->held < CHUNK_MOST ? CHUNK_LEAST : CHUNK_MOST;
	if (n > arena->max - arena->held)
		n = CHUNK_LEAST;
	if (!count(arena, n))
		return false;
	struct arena_chunk *chunk = malloc(n);
	if (chunk == NULL) {
		uncount(arena, n);
		return false;
	}
	use_up(arena);
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->at = (char *)(chunk + 1);
	arena->end = (char *)chunk + n;
	return true;
}

/* A block of a larger class, cut in two; the last way before the maximum. */
static void *split_larger(struct arena *arena, size_t class)
{
	for (size_t c = class + 1; c < ARENA_CLASSES; c++) {
		struct arena_block *block = arena->free[c];
		if (block == NULL)
			continue;
		arena->free[c] = block->next;
		give_small(arena, (char *)block + class * ARENA_STEP, (c - class) * ARENA_STEP);
		return block;
	}
	return NULL;
}

static void *take_small(struct arena *arena, size_t n)
{
	size_t class = class_of(n);
	struct arena_block *block = arena->free[class];
	if (block != NULL) {
		arena->free[class] = block->next;
		return block;
	}
	n = class * ARENA_STEP;
	if ((size_t)(arena->end - arena->at) < n && !add_chunk(arena))
		return split_larger(arena, class);
	block = (struct arena_block *)arena->at;
	arena->at += n;
	return block;
}

/* --- either ---------------------------------------------------------------------------------- */

static void *take(struct arena *arena, size_t n)
{
	return n <= arena->small_max ? take_small(arena, n) : take_large(arena, n);
}

static void give(struct arena *arena, void *block, size_t n)
{
	if (n <= arena->small_max)
		give_small(arena, block, n);
	else
		give_large(arena, block, n);
}

void *arena_resize(struct arena *arena, void *old, size_t old_n, size_t n)
{
	if (old == NULL)
		return n != 0 ? take(arena, n) : NULL;
	if (n == 0) {
		give(arena, old, old_n);
		return NULL;
	}
	bool was_small = old_n <= arena->small_max, is_small = n <= arena->small_max;
	if (was_small && is_small && class_of(n) == class_of(old_n))
		return old;
	if (!was_small && !is_small)
		return resize_large(arena, old, old_n, n);
	void *moved = take(arena, n);
	if (moved == NULL && n < old_n && was_small)
		return old; /* the end of the block is lost, no more */
	if (moved == NULL)
		return NULL;
	memcpy(moved, old, n < old_n ? n : old_n);
	give(arena, old, old_n);
	return moved;
}
