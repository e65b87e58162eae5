/* SPDX-License-Identifier: MIT */
/*
 * Due times when the wall clock is set.
 * From: runner.c, at the start and every turn. To: queue_due_shift. Due times stand in the store as
 * wall time, for people and because they outlive the machine's uptime; how long a run waits is
 * counted by the monotonic clock. So the difference between the two is watched: where it jumps, all
 * due times jump with it, in the same transaction as whatever else the turn writes. A clock that
 * was set back while no runner ran is noticed by the time at which the store was written last; one
 * that was set forward then cannot be told from time that has passed, and only brings repeats
 * sooner. On a store that is shared the clock of one machine moves nothing: the others wait by
 * theirs. Fails by ending the process where the store fails.
 */
#include "runner/jump.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "runner/state.h"

#define JUMP_MS 1000 /* less is drift, and is followed */

static int64_t offset(void)
{
	return clock_wall_ms() - clock_mono_ms();
}

static enum rc shift(struct runner *r, int64_t by_ms, struct err *err)
{
	int64_t s = (by_ms < 0 ? -by_ms : by_ms) / 1000;
	if (r->lead.shared) {
		log_warn(NULL,
			"the clock of this machine was set %s by %" PRId64 " s: what waits in the "
			"store keeps its time, which is that of all runners; keep their clocks "
			"alike",
			by_ms < 0 ? "back" : "forward", s);
		return RC_OK;
	}
	log_warn(NULL,
		"the clock was set %s by %" PRId64 " s: runs that wait for their next attempt wait "
		"as long as before",
		by_ms < 0 ? "back" : "forward", s);
	enum rc rc = queue_due_shift(r->queue, by_ms, err);
	if (rc == RC_OK)
		gate_wrote(&r->gate);
	return rc;
}

enum rc jump_start(struct runner *r, struct err *err)
{
	r->jump.offset_ms = offset();
	int64_t written_ms = queue_written_ms(r->queue), now_ms = jump_now_ms(r);
	if (written_ms - now_ms < JUMP_MS)
		return RC_OK;
	return shift(r, now_ms - written_ms, err);
}

void jump_step(struct runner *r)
{
	struct err err = {0};
	int64_t now = offset(), by = now - r->jump.offset_ms;
	r->jump.offset_ms = now;
	if (r->jump.still || (by > -JUMP_MS && by < JUMP_MS))
		return;
	if (shift(r, by, &err) != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	timer_again(r);
	tick_again(r, by);
	upkeep_again(r);
}

int64_t jump_now_ms(const struct runner *r)
{
	return r->jump.still ? clock_wall_ms() : clock_mono_ms() + r->jump.offset_ms;
}
