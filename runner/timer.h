/* SPDX-License-Identifier: MIT */
/*
 * Timers that are due become events, each for one rule: at the event's routing, in one transaction
 * with it, the timer is taken.
 */
#ifndef MOONHOOK_RUNNER_TIMER_H
#define MOONHOOK_RUNNER_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct runner;

/* An event of a timer of so long begins a chain of cause; of a shorter one it is the next step of
 * that of the run that armed it. */
#define TIMER_ANEW_MS 60000

struct timers { /* zeroed: the store has not been asked */
	bool known;
	int64_t next_ms; /* wall: when the next is due; INT64_MAX: none is armed */
	size_t births_n; /* events that are on their way to be routed */
};

/* Once per turn, and while it says true: there are events to be routed. */
bool timer_step(struct runner *r);
/* One was armed. */
void timer_expect(struct runner *r, int64_t due_ms);
/* They have moved. */
void timer_again(struct runner *r);

#endif
