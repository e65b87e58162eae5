/* SPDX-License-Identifier: MIT */
/* The memory of a state: never more than allowed, whatever is asked for in whatever order. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "runner/worker/arena.h"

enum { BLOCKS = 400 };

struct block {
	unsigned char *p;
	size_t n;
	unsigned char fill;
};

static bool intact(const struct block *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] != b->fill)
			return false;
	return true;
}

Test(worker_arena, blocks_keep_their_bytes_and_do_not_overlap)
{
	static struct block blocks[BLOCKS];
	struct arena arena;
	uint32_t seed = 7;
	arena_init(&arena, 8 << 20);
	for (int round = 0; round < 40000; round++) {
		seed = seed * 1664525 + 1013904223;
		struct block *b = &blocks[(seed >> 8) % BLOCKS];
		size_t n = (seed >> 20) % (round % 50 == 0 ? 9000 : 700);
		cr_assert(intact(b), "round %d", round);
		unsigned char *p = arena_resize(&arena, b->p, b->n, n);
		cr_assert(p != NULL || n == 0);
		cr_assert_eq((uintptr_t)p % 16, 0);
		size_t kept = n < b->n ? n : b->n;
		for (size_t i = 0; i < kept; i++)
			cr_assert_eq(p[i], b->fill);
		*b = (struct block){p, n, (unsigned char)round};
		if (n != 0)
			memset(p, b->fill, n);
	}
	cr_assert_leq(arena.held, arena.max);
	cr_assert_leq(arena.held, arena.peak);
	arena_done(&arena);
	cr_assert_eq(arena.held, 0);
}

Test(worker_arena, the_maximum_holds_for_blocks_of_every_size)
{
	static const size_t sizes[] = {1, 16, 17, 512, 513, 100000};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct arena arena;
		size_t got = 0;
		arena_init(&arena, 1 << 20);
		while (arena_resize(&arena, NULL, 0, sizes[i]) != NULL)
			got += sizes[i];
		cr_expect_leq(arena.held, arena.max);
		cr_expect_geq(got, sizes[i] < 16 ? 40000 : 500000, "%zu: %zu", sizes[i], got);
		cr_expect_not(arena.poor);
		arena_done(&arena);
	}
}

Test(worker_arena, changing_sizes_holds_no_more_than_the_maximum)
{
	struct arena arena;
	arena_init(&arena, 1 << 20);
	for (size_t n = 16; n <= 512; n += 16) {
		static void *blocks[70000];
		size_t count = 0;
		while (count < 70000 && (blocks[count] = arena_resize(&arena, NULL, 0, n)) != NULL)
			count++;
		cr_expect_leq(arena.held, arena.max);
		while (count > 0)
			arena_resize(&arena, blocks[--count], n, 0);
	}
	arena_done(&arena);
}

Test(worker_arena, a_block_that_cannot_grow_stays_and_shrinking_gives_room)
{
	struct arena arena;
	arena_init(&arena, 1 << 20);
	char *p = arena_resize(&arena, NULL, 0, 600000);
	cr_assert_not_null(p);
	p[599999] = 'x';
	cr_expect_null(arena_resize(&arena, p, 600000, SIZE_MAX - 5));
	cr_expect_null(arena_resize(&arena, p, 600000, 2 << 20));
	cr_expect_eq(p[599999], 'x');
	p = arena_resize(&arena, p, 600000, 1000);
	cr_assert_not_null(p);
	cr_expect_not_null(arena_resize(&arena, NULL, 0, 900000));
	arena_done(&arena);
}
