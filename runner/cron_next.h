/* SPDX-License-Identifier: MIT */
/*
 * When a cron line's ticks are, in a time zone.
 *
 * A tick has the time that a clock on the wall there shows. Where the clock jumps over it (spring),
 * the tick is at the jump, the next minute that exists; several that the clock jumps over are one
 * tick then. Where it shows the time twice (autumn), the tick is at the first of them only: a line
 * for every quarter of an hour pauses for the hour that comes again.
 */
#ifndef MOONHOOK_RUNNER_CRON_NEXT_H
#define MOONHOOK_RUNNER_CRON_NEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zone.h"
#include "runner/cron.h"

/* The first tick later than after_ms (wall). False: there is none within 50 years. */
bool cron_next(const struct cron *cron, struct zone *zone, int64_t after_ms, int64_t *ret_ms);
/* The last tick later than after_ms and not later than now_ms. False: there is none. How much it
 * costs does not depend on how many ticks lie between them. */
bool cron_last(const struct cron *cron, struct zone *zone, int64_t after_ms, int64_t now_ms,
	int64_t *ret_ms);

#endif
