/* SPDX-License-Identifier: MIT */
/*
 * Runs that stand for several events: a session of edits, a batch. Part of queue.h.
 *
 *   event --route--> a run that gathers --its time comes--> due --claim--> at work ..
 *   more events ------^ join
 *
 * A run that gathers is `waiting` until a time and holds none of its keys, so that nobody waits for
 * it. When its time comes it takes its place among the runs of its keys, by its number: that of its
 * first event. Until it is claimed, further events join it, in the step that writes them; they are
 * open as long as it is, and end as it does. Of a paused rule it is parked and goes on gathering.
 */
#ifndef MOONHOOK_QUEUE_JOIN_H
#define MOONHOOK_QUEUE_JOIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct queue;

#define QUEUE_HIDDEN_ALL "*" /* of an event: its rule is not to see it at all */

struct queue_join {        /* of a new run; BORROWS */
	int kind;          /* > 0; the caller's, kept with the run */
	const char *key;   /* with the rule's name: what gathers together */
	int64_t now_ms;    /* wall, as the rest */
	int64_t due_ms;    /* when it starts; each event that joins says it anew, */
	int64_t limit_ms;  /* but it is no later than what the first one said here */
	int events_max;    /* with so many it starts now, and no more join */
	int64_t size;      /* of this event, in whatever size_max is */
	int64_t size_max;  /* an event that does not fit any more opens the next run */
	const char *words; /* kept with the run, those of the last to join; NULL: none */
};

struct queue_joined { /* one event of a run; BORROWS during the call back */
	int64_t seq;  /* of the event */
	const char *id, *source, *via;
	const char *name;   /* "person.updated" */
	const char *hidden; /* fields that the rule does not see, QUEUE_HIDDEN_ALL; NULL: none */
	int64_t received_ms;
	int64_t cause; /* seq of the run whose write it is; 0: none of ours, as far as is known */
	struct slice headers, body, past; /* n 0: gone, or there was none */
};
/* All events of a run, in order, the first included; of an ordinary run its own. fn may ask the
 * handle for something else, and must not write. RC_OK where there is no such run. Any side. */
typedef enum rc (*queue_joined_fn)(void *ctx, const struct queue_joined *joined, struct err *err);
enum rc queue_joined_each(struct queue *q, int64_t run_seq, queue_joined_fn fn, void *ctx,
	struct err *err) must_check;
/* Of a claimed run: what its rule does not see of one of its events, and what caused it where that
 * is found out so late (zero: not known). RC_STALE. */
struct queue_cause;
enum rc queue_joined_put(struct queue *q, int64_t run_seq, int64_t epoch, int64_t event_seq,
	const struct queue_cause *cause, struct err *err) must_check;
/* Appends the words that are kept with a run; nothing where there are none. Any side. */
enum rc queue_words_get(
	struct queue *q, int64_t run_seq, struct buf *out, struct err *err) must_check;

#endif
