/* SPDX-License-Identifier: MIT */
/*
 * Effects that other runners of the store have under way (queue/flight.h): as flight.h, which knows
 * our own, but as of the last look.
 */
#ifndef MOONHOOK_RUNNER_ABROAD_H
#define MOONHOOK_RUNNER_ABROAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runner/flight.h"

struct runner;
struct abroad_flight;

struct abroad { /* zeroed: none are known */
	struct abroad_flight *list;
	size_t n;
	int64_t at_us; /* mono: of the look */
	bool stale;    /* runs were taken up since: what brought their events about began before */
};

/* Asks the store, where it is shared; behind the reading of the events that are to be judged. As
 * queue_flight_each, RC_NOMEM. */
enum rc abroad_look(struct runner *r, struct err *err) must_check;
/* The same where the last look was too long ago for runs that are to start. Fails by ending the
 * process. */
void abroad_refresh(struct runner *r);
/* May the event be what one of them did? */
bool abroad_meets(const struct runner *r, const struct flight_event *event);
void abroad_done(struct abroad *abroad);

#endif
