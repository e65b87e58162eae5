/* SPDX-License-Identifier: MIT */
/* The wall clock is set while runs wait for a time: they wait as long as before. */
#ifndef MOONHOOK_RUNNER_JUMP_H
#define MOONHOOK_RUNNER_JUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct runner;

struct jump {
	int64_t offset_ms; /* of the wall clock to the monotonic one, as this runner sees it */
	bool still;        /* the wall clock is set by hand: it is the time, and never jumps */
};

/* At the start, before the first claim: a clock that shows less than when the store was written
 * last was set back meanwhile. Fails as the store does. */
enum rc jump_start(struct runner *r, struct err *err) must_check;
/* Once per turn, before anything is claimed: a clock that was set moves what waits with it. */
void jump_step(struct runner *r);
/* The wall clock as due times are written and compared: it takes a jump only with them. */
int64_t jump_now_ms(const struct runner *r);

#endif
