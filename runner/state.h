/* SPDX-License-Identifier: MIT */
/*
 * What the steps of the runner share. One step, one file:
 *
 *   route.c  deliveries -> events and runs        rules.c  folder -> live rules
 *   assign.c   claimed runs -> workers              watch.c  workers that are silent or die
 *   call.c   a run's calls -> client            reply.c  their answers -> journal, worker
 *   gate.c   effects wait for the commit
 *   outcome.c  ends of runs -> store              drain.c  the way out
 *   order.c  what people have done      lead.c  one runner among several
 */
#ifndef MOONHOOK_RUNNER_STATE_H
#define MOONHOOK_RUNNER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "client/client.h"
#include "queue/queue.h"
#include "runner/abroad.h"
#include "runner/drain.h"
#include "runner/duel.h"
#include "runner/erasure.h"
#include "runner/flight.h"
#include "runner/gap.h"
#include "runner/gate.h"
#include "runner/hearsay.h"
#include "runner/inbox.h"
#include "runner/inspect.h"
#include "runner/jump.h"
#include "runner/lead.h"
#include "runner/notify.h"
#include "runner/order.h"
#include "runner/pool.h"
#include "runner/purse.h"
#include "runner/route.h"
#include "runner/rules.h"
#include "runner/run.h"
#include "runner/settings.h"
#include "runner/spend.h"
#include "runner/tick.h"
#include "runner/timer.h"
#include "runner/upkeep.h"

struct runner {
	sd_event *loop;
	const struct conf *conf;
	const struct rules_choice *choice; /* NULL: the whole folder is live */
	struct conf *own_conf;             /* of a reload; conf then */
	struct buf link_in;
	struct settings settings;
	struct queue *queue;
	struct client *client;
	struct pool pool;
	struct runs runs;
	struct versions versions;
	struct rules rules;
	struct route route;
	struct gate gate;
	struct inbox inbox;
	struct duels duels;
	struct spends spends;
	struct erasures erasures;
	struct flights flights; /* effects that are under way */
	struct abroad abroad;   /* those of other runners */
	struct hearsay hearsay; /* echoes that they have routed */
	size_t undecided_n;     /* runs that wait for those, in this turn */
	struct drain drain;
	struct upkeep upkeep;
	struct jump jump;
	struct lead lead;
	struct purse_door purse;
	struct orders orders;
	struct notify notify;
	struct gap gap;
	struct timers timers;
	struct ticks ticks;
	struct inspect inspect;
	uint64_t seed; /* of chance; 0: the system's */
	int link_fd;   /* -1: no supervisor */
	int wake_fd;   /* -1: the slow poll only */
	sd_event_source *wake_io, *link_io, *term;
	bool ready;    /* said so */
	bool stopped;  /* the loop ends */
	enum rc fatal; /* why the process has to end at once; RC_OK: it has not */
};

/* The store failed, or memory where it cannot be done without: says so, once, and stops the loop.
 * Nothing that waits for a commit leaves. */
void runner_fatal(struct runner *r, const struct err *err);
/* 64 random bits: for random(), and for how long a run waits. The same ones each time where the
 * runner was given a seed. */
uint64_t runner_chance(struct runner *r);
/* Sends a message to the supervisor, where there is one. */
void runner_tell(struct runner *r, const char *kind, const char *text);

#endif
