/* SPDX-License-Identifier: MIT */
/* Chance that can be repeated: one seed, one sequence. */
#ifndef MOONHOOK_TESTS_CRASH_DICE_H
#define MOONHOOK_TESTS_CRASH_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

/* From $SEED where it is set, else from the clock; *ret_seed is what repeats it. */
struct dice dice_new(uint64_t *ret_seed);
uint64_t dice_next(struct dice *d);
/* 0 .. n - 1 */
int64_t dice_below(struct dice *d, int64_t n);
bool dice_one_in(struct dice *d, int64_t n);

#endif
