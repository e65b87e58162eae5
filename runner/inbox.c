/* SPDX-License-Identifier: MIT */
/*
 * Deliveries that have to go, on a shared store.
 * From: upkeep.c, now and then; order_erase.c. To: queue_prune and queue_scrub, by a handle of its
 * own, which is opened where it is needed: a bite ends with its own commit, while what the runner
 * writes stays open for long. What is open is committed first, or the two would wait for each
 * other. Where the handle fails it is closed, said once, and opened again the next time.
 */
#include "runner/inbox.h"

#include "base/clock.h"
#include "base/log.h"
#include "queue/cluster.h"
#include "queue/erase.h"
#include "queue/patience.h"
#include "queue/place.h"
#include "runner/state.h"

#define BITE 500 /* rows removed at once */

static void fail(struct inbox *inbox, const struct err *err)
{
	if (!inbox->told)
		log_warn(&(struct log_fields){.cause = rc_name(err->code)},
			"old and erased deliveries stay in the store for now: %s", err->msg);
	inbox->told = true;
	inbox_close(inbox);
}

/* False where there is nothing to do, or not now. */
static bool open_inbox(struct runner *r)
{
	struct inbox *inbox = &r->inbox;
	struct queue_place place;
	struct err err = {0};
	if (!queue_shared(r->queue) || r->fatal != RC_OK)
		return false;
	if (gate_force(&r->gate, &err) != RC_OK) {
		runner_fatal(r, &err);
		return false;
	}
	if (inbox->queue != NULL)
		return true;
	queue_place_of(r->conf, &place);
	if (queue_place_open(&place, QUEUE_RECEIVER, 0, &inbox->queue, &err) != RC_OK) {
		fail(inbox, &err);
		return false;
	}
	queue_patience(inbox->queue, QUEUE_LONG_MS);
	return true;
}

bool inbox_scrub(struct runner *r)
{
	struct err err = {0};
	bool more = false;
	if (!open_inbox(r))
		return false;
	if (queue_scrub(r->inbox.queue, &more, &err) != RC_OK) {
		fail(&r->inbox, &err);
		return false;
	}
	r->inbox.told = false;
	return more;
}

bool inbox_prune(struct runner *r)
{
	struct err err = {0};
	size_t n = 0;
	if (!r->lead.on || !open_inbox(r))
		return false;
	enum rc rc =
		queue_prune(r->inbox.queue, &r->settings.keep, clock_wall_ms(), BITE, &n, &err);
	if (rc != RC_OK) {
		fail(&r->inbox, &err);
		return false;
	}
	return inbox_scrub(r) || n == BITE;
}

void inbox_close(struct inbox *inbox)
{
	queue_close(inbox->queue);
	inbox->queue = NULL;
}
