/* SPDX-License-Identifier: MIT */
/*
 * The ledger: what runs wrote to Twenty, and which events came of it. Part of queue.h. Written by
 * the runner, in the transaction that writes the answer to the call.
 *
 *   event --> run --call--> write --(Twenty)--> event --> run ..
 *        depth d       depth d            depth d + 1
 *
 * A write carries the depth of its run, which is that of the run's event; an event that is one of
 * our writes coming back is one deeper.
 */
#ifndef MOONHOOK_QUEUE_LEDGER_H
#define MOONHOOK_QUEUE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct queue;

#define QUEUE_WRITES_MAX 256     /* of one record, the newest, are looked at */
#define QUEUE_WRITES_PRUNED 2000 /* in one call; whoever prunes so many goes on */

enum queue_action { /* stores hold the numbers: new ones go to the end */
	QUEUE_CREATED,
	QUEUE_UPDATED,
	QUEUE_DELETED,
	QUEUE_RESTORED,
	QUEUE_DESTROYED,
	QUEUE_CHANGED, /* in some way: one of those */
};

struct queue_write {        /* BORROWS; when found until the call back returns */
	const char *record; /* id; unique over all objects */
	const char *object; /* "person"; "" not known; for people */
	enum queue_action action;
	int64_t at_ms; /* updatedAt of the record after the write, by Twenty's clock; 0: not known
			*/
	int64_t since_ms;   /* wall; > 0: at_ms may be of a later time than the write, which came no
			       earlier than this */
	int64_t written_ms; /* wall: when the answer came */
	/* "stage=<hash> score~<hash>": what was set, each with the hash of its value as answered;
	 * ~: not as it was asked for; "*": whatever a write of this kind changes; "@by=<hash>": who
	 * is named in the record as the last to have changed it. NULL: as "*". */
	const char *fields;
	const char *rule; /* of its run */
	int64_t run;      /* seq of its run */
	int depth;
};
/* run, rule and depth are those of the claimed run. RC_STALE, RC_NOMEM, and as the database fails.
 */
enum rc queue_write_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_write *write, struct err *err) must_check;
struct queue_span { /* of at_ms, both ends in it */
	int64_t from_ms, to_ms;
};
/* The writes of a record in a span, and those of no known time or of one that may be earlier than
 * it says (since_ms), the newest first, at most QUEUE_WRITES_MAX. fn may not write. */
typedef enum rc (*queue_write_fn)(void *ctx, const struct queue_write *write, struct err *err);
enum rc queue_write_each(struct queue *q, const char *record, const struct queue_span *span,
	queue_write_fn fn, void *ctx, struct err *err) must_check;
/* Forgets writes from before a time, and the oldest beyond keep_n. ret_n: how many;
 * QUEUE_WRITES_PRUNED and above: there may be more. */
enum rc queue_write_prune(struct queue *q, int64_t before_wall_ms, int64_t keep_n, size_t *ret_n,
	struct err *err) must_check;
/* Forgets a record. ret_n: how many writes of it there were. */
enum rc queue_write_erase(
	struct queue *q, const char *record, size_t *ret_n, struct err *err) must_check;

/* What is to be known of an event and, where the rule of a run does not see all of it, of the run.
 * Events that nothing of ours caused, and runs that see all, take no room. */
struct queue_cause {        /* BORROWS until the next call on this handle */
	int64_t run;        /* seq of the run whose write the event is; 0: none of ours */
	int depth;          /* 0: none, or it begins a chain anew (timers) */
	const char *fields; /* of the event, "stage, score"; NULL: not told */
	const char *hidden; /* fields that the run's rule does not see, "stage score"; NULL: none */
};
/* The cause of a run's event. Nothing known: zeroes, RC_OK. Any side. */
enum rc queue_cause_find(struct queue *q, int64_t run_seq, struct queue_cause *ret_cause,
	struct err *err) must_check;
/* Decided later than its event was routed: of a claimed run. RC_STALE. */
enum rc queue_cause_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_cause *cause, struct err *err) must_check;

struct queue_step { /* one step of a chain of causes; BORROWS until the next call */
	int64_t run;
	const char *run_id, *rule;
	const char *event_id, *name, *object, *record, *via; /* of its event */
	const char *fields; /* of the event, where it has a cause; else "" */
	int64_t cause;      /* the run that caused its event; 0: the chain begins here */
	int depth;          /* of the event */
};
/* RC_NOT_FOUND (err is not set then): the run is gone. Any side. */
enum rc queue_step_get(
	struct queue *q, int64_t run_seq, struct queue_step *ret_step, struct err *err) must_check;

#endif
