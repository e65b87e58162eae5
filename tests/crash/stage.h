/* SPDX-License-Identifier: MIT */
/*
 * The stage of the crash tests: a twin that nothing happens to, a Moonhook that everything happens
 * to, perhaps on a disk whose power can be cut, and a sender with a ledger.
 */
#ifndef MOONHOOK_TESTS_CRASH_STAGE_H
#define MOONHOOK_TESTS_CRASH_STAGE_H

#include "tests/crash/events.h"
#include "tests/crash/power.h"
#include "tests/crash/stream.h"
#include "tests/harness/house.h"

struct stage_conf {              /* BORROWS */
	bool power;              /* on a disk whose power can be cut */
	const char *synchronous; /* with power: what SQLite is told instead of FULL */
	bool quiet;              /* nothing is printed of what is lost: it is expected */
	bool repeats;            /* acknowledged deliveries are sent again now and then */
	const char *dialect;     /* of the twin; NULL: core */
	const char *settings;    /* more lines of the configuration */
};

struct stage { /* done with stage_close */
	struct house house;
	struct power power;
	struct stream stream;
	struct dice dice;
	bool has_power, quiet;
	pid_t guest;   /* a child of the test; 0: none */
	size_t starts; /* of the daemon, so far */
	size_t gone;   /* that ended by themselves, though they should not */
};

/* Everybody in place and ready. On failure prints why; stage_close is still due. */
bool stage_open(struct stage *s, const struct stage_conf *conf, struct dice dice);
void stage_close(struct stage *s);

enum stage_victim { STAGE_RECEIVER, STAGE_RUNNER, STAGE_WORKER, STAGE_SUPERVISOR, STAGE_ALL };
const char *stage_victim_name(enum stage_victim victim);

/* Its process, one of several by chance; 0: it does not run at this moment. */
pid_t stage_find(struct stage *s, enum stage_victim victim);
/* Sends a signal to it, to one of several workers by chance; false where it does not run at this
 * moment. STAGE_SUPERVISOR leaves the rest to die with it, STAGE_ALL kills all at once. */
bool stage_kill(struct stage *s, enum stage_victim victim, int signal);
/* Starts the daemon where it does not run; does not wait for it. Is it there now? */
bool stage_start(struct stage *s);
/* Kills the daemon with all its processes and waits until none of them is left. */
void stage_kill_all(struct stage *s);
/* The power goes off, everybody dies, the power comes back; the daemon is not started. */
bool stage_cut(struct stage *s, enum power_loss loss);
/* Lets everything come to rest: no new events, all acknowledged, all done. Keeps starting the
 * daemon meanwhile. False where that is not reached in time. */
bool stage_settle(struct stage *s, int64_t wait_ms);

struct stage_count {
	size_t acked, lost, twice, updated_again, swaps, others;
	size_t absent;    /* acknowledged, and not among the daemon's events */
	size_t not_done;  /* its events that are in another state than done */
	size_t forgotten; /* repeats that were not known as such */
};
/* Counts events and effects against the ledger, after stage_settle. */
bool stage_count(struct stage *s, struct stage_count *ret_count);
void stage_count_add(struct stage_count *sum, const struct stage_count *more);
/* lost + twice + .. : 0 where all is as it must be. */
size_t stage_count_wrong(const struct stage_count *count);

void stage_pause_ms(int64_t ms);
/* A number of the environment, such as KILLS. */
int64_t stage_setting(const char *name, int64_t otherwise);

#endif
