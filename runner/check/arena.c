/* SPDX-License-Identifier: MIT */
/*
 * The memory of one check.
 * From: parser.c (the tree), scope.c, and whoever needs a text that lives as long as the tree.
 * Chunks are only ever added, so that pointers stay good until the end. Fails softly: `poor` says
 * so, and check.c looks at it once.
 */
#include "runner/check/arena.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 65536
#define ALIGN 16

struct check_chunk {
	struct check_chunk *next;
	size_t n;
};

void check_arena_init(struct check_arena *arena, size_t max_bytes)
{
	*arena = (struct check_arena){.max = max_bytes};
}

static bool grow(struct check_arena *arena, size_t n)
{
	size_t head = (sizeof(struct check_chunk) + ALIGN - 1) / ALIGN * ALIGN;
	size_t whole = head + (n > CHUNK_BYTES ? n : CHUNK_BYTES);
	struct check_chunk *chunk = NULL;
	if (whole >= n && whole <= arena->max - arena->held)
		chunk = calloc(1, whole);
	if (chunk == NULL) {
		arena->poor = true;
		return false;
	}
	chunk->next = arena->chunks;
	chunk->n = whole;
	arena->chunks = chunk;
	arena->held += whole;
	arena->at = (char *)chunk + head;
	arena->end = (char *)chunk + whole;
	return true;
}

void *check_arena_take(struct check_arena *arena, size_t n)
{
	size_t whole = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (whole < n || arena->poor)
		return NULL;
	if ((size_t)(arena->end - arena->at) < whole && !grow(arena, whole))
		return NULL;
	void *p = arena->at;
	arena->at += whole;
	return p;
}

char *check_arena_copy(struct check_arena *arena, const char *p, size_t n)
{
	char *copy = check_arena_take(arena, n + 1);
	if (copy != NULL && n > 0)
		memcpy(copy, p, n);
	return copy;
}

void check_arena_done(struct check_arena *arena)
{
	while (arena->chunks != NULL) {
		struct check_chunk *gone = arena->chunks;
		arena->chunks = gone->next;
		free(gone);
	}
	*arena = (struct check_arena){.max = arena->max};
}
