/* SPDX-License-Identifier: MIT */
/*
 * The stage of many machines: two receivers and three runners, each a daemon of its own, on one
 * PostgreSQL; a twin that nothing happens to; a sender with a ledger who sends to both receivers.
 */
#ifndef MOONHOOK_TESTS_CRASH_CLUSTER_H
#define MOONHOOK_TESTS_CRASH_CLUSTER_H

#include "queue/queue.h"
#include "tests/crash/dice.h"
#include "tests/crash/kin.h"
#include "tests/crash/stage.h"
#include "tests/crash/stream.h"
#include "tests/harness/house.h"
#include "tests/harness/postgres.h"

enum {
	CLUSTER_RECEIVERS = 2,
	CLUSTER_RUNNERS = 3,
	CLUSTER_N = CLUSTER_RECEIVERS + CLUSTER_RUNNERS
};

struct member { /* one daemon, as on a machine of its own */
	char name[16], config[192];
	int hook_port, console_port;
	struct process process;
	int64_t thaw_ms;  /* monotonic; 0: it is not frozen */
	int64_t again_ms; /* monotonic: not to be started before */
};

struct cluster {            /* done with cluster_close */
	struct house house; /* the twin, the rules, the folder; no daemon */
	struct postgres_server server;
	char store[160];
	struct member members[CLUSTER_N]; /* receivers first */
	struct stream stream;
	struct dice dice;
	struct queue *reader; /* NULL: to be opened */
	int64_t dark_ms;      /* monotonic: the database comes back then; 0: it is there */
	int64_t freeze_ms;
	bool quiet;   /* nothing is printed of what is lost: it is expected */
	pid_t leader; /* the process that leads, as cluster_look saw it last; 0: nobody did */
	size_t gone;  /* daemons that ended by themselves, though they should not */
};

struct cluster_conf {  /* BORROWS; zero is a fine start */
	bool careless; /* a control: the sender takes anything for an acknowledgement */
	bool quiet;
	bool spools; /* receivers keep what comes while the database is away, else they refuse it */
	bool brief;  /* leases are short, and who stands still does so little longer than its own */
};

/* Everybody in place and ready. On failure prints why; cluster_close is still due. */
bool cluster_open(struct cluster *c, const struct cluster_conf *conf, struct dice dice);
void cluster_close(struct cluster *c);

/* Starts what does not run, brings back the database and wakes who is frozen once it is time. */
void cluster_tend(struct cluster *c);

#define CLUSTER_VICTIMS(X)                                                                         \
	X(CLUSTER_RECEIVER, "receiver") /* the process */                                          \
	X(CLUSTER_RUNNER, "runner")     /* the process, of any */                                  \
	X(CLUSTER_LEADER, "leader")     /* the process of the one that leads */                    \
	X(CLUSTER_WORKER, "worker")                                                                \
	X(CLUSTER_SUPERVISOR, "supervisor")      /* the rest dies with it */                       \
	X(CLUSTER_MACHINE, "machine")            /* all of a daemon at once */                     \
	X(CLUSTER_CONNECTION, "connection")      /* of one handle to the database */               \
	X(CLUSTER_DATABASE, "database")          /* all of its processes */                        \
	X(CLUSTER_IMMEDIATE, "database stopped") /* at once, without a checkpoint */               \
	X(CLUSTER_FREEZE, "frozen") /* a runner's machine stands still, twice its lease */         \
	X(CLUSTER_FREEZE_LEADER, "leader frozen")                                                  \
	X(CLUSTER_ALL, "all") /* every daemon, and the database */

enum cluster_victim {
#define X(code, name) code,
	CLUSTER_VICTIMS(X)
#undef X
		CLUSTER_VICTIM_N,
};
const char *cluster_victim_name(enum cluster_victim victim);
/* SIGKILL, or what its name says. False where it does not run at this moment. */
bool cluster_kill(struct cluster *c, enum cluster_victim victim);
/* Requests pile up at receivers that stand still, and are killed with them. */
void cluster_lose_requests(struct cluster *c);

/* How many events there are in each state, and the member that leads; NULL where nobody does.
 * False: the store does not answer. */
bool cluster_look(struct cluster *c, struct queue_counts *ret_counts, struct member **ret_leader);
/* Lets everything come to rest: nobody is killed any more, no new events, all acknowledged, all
 * done. */
bool cluster_settle(struct cluster *c, int64_t wait_ms);
/* Counts events and effects against the ledger, after cluster_settle. as_one: a control, which
 * takes all of an order for events of one record. */
bool cluster_count(struct cluster *c, bool as_one, struct stage_count *ret_count);
/* Runs of runners that were taken for dead, which others have taken up: from the logs. */
size_t cluster_rescued(const struct cluster *c);
/* A statement for the database; false where it fails. */
bool cluster_sql(struct cluster *c, const char *sql);

#endif
