/* SPDX-License-Identifier: MIT */
/*
 * Is a store whole? What SQL can prove of it, while it is worked on. Part of queue.h; for people.
 * Reads one state of everything, writes nothing, takes no lock that anybody waits for; holds no
 * more in memory than the database does for one question. What ended in the middle of a death is
 * whole: each question is true between any two transactions.
 */
#ifndef MOONHOOK_QUEUE_CHECK_H
#define MOONHOOK_QUEUE_CHECK_H

#include <stdint.h>

#include "queue/mark.h"
#include "queue/place.h"

struct queue_damage {        /* BORROWS during the call back */
	const char *kind;    /* "run_event"; STATIC, stable */
	const char *what;    /* "runs whose event is gone"; STATIC */
	const char *means;   /* what comes of it; STATIC */
	const char *fix;     /* what to do; STATIC */
	int64_t n;           /* how many */
	const char *example; /* one of them: an id, a number, a name */
};

struct queue_check_watch { /* BORROWED until the check returns */
	void (*damage)(void *ctx, const struct queue_damage *damage);
	/* Before each question: its kind, which of how many. NULL: nobody wants to know. */
	void (*asks)(void *ctx, const char *kind, int nth, int of);
	void *ctx;
};

struct queue_check {
	int64_t events_n, runs_n; /* counted */
	int asked_n;              /* questions that were put */
	int broken_n;             /* of them: where something is wrong */
	bool pages;               /* the pages of the database were looked at, too */
	struct queue_mark mark;
};

/* Blocks as long as it takes to read the store. RC_UNSUPPORTED: it is in memory; RC_NOT_FOUND, and
 * as opening it fails. */
enum rc queue_check(const struct queue_place *place, const struct queue_check_watch *watch,
	struct queue_check *ret_check, struct err *err) must_check;

#endif
