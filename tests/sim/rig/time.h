/* SPDX-License-Identifier: MIT */
/*
 * The time of a simulation. It stands still while anything runs and jumps when everything waits.
 * Every clock of base/clock.h but the processor's shows it, and the event loop of loop.c runs on
 * it; what would be random elsewhere comes from one seed, so that a run can be repeated.
 */
#ifndef MOONHOOK_TESTS_SIM_TIME_H
#define MOONHOOK_TESTS_SIM_TIME_H

#include <stdint.h>

/* Monday 2026-11-23, nine o'clock; an hour after the machine was started. */
void time_begin(uint64_t seed);
int64_t time_us(void); /* mono */
/* Never back. */
void time_jump(int64_t to_us);
/* 0 .. n - 1, of the seed. */
uint64_t time_dice(uint64_t n);

#endif
