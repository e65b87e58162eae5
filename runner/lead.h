/* SPDX-License-Identifier: MIT */
/*
 * One runner among several on one store (queue/cluster.h): signs of life, and the lead.
 *
 * The leader alone routes, fires timers and cron, fills gaps, prunes, erases what rules erased,
 * holds the rules against the workspace, and tells of issues; every runner claims runs and carries
 * them out. The rules of the leader decide which events make runs; how a run is carried out (its
 * cpu, timeout, fresh ..) the rules of whoever claims it say, and its source is the one that it was
 * born with, from the store. The clocks of machines differ: one that is set moves nothing in a
 * store that is shared.
 *
 * Nothing may leave for Twenty behind the end of the lease, when others may do the same: the client
 * asks right before it sends (lead_may_send).
 */
#ifndef MOONHOOK_RUNNER_LEAD_H
#define MOONHOOK_RUNNER_LEAD_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/err.h"

struct runner;
struct order;

#define LEAD_SPARE_MS                                                                              \
	2000 /* of the lease, in which nothing is begun: what left has time to arrive */

struct lead {
	bool on;      /* it leads */
	bool granted; /* as the last sign of life was answered; on follows between two steps */
	bool shared;  /* others may be at work on the store */
	int64_t beat_at_ms;           /* mono: the next sign of life; INT64_MAX: nobody wants one */
	int64_t until_ms;             /* mono: of the lease */
	int runners_n;                /* alive */
	sd_event_source *told, *anew; /* of queue_wake_fd; a look behind it */
};

/* The first sign of life, before anything else is done with the store. As queue_beat, RC_NOMEM. */
enum rc lead_start(struct runner *r, struct err *err) must_check;
void lead_stop(struct runner *r);
/* A sign of life where it is time for one. Cheap: call it between any two steps of a turn. The lead
 * may be gone or new behind it. Fails by ending the process. */
void lead_step(struct runner *r);
/* For client_permit: is the lease good for long enough? Where it is not, it is renewed; where that
 * cannot be, the process ends. */
bool lead_may_send(void *runner);
/* The runner takes up nothing any more: the lead is for others. */
void lead_resign(struct runner *r);
/* An order that only the leader can carry out. False: it is refused, with the leader's name. */
bool lead_takes(struct runner *r, struct order *order);

#endif
