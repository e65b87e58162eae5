/* SPDX-License-Identifier: MIT */
/*
 * What the leader has heard: webhooks are told to the client of whoever routes them alone, and the
 * echoes of what other runners write are heard of here, from the events that were routed.
 */
#ifndef MOONHOOK_RUNNER_HEARSAY_H
#define MOONHOOK_RUNNER_HEARSAY_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/err.h"

struct runner;

struct hearsay {       /* zeroed: nothing was looked at */
	bool known;    /* seq is */
	int64_t seq;   /* of the newest event that was looked at */
	int64_t at_ms; /* mono: of the next look */
	sd_event_source *timer;
};

/* Looks where it is time to. Every turn, the first one before anything can leave for Twenty. Fails
 * by ending the process. */
void hearsay_step(struct runner *r);
void hearsay_stop(struct runner *r);

#endif
