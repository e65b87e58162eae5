/* SPDX-License-Identifier: MIT */
/* The way out: nothing new is begun, what is under way may end, the rest stays in its journal. */
#ifndef MOONHOOK_RUNNER_DRAIN_H
#define MOONHOOK_RUNNER_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#define DRAIN_MS 10000

struct runner;

struct drain {
	bool on;
	int64_t until_ms; /* mono */
};

/* Begins it; a second time does nothing. */
void drain_start(struct runner *r);
/* Ends it, and the loop, when nothing can move any more or the time is over. Call it every turn. */
void drain_step(struct runner *r);

#endif
