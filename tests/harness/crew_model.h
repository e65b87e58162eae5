/* SPDX-License-Identifier: MIT */
/*
 * What may run when, as a model that several processes share: for each key the events that are
 * open, in the order in which their sender sent them.
 *
 * An event is at work from the commit of its claim to the moment before its outcome is written. Who
 * is killed in between leaves the model in doubt: what it was about to end may have ended or not,
 * and what happens next decides.
 */
#ifndef MOONHOOK_TESTS_HARNESS_CREW_MODEL_H
#define MOONHOOK_TESTS_HARNESS_CREW_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CREW_NONE SIZE_MAX
enum { CREW_MAX = 16 }; /* runners */

struct crew_tally {
	size_t starts, retries, rescued;
	size_t inversions; /* starts while an older event of the same key had not ended */
	size_t overlaps;   /* starts while another of the same key was at work */
	size_t twice;      /* starts of what had ended */
	size_t refused;    /* finishes of a runner whose lease was over, all of which have to be */
	size_t accepted;   /* .. those that were not */
	size_t never;      /* events that never started */
};

struct crew_model; /* in memory that children of the process share */

/* key[2]: of each event, CREW_NONE: it has no second one. NULL: no memory. crew_model_free. */
struct crew_model *crew_model_new(size_t events, size_t keys, const size_t (*key)[2]);
void crew_model_free(struct crew_model *m);

/* Which life of a runner is at work; raised with each end of one. */
unsigned crew_model_life(struct crew_model *m, size_t runner);
/* The event is at work, done by this runner. False, and nothing noted: this life of it is over. */
bool crew_model_start(struct crew_model *m, size_t event, size_t runner, unsigned life);
/* It is not any more; ended: its end is about to be written, else it will be tried again. */
bool crew_model_stop(struct crew_model *m, size_t event, bool ended, size_t runner, unsigned life);
/* What was about to end has ended for certain: the commit was answered. */
void crew_model_ended(struct crew_model *m, size_t event);
/* Ends the life of a runner, whose process gets the signal meanwhile: SIGKILL, SIGSTOP (which is
 * waited for), 0. No process is stopped while it holds the model. */
void crew_model_lose(struct crew_model *m, size_t runner, pid_t pid, int signal);
/* Of a finish that was begun when the life was over: was it refused? */
void crew_model_late(struct crew_model *m, bool refused, size_t n);
void crew_model_rescued(struct crew_model *m, size_t n);
/* The sums so far; never counts all that have not started yet. */
struct crew_tally crew_model_tally(struct crew_model *m);

#endif
