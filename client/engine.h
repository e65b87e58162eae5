/* SPDX-License-Identifier: MIT */
/*
 * Which request goes out when. Calls wait in four lanes; the engine takes the next one when the
 * line is up, the budget allows it and there is room on the wire, and repeats what failed where a
 * repeat is safe. While there is less budget than there are calls, alike ones go together
 * (bundle.h) and nothing overtakes a call on the same record.
 */
#ifndef MOONHOOK_CLIENT_ENGINE_H
#define MOONHOOK_CLIENT_ENGINE_H

#include <systemd/sd-event.h>

#include "client/call.h"
#include "client/hearing.h"
#include "client/lacks.h"
#include "client/line.h"
#include "client/objects.h"
#include "client/probe.h"
#include "client/ration.h"
#include "client/transport.h"

struct coalesce { /* what may be put together (bundle.h) */
	bool read, get, create, duplicates, update, upsert;
};

struct engine {
	sd_event *loop;
	struct transport *transport;
	struct ration ration;
	struct line line;
	struct probe probe;
	struct objects objects;
	struct lacks lacks;
	struct schema *schema; /* owned; of the workspace; NULL: not read (yet) */
	unsigned schema_n;     /* how often it was read */
	bool schema_due;       /* it is to be read (again) before calls go */
	int64_t schema_ms;     /* mono: when it was asked for last */
	int asking;            /* the question that is on its way (question.c) */
	char *key;             /* so that a message that holds it can be told */
	struct coalesce coalesce;
	struct hearing hearing;
	struct lane ready[CLIENT_LANE_N];
	int64_t ready_n; /* in all of them */
	struct lane delayed;
	struct lane blocked;
	struct lane wire; /* those whose requests are on their way */
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
	const char *ca;        /* file; NULL: what the machine trusts */
	int64_t per_hour;      /* requests; 0: unlimited */
	int64_t deadline_ms;   /* of one request */
	struct coalesce coalesce;
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
/* A request goes out and costs. */
void engine_count(struct engine *e, int64_t now_ms);

void call_free(struct call *call);

/* Do calls wait for budget? */
bool engine_short(const struct engine *e);
/* May such requests be put together? */
bool engine_joins(const struct engine *e, enum share_kind kind);

/* For bundles. A carrier in the name of a call, in no list yet; NULL: no memory. */
struct call *engine_carrier(struct engine *e, const struct call *head);
/* Takes a call that is to ride out of its lane. */
void engine_ride(struct call *call);
/* Hands a reply to a call that is in no list; it goes on as its step says. */
void engine_reply(struct call *call, const struct reply *reply);
/* A call that is in no list: to its lane, or, after call_await, to those that wait. */
void engine_return(struct call *call);
void engine_await(struct call *call);
/* A call for nobody but ourselves, before all others. TAKES args. False: no memory, and done is not
 * called. */
bool engine_own(struct engine *e, enum client_op op, const char *object, json_t *args,
	client_done_fn done, void *ctx);
/* {id: written} for all that is on the wire, or will be again. GIVES; NULL: no memory. */
json_t *engine_busy(const struct engine *e);
/* Adds what this call is about to those. */
void engine_note(json_t *busy, const struct call *c);
/* Must the call wait until one of those has been answered? */
bool engine_clashes(json_t *busy, const struct call *call);

#endif
