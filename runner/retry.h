/* SPDX-License-Identifier: MIT */
/* When a failed run is tried again. */
#ifndef MOONHOOK_RUNNER_RETRY_H
#define MOONHOOK_RUNNER_RETRY_H

#include <stdint.h>

#define RETRY_MAX 8 /* repeats, where a rule does not say */
#define RETRY_CAP_MS (15 * 60 * 1000)
#define RETRY_WAIT_MS 10000 /* the middle, for what gets better by itself */

/* Milliseconds to wait after the attempt-th (from 1) attempt failed: 1 s, 2 s, 4 s .. 15 min, give
 * or take a quarter, so that runs that failed together do not come back together. chance: any 32
 * random bits. */
int64_t retry_delay_ms(int attempt, uint32_t chance);
/* For what uses up no attempt. */
int64_t retry_wait_ms(uint32_t chance);

#endif
