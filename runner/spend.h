/* SPDX-License-Identifier: MIT */
/*
 * max_writes: how much a rule may write within a time. Counted in slots, a sixtieth of that time
 * each, here and in the store, so that a restart forgets nothing. A rule that would write more is
 * paused; the run gives way without using up an attempt, and goes on by its journal when the rule
 * is resumed, which begins the time anew.
 */
#ifndef MOONHOOK_RUNNER_SPEND_H
#define MOONHOOK_RUNNER_SPEND_H

#include "client/client.h"
#include "runner/run.h"

struct runner;

struct spends { /* zeroed: nothing is known (yet) */
	struct spend *first;
};

/* Records, or requests to others, that a call writes as far as its arguments tell. */
int64_t spend_size(enum client_op op, const json_t *args);
/* What such a call has written by its answer, where only that tells; else 0. */
int64_t spend_told(enum client_op op, const struct client_answer *answer);
enum spend_verdict {
	SPEND_FINE,
	SPEND_OVER,  /* too much for now */
	SPEND_NEVER, /* more than the rule may write at all; ret_why: a sentence */
};
/* May the run's rule write n more? The store is asked once for each rule, where other runners share
 * it each time. Where that fails the process ends, and it may. */
enum spend_verdict spend_ask(
	struct runner *r, const struct run *run, int64_t n, struct err *ret_why);
/* It does, within the open transaction. False: the process ends. */
bool spend_note(struct runner *r, const struct run *run, int64_t n);
/* Pauses the rule, with an issue; the run goes back to the store. */
void spend_stop(struct runner *r, struct run *run);
/* The rule ("*": all) is resumed: what it wrote is forgotten. RC_IO and others of the store. */
enum rc spend_anew(struct runner *r, const char *rule, struct err *err) must_check;
/* The rule has another name: what is known here of either is asked of the store again. */
void spend_rename(struct runner *r, const char *from, const char *to);
void spends_done(struct spends *spends);

#endif
