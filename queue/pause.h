/* SPDX-License-Identifier: MIT */
/*
 * Rules that are paused, and issues that want somebody's eyes. Part of queue.h. Written by the
 * runner.
 *
 * The runs of a paused rule wait and are parked: they hold none of their keys, so that other rules
 * go on with the record. Resumed, they take their old places again, in order. A run that is at work
 * when its rule is paused goes on to its end.
 *
 * Where many runs are concerned the work is done bit by bit, by queue_pause_step: until it is, no
 * run of a paused rule is claimed, and none of a resumed one overtakes an older one that is parked.
 * A parked run is `waiting` with a due_ms below 0: -1, or minus the time that it waits for.
 */
#ifndef MOONHOOK_QUEUE_PAUSE_H
#define MOONHOOK_QUEUE_PAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct queue;

struct queue_pause {      /* BORROWS */
	const char *rule; /* its name; "*": all rules */
	const char *why;  /* a sentence: "paused by hand", "loop: .." */
	int64_t since_ms; /* wall */
	bool ending;      /* out: it has been resumed, its runs are coming back */
};

/* Pauses a rule; a second time changes nothing but the reason. What is due or waits is parked, what
 * is routed to it later is parked at birth. ret_n: runs parked at once; the rest follows. */
enum rc queue_pause(struct queue *q, const struct queue_pause *pause, size_t *ret_n,
	struct err *err) must_check;
/* Ends a pause of exactly this name. RC_NOT_FOUND: it was not paused. A rule stays paused while "*"
 * is. ret_n: runs that go on at once; the rest follows. */
enum rc queue_resume(struct queue *q, const char *rule, size_t *ret_n, struct err *err) must_check;
/* Goes on with pauses and resumptions under way, about `most` runs of each (0: only asks).
 * ret_more: call it again. Cheap where there is none. */
enum rc queue_pause_step(struct queue *q, size_t most, bool *ret_more, struct err *err) must_check;
/* Is the rule (or "*") paused? From memory: cheap. Runner. */
bool queue_paused(const struct queue *q, const char *rule);
typedef enum rc (*queue_pause_fn)(void *ctx, const struct queue_pause *pause, struct err *err);
/* Any side; the oldest first. */
enum rc queue_pause_each(struct queue *q, queue_pause_fn fn, void *ctx, struct err *err) must_check;

struct queue_issue {               /* BORROWS */
	const char *kind;          /* "loop" "dead" "quarantined" "gap" .. */
	const char *about;         /* what it is of: a rule, an object; with kind its identity */
	const char *text;          /* the latest, for people; may have several lines */
	const char *event;         /* the latest event id, or "" */
	int64_t count;             /* how often; in: how many more */
	int64_t first_ms, last_ms; /* wall; in: last_ms */
	bool acknowledged;         /* until it happens again */
};
/* Opens an issue, or counts it up. */
enum rc queue_issue_put(
	struct queue *q, const struct queue_issue *issue, struct err *err) must_check;
/* RC_NOT_FOUND. */
enum rc queue_issue_acknowledge(
	struct queue *q, const char *kind, const char *about, struct err *err) must_check;
typedef enum rc (*queue_issue_fn)(void *ctx, const struct queue_issue *issue, struct err *err);
/* Any side; the newest first. */
enum rc queue_issue_each(struct queue *q, queue_issue_fn fn, void *ctx, struct err *err) must_check;

#endif
