/* SPDX-License-Identifier: MIT */
/*
 * Timers that rules have armed, and the ticks of those that run by the clock. Part of queue.h.
 *
 *   a call of a run --put--> timer --(due)--> event and run, in the transaction that takes the
 * timer
 *
 * A timer is one of a rule and a key: armed again, it takes the place of the one before, under a
 * new number. It is written in the transaction of the call's journal entry, and taken in that of
 * its event, so that it fires once whatever happens in between.
 */
#ifndef MOONHOOK_QUEUE_TIMER_H
#define MOONHOOK_QUEUE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct queue;

#define TIMER_KEY_MAX 256             /* bytes */
#define TIMER_PAYLOAD_MAX (64u << 10) /* bytes */

struct queue_timer {           /* BORROWS; when found until the call back returns */
	int64_t seq;           /* its number; not when put */
	const char *rule;      /* that it is for; at most 200 bytes */
	const char *key;       /* likewise of TIMER_KEY_MAX */
	int64_t due_ms;        /* wall */
	bool relative;         /* so long from when it was armed: a clock that is set moves it */
	struct slice payload;  /* JSON */
	const char *object;    /* of the event of the run that armed it; "" none */
	const char *record;    /* likewise its id */
	const char *rule_from; /* of the run that armed it; not when put */
	int64_t run;           /* seq of that run; not when put */
	int depth;             /* of its event, in a chain of causes (ledger.h) */
};

/* Arms one for a claimed run. RC_STALE, RC_INVALID (a name or key that is none), RC_TOO_LARGE (its
 * payload), RC_QUOTA: most are armed for that rule. Nothing has changed then. Runner. */
enum rc queue_timer_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_timer *timer, int64_t most, struct err *err) must_check;
/* Of a rule and a key. ret_was: it was armed. Runner. */
enum rc queue_timer_drop(struct queue *q, const char *rule, const char *key, bool *ret_was,
	struct err *err) must_check;
/* By its number: it fires now. ret_was: it was armed still. Runner. */
enum rc queue_timer_take(struct queue *q, int64_t seq, bool *ret_was, struct err *err) must_check;
typedef enum rc (*queue_timer_fn)(void *ctx, const struct queue_timer *timer, struct err *err);
/* Those that are due, the oldest first, at most max. fn may not write. Any side. */
enum rc queue_timer_due(struct queue *q, int64_t now_wall_ms, size_t max, queue_timer_fn fn,
	void *ctx, struct err *err) must_check;
/* All of a rule, or of all rules (NULL), in the order of their times; max 0: all. Any side. */
enum rc queue_timer_each(struct queue *q, const char *rule, size_t max, queue_timer_fn fn,
	void *ctx, struct err *err) must_check;
/* When the next is due, wall ms; INT64_MAX: none is armed. Any side. */
enum rc queue_timer_next(struct queue *q, int64_t *ret_wall_ms, struct err *err) must_check;
/* Of one rule: how many are armed, and when the next is due (INT64_MAX: none). Any side. */
enum rc queue_timer_count(struct queue *q, const char *rule, int64_t *ret_n, int64_t *ret_next_ms,
	struct err *err) must_check;
/* A rule has another name: timers for the old one are for the new one from now on, but for keys
 * that are armed there already. The same of its tick. Runner. */
enum rc queue_timer_move(
	struct queue *q, const char *from, const char *to, struct err *err) must_check;

/* --- rules by the clock ----------------------------------------------------------------------- */

struct queue_tick { /* BORROWS */
	const char *rule;
	const char *schedule; /* what it was reckoned by, "every 3600000", "cron 0 9 * * 1-5 UTC" */
	int64_t last_ms;      /* wall: the nominal time of the last that fired or, before the first,
				 when the schedule was first seen */
	bool relative;        /* counted from the one before: a clock that is set moves it */
	const char *event;    /* id of the event of the last one; "" none yet */
};

/* Takes the place of what was known of the rule. RC_INVALID (a name that is none). Runner. */
enum rc queue_tick_put(struct queue *q, const struct queue_tick *tick, struct err *err) must_check;
typedef enum rc (*queue_tick_fn)(void *ctx, const struct queue_tick *tick, struct err *err);
/* In the order of the rules' names. fn may not write. Any side. */
enum rc queue_tick_each(struct queue *q, queue_tick_fn fn, void *ctx, struct err *err) must_check;
/* Is every run of this event over? Also where it is gone. Any side. */
enum rc queue_event_over(
	struct queue *q, const char *event_id, bool *ret_over, struct err *err) must_check;

#endif
