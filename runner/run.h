/* SPDX-License-Identifier: MIT */
/*
 * Live runs: claimed, not ended, each in one slot.
 *
 *   free --> pending --> active <--> suspended --> free
 *               ^           |            |
 *               +--restart--+------------+
 *
 *   pending    wants a worker, or has come to its end and waits for its effects (later)
 *   active     a worker executes it, or will when it has done what it was asked before
 *   suspended  its worker keeps it while its calls are under way
 *
 * The generation changes with every start, so that what an earlier worker still says is dropped.
 */
#ifndef MOONHOOK_RUNNER_RUN_H
#define MOONHOOK_RUNNER_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "queue/queue.h"
#include "runner/event.h"
#include "runner/journal.h"
#include "runner/pool.h"
#include "runner/version.h"

#define RUN_LOG_BYTES (64u << 10) /* of the log lines of one run */
#define RUN_SLOTS_MAX 65536       /* live runs at most, whatever is configured */
#define RUN_DEATHS_MAX 3          /* deaths that a run may cause; then it is quarantined */

enum run_state { RUN_FREE, RUN_PENDING, RUN_ACTIVE, RUN_SUSPENDED, RUN_STATE_N };

struct call; /* one call under way; call.c */
struct echo_tale;

struct run_limits {
	int64_t cpu_ms, wall_ms;
};

struct run {
	uint32_t slot, generation;
	enum run_state state;
	struct queue_run q;
	struct event *event;
	struct version *source;
	struct run_limits limits;
	struct worker *worker;  /* of an active or suspended one */
	struct run *next, **at; /* in the list of its worker, of the pending, or of the free */
	struct journal journal;
	struct call *calls;  /* under way */
	struct lost *lost;   /* effects of a runner before us that have no answer yet */
	int calls_n, logs_n; /* of this start */
	size_t unread_n;     /* bytes of answers that its worker may not have read yet */
	size_t held_n;       /* answers that are held back until it has */
	int api_calls;       /* HTTP requests of this attempt */
	struct queue_outcome
		*later; /* its end, put off until its effects are answered; else NULL */
	struct buf log;
	bool log_full;                       /* lines were left out */
	int64_t started_ms;                  /* wall; of this attempt */
	int64_t used_us;                     /* wall time that counts */
	int64_t counting_us;                 /* mono: since when it counts; 0: it does not */
	int64_t counted_from_us, counted_us; /* mono: what was counted last */
	bool called;                         /* its first API call has started */
	bool ended;                          /* its worker said so, and has forgotten it */
	int64_t hold_us;                     /* mono: it starts no earlier; 0: it may */
	bool shadow_known, shadow;           /* its effects are recorded, not done (shadow.h) */
	bool suspect;                        /* must be alone in its worker */
	bool undecided; /* is its event one of our writes? Before it starts that is found out */
	bool ask;       /* a worker is to be asked its `when` first */
	char *rest;     /* owned; what of that was not decided here; NULL: all of it */
	bool guard;     /* loops have not been looked for yet */
	struct echo_tale *loop; /* owned; it would be one; NULL: not so far */
	bool mannered;          /* what its rule says is noted: limits, and the next four */
	bool fresh;             /* its record is read again before it starts (fresh.h) */
	int fresh_depth;
	bool refreshed;       /* its event holds what was read */
	bool background;      /* its calls give way to those of others */
	unsigned deaths_seen; /* workers that died while it lived in them */
	enum rc failed;       /* of the last call that failed */
	char failed_name[32];
};

struct runs {
	struct run *slots;   /* RUN_SLOTS_MAX of them; memory comes with their first use */
	size_t slots_n;      /* that have ever been used */
	size_t wanted;       /* live runs at once, as configured */
	size_t max, live_n;  /* wanted, or live_n where more are alive still */
	struct run *unused;  /* list of free slots among those */
	struct run *pending; /* oldest first */
	struct run **pending_end;
};

/* max: live runs at once, at most RUN_SLOTS_MAX. RC_NOMEM. */
enum rc runs_open(struct runs *runs, size_t max, struct err *err) must_check;
/* Changes max; nothing ends, where more are alive they become fewer one by one. */
void runs_resize(struct runs *runs, size_t max);
/* Frees everything, live runs too. */
void runs_close(struct runs *runs);

/* Takes up a claimed run. TAKES q, one reference of event and of source. It is pending then. NULL:
 * there are max already. */
struct run *run_new(struct runs *runs, struct queue_run *q, struct event *event,
	struct version *source, const struct run_limits *limits);
/* Ends it: leaves its worker and frees its slot. Its calls must be gone. */
void run_free(struct runs *runs, struct run *run);
/* The run of a frame; NULL: it is over, or lives elsewhere. */
struct run *run_find(struct runs *runs, uint32_t slot, uint32_t generation);

/* pending -> active in worker, with the next generation. */
void run_enter(struct runs *runs, struct run *run, struct worker *worker);
/* active -> suspended, and back. */
void run_suspend(struct run *run);
void run_resume(struct run *run);
/* -> pending, leaving its worker. */
void run_leave(struct runs *runs, struct run *run);
/* The same, to start again: what it did stays in its journal, the rest is forgotten. */
void run_restart(struct runs *runs, struct run *run);
/* A call of it was on the wire for so long, until now. Several at once count once. */
void run_count(struct run *run, int64_t wire_us);
/* Milliseconds it has used of its wall time. */
int64_t run_wall_ms(const struct run *run);

#endif
