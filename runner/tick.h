/* SPDX-License-Identifier: MIT */
/*
 * Rules by the clock: `every` and `cron`.
 *
 *   last fired --(schedule)--> next --its time comes--> event and run --routed--> last fired
 *
 * Which tick was the last is in the store, written in the transaction of its event: one fires once,
 * over any restart. Those that were missed are made up as one, with the time of the last of them. A
 * tick whose predecessor's run has not ended waits for that, and so do all that come meanwhile, as
 * one; of a paused rule they are the one that waits already. A schedule that is new or was changed
 * counts from when it was first seen.
 *
 * A clock that is set moves `every`, which is so long from one tick to the next, and not `cron`,
 * whose times have names: none of them fires twice. Only where the last one is more than a day
 * ahead was the clock wrong when it fired, and the line begins anew.
 */
#ifndef MOONHOOK_RUNNER_TICK_H
#define MOONHOOK_RUNNER_TICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct runner;
struct ruleset;
struct tick; /* of one rule; tick.c */

struct ticks { /* zeroed: nothing is known */
	struct tick *p;
	size_t n;
	struct ruleset *rules; /* that they are of */
	int64_t last_number;
	bool known; /* what the store says of them */
	bool look;  /* a run may have ended that one waits for */
};

/* Once per turn, and while it says true: there are events to be routed. */
bool tick_step(struct runner *r);
/* The clock was set by so much: what the store says has moved. */
void tick_again(struct runner *r, int64_t by_ms);
void ticks_close(struct ticks *ticks);

#endif
