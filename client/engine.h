/* SPDX-License-Identifier: MIT */
/*
 * Which request goes out when. Calls wait in four lanes; the engine takes the next one when the
 * line is up, the budget allows it and there is room on the wire, and repeats what failed where a
 * repeat is safe. This is where calls could be put together into fewer requests: between lane and
 * wire.
 */
#ifndef MOONHOOK_CLIENT_ENGINE_H
#define MOONHOOK_CLIENT_ENGINE_H

#include <systemd/sd-event.h>

#include "client/budget.h"
#include "client/call.h"
#include "client/line.h"
#include "client/objects.h"
#include "client/probe.h"
#include "client/transport.h"

struct lane { /* calls in order of their tickets */
	struct call *head, *tail;
};

struct engine {
	sd_event *loop;
	struct transport *transport;
	struct budget budget;
	struct line line;
	struct probe probe;
	struct objects objects;
	struct schema *schema; /* of the workspace; NULL: not read (yet) */
	char *key;             /* so that a message that holds it can be told */
	struct lane ready[CLIENT_LANE_N];
	struct lane delayed;
	struct lane blocked;
	struct call *all;
	sd_event_source *wake; /* something to do before the loop sleeps */
	sd_event_source *timer;
	int64_t timer_at_ms; /* mono: what the timer is armed for; -1: off */
	bool pumping, closing;
	uint64_t next_ticket;
	int64_t calls, requests, waiting, on_wire; /* waiting: not on the wire, not answered */
};

struct engine_conf {           /* BORROWS until engine_open returns */
	const char *url, *key; /* both checked */
	const char *dialect;   /* "auto" "core" "docs" */
	int64_t per_hour;      /* requests; 0: unlimited */
	int64_t deadline_ms;   /* of one request */
};

enum rc engine_open(struct engine *e, const struct engine_conf *conf, sd_event *loop,
	struct err *err) must_check;
/* Answers what is outstanding with RC_CLOSED. Accepts a zeroed engine. */
void engine_close(struct engine *e);
/* TAKES call. */
void engine_add(struct engine *e, struct call *call);
void engine_cancel(struct engine *e, uint64_t ticket);
/* The call waits until engine_unblock. Only from its first step; it will be started again. */
void engine_block(struct call *call);
void engine_unblock(struct call *call);
void engine_wake(struct engine *e);

void call_free(struct call *call);

#endif
