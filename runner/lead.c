/* SPDX-License-Identifier: MIT */
/*
 * Who leads, and whether we may go on.
 * From: runner.c between the steps of every turn; the client, before it sends. To: queue_beat; the
 * steps that only the leader takes, which begin anew with the lead and are dropped with it: what
 * they had not committed the next one does. Fails by ending the process, whose successor begins
 * anew under another lease.
 */
#include "runner/lead.h"

#include <stdio.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "queue/cluster.h"
#include "runner/order_kinds.h"
#include "runner/rename.h"
#include "runner/state.h"

/* --- the lead comes and goes ------------------------------------------------------------------ */

/* What the one before has left is in the store; nothing that we knew of it holds. */
static void take(struct runner *r)
{
	struct err err = {0};
	r->lead.on = true;
	r->route.backlog = r->route.wanted = true;
	r->orders.pausing = true; /* perhaps */
	r->erasures = (struct erasures){.none = false};
	if (gap_start(r, &err) != RC_OK)
		runner_fatal(r, &err);
	if (r->lead.shared)
		log_info(NULL, "this runner leads the store (%d at work on it)", r->lead.runners_n);
	if (r->rules.live != NULL) /* now ours are those that decide */
		rules_publish(r);
}

/* Events that were born here are born again where the next leader looks. */
static void drop(struct runner *r)
{
	r->lead.on = false;
	gap_drop(r);
	route_close(r);
	ticks_close(&r->ticks);
	r->timers = (struct timers){.known = false};
	orders_again_clear(&r->orders);
	erasure_drop(r);
}

static void lose(struct runner *r)
{
	drop(r);
	if (!r->drain.on)
		log_warn(
			NULL, "another runner leads the store now: this one goes on with its runs");
}

static void tell_rescued(size_t n)
{
	if (n == 0)
		return;
	metrics_add(METRIC_RUNS_RESCUED, n);
	log_warn(NULL, "%zu run%s of a runner that gives no sign of life %s due again", n,
		n == 1 ? "" : "s", n == 1 ? "is" : "are");
}

/* --- signs of life ---------------------------------------------------------------------------- */

static enum rc beat(struct runner *r, struct err *err)
{
	struct queue_beat beat = {0};
	struct lead *lead = &r->lead;
	enum rc rc = queue_beat(r->queue, &beat, err);
	if (rc != RC_OK)
		return rc;
	lead->until_ms = beat.until_mono_ms;
	lead->runners_n = beat.runners_n;
	lead->beat_at_ms = lead->shared ? clock_mono_ms() + QUEUE_BEAT_MS : INT64_MAX;
	tell_rescued(beat.rescued_n);
	if (beat.rescued_n != 0)
		r->route.backlog = true;
	lead->granted = beat.leads;
	metrics_set(METRIC_RUNNERS, lead->runners_n);
	return RC_OK;
}

static void beat_or_end(struct runner *r)
{
	struct err err = {0};
	if (r->fatal == RC_OK && beat(r, &err) != RC_OK)
		runner_fatal(r, &err);
}

/* Not from within a sign of life, which may be given in the middle of something. */
static void follow(struct runner *r)
{
	struct lead *lead = &r->lead;
	if (lead->granted == lead->on || r->fatal != RC_OK)
		return;
	if (!lead->granted)
		lose(r);
	else if (r->drain.on)
		lead_resign(r);
	else
		take(r);
	metrics_set(METRIC_RUNNER_LEADS, lead->on);
}

/* What the leader has renamed since the last sign of life. */
static void follow_names(struct runner *r)
{
	struct err err = {0};
	if (r->fatal == RC_OK && !r->lead.on && r->rules.live != NULL &&
		rename_follow(r, r->rules.live, &err) != RC_OK)
		runner_fatal(r, &err);
}

void lead_step(struct runner *r)
{
	bool beats = clock_mono_ms() >= r->lead.beat_at_ms;
	if (beats)
		beat_or_end(r);
	follow(r);
	if (beats)
		follow_names(r);
}

bool lead_may_send(void *runner)
{
	struct runner *r = runner;
	if (r->fatal != RC_OK)
		return false;
	if (r->lead.until_ms == INT64_MAX || clock_mono_ms() < r->lead.until_ms - LEAD_SPARE_MS)
		return true;
	beat_or_end(r);
	return r->fatal == RC_OK;
}

void lead_resign(struct runner *r)
{
	struct err err = {0};
	drop(r);
	if (r->lead.granted && r->fatal == RC_OK && queue_resign(r->queue, &err) != RC_OK)
		runner_fatal(r, &err);
	r->lead.granted = false;
	metrics_set(METRIC_RUNNER_LEADS, 0);
}

/* --- what others tell ------------------------------------------------------------------------- */

#define ANEW_US                                                                                    \
	UINT64_C(25000) /* what came right behind was not told, and has been committed by then */

static int on_anew(sd_event_source *source, uint64_t at_us, void *ctx)
{
	struct runner *r = ctx;
	(void)source, (void)at_us;
	r->route.wanted = r->route.backlog = true;
	return 0;
}

/* Deliveries have come, runs have become due, a rule was paused: all of it is looked for, now and
 * once more. */
static int on_told(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct runner *r = ctx;
	struct err err = {0};
	bool any = false;
	(void)source, (void)fd, (void)events;
	if (r->fatal != RC_OK)
		return 0;
	if (queue_woken(r->queue, &any, &err) != RC_OK) {
		runner_fatal(r, &err);
		return 0;
	}
	if (!any)
		return 0;
	r->route.wanted = r->route.backlog = true;
	(void)sd_event_source_set_time_relative(r->lead.anew, ANEW_US);
	(void)sd_event_source_set_enabled(r->lead.anew, SD_EVENT_ONESHOT);
	return 0;
}

enum rc lead_start(struct runner *r, struct err *err)
{
	int fd = queue_wake_fd(r->queue), n = 0;
	r->lead.shared = queue_shared(r->queue);
	if (fd >= 0)
		n = sd_event_add_io(r->loop, &r->lead.told, fd, EPOLLIN, on_told, r);
	if (fd >= 0 && n >= 0)
		n = sd_event_add_time_relative(
			r->loop, &r->lead.anew, CLOCK_MONOTONIC, ANEW_US, 1000, on_anew, r);
	if (n < 0)
		return err_set_errno(err, RC_NOMEM, -n, "cannot listen to the store");
	enum rc rc = beat(r, err);
	if (rc != RC_OK)
		return rc;
	if (r->client != NULL)
		client_permit(r->client, lead_may_send, r);
	follow(r);
	if (r->lead.shared && !r->lead.on)
		log_info(NULL, "another runner leads the store (%d at work on it)",
			r->lead.runners_n);
	return r->fatal == RC_OK ? RC_OK : err_set(err, r->fatal, "the lead cannot be taken");
}

void lead_stop(struct runner *r)
{
	r->lead.told = sd_event_source_disable_unref(r->lead.told);
	r->lead.anew = sd_event_source_disable_unref(r->lead.anew);
	if (r->client != NULL)
		client_permit(r->client, NULL, NULL);
}

/* --- orders ----------------------------------------------------------------------------------- */

static enum rc find_leader(void *ctx, const struct queue_peer *peer, struct err *err)
{
	char *name = ctx;
	(void)err;
	if (peer->leads)
		snprintf(name, 160, "%.150s", peer->name);
	return RC_OK;
}

bool lead_takes(struct runner *r, struct order *order)
{
	struct err err = {0};
	char name[160] = "";
	if (r->lead.on)
		return true;
	if (queue_peer_each(r->queue, find_leader, name, &err) != RC_OK)
		order_refuse_err(order, &err);
	else
		order_refuse(order, RC_BUSY,
			"that is for the runner that leads the store (%s): give the order where it "
			"runs",
			name[0] != '\0' ? name : "none does now; try again");
	return false;
}
