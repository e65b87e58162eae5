/* SPDX-License-Identifier: MIT */
/*
 * Stands in for tests/twin/hook.c.
 * From: world.c of the twin, a change. To: the listener of the simulation, which decides when the
 * delivery arrives. A body that finds no memory is counted as failed. Does not sign.
 */
#include "tests/sim/server/hooks.h"

#include "base/clock.h"

void hooks_send(struct hooks *h, const struct hook_event *event)
{
	struct buf body;
	buf_init(&body, HOOK_BODY_MAX);
	h->stats.queued++;
	if (hook_body(event, clock_wall_ms(), &body) == RC_OK) {
		h->stats.sent++;
		h->told(h->ctx, buf_slice(&body));
	} else {
		h->stats.failed++;
	}
	buf_done(&body);
}

struct hook_stats hooks_stats(struct hooks *h)
{
	return h != NULL ? h->stats : (struct hook_stats){0};
}
