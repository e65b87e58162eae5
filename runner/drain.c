/* SPDX-License-Identifier: MIT */
/*
 * Drain.
 * From: the supervisor's drain, SIGTERM, the end of the link. Nothing new is claimed; runs may end
 * as long as something moves, ten seconds at most; those that wait for Twenty are released and stay
 * in their journal. Does not end workers: runner.c does, afterwards.
 */
#include "runner/drain.h"

#include "base/clock.h"
#include "base/log.h"
#include "runner/outcome.h"
#include "runner/state.h"

void drain_start(struct runner *r)
{
	if (r->drain.on)
		return;
	r->drain.on = true;
	r->drain.until_ms = clock_mono_ms() + DRAIN_MS;
	lead_resign(r);
	log_info(NULL, "draining: %zu run%s at work", r->runs.live_n,
		r->runs.live_n == 1 ? "" : "s");
}

/* A run may start soon. Those that keep silent, or wait for an answer to tell an echo, may as well
 * do so in the store. */
static bool any_starts(const struct runner *r)
{
	for (const struct run *run = r->runs.pending; run != NULL; run = run->next)
		if (run->hold_us == 0 && !run->undecided)
			return true;
	return false;
}

/* Something is on the wire, waits for its commit, or is being executed. */
static bool moves(const struct runner *r)
{
	struct client_status status;
	if (r->gate.held != NULL)
		return true;
	for (size_t i = 0; i < r->pool.n; i++) {
		if (r->pool.workers[i].tasks_n != 0)
			return true;
	}
	client_status(r->client, &status);
	return status.in_flight > 0;
}

void drain_step(struct runner *r)
{
	if (!r->drain.on || r->stopped)
		return;
	bool late = clock_mono_ms() >= r->drain.until_ms;
	if (r->runs.live_n != 0 && !late && (any_starts(r) || moves(r)))
		return;
	size_t left = 0;
	for (size_t i = 0; i < r->runs.slots_n && r->fatal == RC_OK; i++) {
		if (r->runs.slots[i].state == RUN_FREE)
			continue;
		outcome_release(r, &r->runs.slots[i]);
		left++;
	}
	if (left != 0)
		log_info(NULL, "%zu run%s in the journal", left, left == 1 ? " stays" : "s stay");
	r->stopped = true;
}
