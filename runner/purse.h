/* SPDX-License-Identifier: MIT */
/*
 * The API budget, of which this runner has its part where others work on the store, too.
 *
 * Nobody grants: the budget is a value with a version in the store (queue/purse.h), and each runner
 * takes its slice of it by putting the next value in the place of the one it has read
 * (client/purse.h). So the total holds whoever leads, or dies, or is one of two that think they
 * lead; the death of a leader costs nothing here, that of any runner the places that it had in
 * hand: one, and in a burst after a rest up to 64, which count as used for a minute. A slice ends
 * by itself: a place may be used until its time is over (PURSE_LATE_MS), not until a lease ends,
 * and what was not used goes back with the next question. What one learns by a refusal stands in
 * the value, and holds for all.
 *
 * Calls wait in the runner until it has a place, and those that are alike leave together with it:
 * places go in turn to those who have calls.
 */
#ifndef MOONHOOK_RUNNER_PURSE_H
#define MOONHOOK_RUNNER_PURSE_H

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "base/err.h"

struct runner;

struct purse_door { /* zeroed: the budget is ours alone */
	sd_event_source *io, *timer;
	bool told; /* that it cannot be reached */
};

/* Before the first call of the client. Where the store is not shared nothing happens. RC_NOMEM. */
enum rc purse_open(struct runner *r, struct err *err) must_check;
void purse_close(struct runner *r);

#endif
