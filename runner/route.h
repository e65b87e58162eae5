/* SPDX-License-Identifier: MIT */
/*
 * Deliveries of the inbox, and events that were born here -> events and runs, in order of arrival,
 * a batch at a time. One step, one file: route.c reads, route_seen.c finds out what was changed,
 * route_echo.c which of that we wrote ourselves,
 * route_match.c finds the rules, route_ask.c asks those that have functions in their heads,
 * route_join.c says which gather in one run, route_write.c writes.
 */
#ifndef MOONHOOK_RUNNER_ROUTE_H
#define MOONHOOK_RUNNER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/copy.h"
#include "queue/queue.h"
#include "runner/birth.h"
#include "runner/echo.h"
#include "runner/event.h"
#include "runner/pool.h"
#include "runner/ruleset.h"

#define ROUTE_BATCH 64
#define ROUTE_SLOT 0x80000000u /* + index: `run` of the frames that ask `when` and `key` */
#define ROUTE_CPU_MS 200       /* a `when` and its `key` together */

struct runner;

enum match_state {
	MATCH_RUN, /* the rule gets a run */
	MATCH_ASK, /* a worker has to be asked */
	MATCH_ASKED,
	MATCH_NO,
	MATCH_ECHO,   /* the event is the rule's own write */
	MATCH_FAILED, /* the question failed: a dead run that says why */
};

struct match {           /* one rule that `on` lets in */
	size_t delivery; /* of the batch */
	struct rule *rule;
	enum match_state state;
	char *key;             /* owned */
	char *error;           /* of a failed one */
	char *detail;          /* owned; the report of it; NULL: there is none */
	struct echo_tale tale; /* of a loop; else zeroed */
	enum rc code;
	int crashes;
	char *hidden;           /* owned; fields that the rule does not see; NULL: none */
	struct event *event;    /* owned; as it sees it then; else NULL */
	bool undecided;         /* whether it is an echo is found out when its run starts */
	bool held;              /* its run starts after a silence */
	struct queue_join join; /* kind 0: its run is of this event alone */
	char *words, *hold;     /* owned; of join; what holds up the next of the rule */
};

struct route_item {           /* one event of the batch */
	struct queue_raw raw; /* BORROWS: a delivery from the store, another from its birth */
	const char *via;      /* STATIC */
	struct birth *birth;  /* owned; NULL: a delivery */
	struct event *event;  /* NULL: in quarantine */
	char reason[256];     /* why it is there */
	bool known;           /* by route_told.c: it makes no runs */
	bool lapsed;          /* it is for one rule, and that gets none: reason says why */

	/* by route_seen.c */
	bool newest; /* nothing newer was seen of the record: it becomes the copy */
	enum queue_copy_state state;
	int64_t updated_ms;
	char *past; /* owned; the row of past.h, NULL: none */
	size_t past_n;

	/* by route_echo.c */
	struct echo_view view; /* which of our writes are in it */
	bool undecided;        /* a write that may have brought it about is under way */
	char names[160];       /* of its fields, where it has a cause */
};

struct route {
	bool wanted;       /* there may be deliveries */
	bool open;         /* a batch is under way */
	bool large_told;   /* that a record was too large for event.before */
	bool backlog;      /* there may be due runs in the store */
	int64_t behind_n;  /* runs that are not ended and not live, as far as is known */
	int64_t due_n;     /* of those, due for any runner, as far as is known */
	int64_t due_at_ms; /* mono: not counted again before */
	uint32_t generation;
	struct ruleset *rules; /* of the batch */
	struct route_item items[ROUTE_BATCH];
	size_t n;
	struct births births;               /* events that were born here, to be routed */
	bool born_last;                     /* the batch before was of those */
	uint64_t reads;                     /* of the inbox */
	uint64_t dry_read;                  /* the newest of them that found nothing */
	int64_t damaged_n, damaged_told_ms; /* by route_row.c: not said yet; mono, last said */
	int64_t routed_ms; /* wall: when the newest delivery that is routed had come */
	struct match *matches;
	size_t matches_n, matches_cap;
	size_t asking_n; /* matches that have no answer yet */
};

/* How deliveries of a source are read: by its scheme, where the configuration names it. */
enum event_form route_form(const struct runner *r, const char *source);
/* An event that was born here, to be routed behind what is there. Fails as birth_add. */
enum rc route_offer(struct runner *r, const struct birth_new *birth, struct err *err) must_check;
/* Does what can be done now: reads a batch, matches it, asks workers, writes it. */
void route_step(struct runner *r);
/* A worker answered WHEN. */
void route_when(struct runner *r, struct worker *worker, const struct frame *frame);
/* A worker died over this task. blamed: it was at it. */
void route_gone(struct runner *r, const struct pool_task *task, bool blamed, const struct err *why);
/* Asks again what a silent worker was asked. */
void route_take_back(struct runner *r, const struct pool_task *task);
/* Forgets the batch; it is read again by whoever comes next. */
void route_close(struct runner *r);

/* --- steps of a batch, for the files of this noun ----------------------------------------------
 */

/* What no receiver has written gets a reason to stay in quarantine, and what the rest relies on: an
 * id, a source, a time. RC_IO: there are no random numbers. */
enum rc route_row_check(struct runner *r, struct route_item *item, struct err *err) must_check;
/* Finds out what each record was before, and what was changed. RC_NOMEM, and as the store fails. */
enum rc route_seen(struct runner *r, struct err *err) must_check;
/* Writes the newest copies, but for duplicate[i]: what was written before. Fails likewise. */
enum rc route_keep(struct runner *r, const bool *duplicate, struct err *err) must_check;
/* Which events are known already, from a webhook or from gap fill. Fails as the store does. */
enum rc route_told(struct runner *r, struct err *err) must_check;
/* Notes what gap fill tells of now, with the events. Fails as the store does. */
enum rc route_told_note(struct runner *r, const bool *duplicate, struct err *err) must_check;
/* Looks for our own writes in every event. Fails as the store does. */
enum rc route_look(struct runner *r, struct err *err) must_check;
/* Finds the rules of every event. RC_NOMEM, and as the store fails. */
enum rc route_match(struct runner *r, struct err *err) must_check;
/* Does the event fire the rule of a match, or is it the rule's own? As route_look. */
enum rc route_judge(struct runner *r, struct match *m, struct err *err) must_check;
/* A rule that has said yes: would it be a loop to run it? Then it fails. As route_look. */
enum rc route_loop(struct runner *r, struct match *m, struct err *err) must_check;
/* The event as the rule of a match sees it. BORROWS. */
const struct event *route_event(const struct route *route, const struct match *m);
/* The key of a match that needs no asking; "" for none. RC_NOMEM. */
enum rc route_key(const struct runner *r, struct match *m, const struct event *e) must_check;
struct predicate_ask;
/* What to ask the predicate of a rule about an event. BORROWS from all. */
struct predicate_ask route_predicate(
	const struct runner *r, const struct rule *rule, const struct event *e, const char *hidden);
/* Does the rule settle, so that `when` is asked later, of all together? */
bool route_settles(const struct rule *rule, const struct event *e);
/* A match whose key is known: which events its run gathers. RC_NOMEM. */
enum rc route_join(const struct runner *r, struct match *m) must_check;
/* The match ends as a dead run that says why; text NULL: as its code does. */
void route_fail(struct match *m, enum rc code, const char *text);
/* Asks workers what is left to be asked. */
void route_ask(struct runner *r);
/* Writes the batch, which is decided, and forgets it. */
void route_write(struct runner *r);
void route_clear(struct route *route);

#endif
