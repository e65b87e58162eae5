/* SPDX-License-Identifier: MIT */
/*
 * Echoes: events that are our own writes coming back, and chains of them.
 *
 * A field of an event is a rule's own where the ledger has a write of that rule to the record, at
 * the time that the record shows, with that field and that value. Every webhook holds the whole
 * record as it is after its change, so that the time is the same to the millisecond; a change by
 * somebody else in the same millisecond has other fields, or other values.
 *
 * An event that came of one of our writes is one deeper in the chain than the run that wrote it.
 * Deeper than ECHO_DEPTH_MAX, or when a rule would run for the same record a third time within one
 * chain, it is a loop. A second time is let through: it may well converge (the write that changes
 * nothing brings no event). Where an event spans one of our writes and a later change by somebody
 * else, a member begins a chain anew, and of another program only the depth counts.
 */
#ifndef MOONHOOK_RUNNER_ECHO_H
#define MOONHOOK_RUNNER_ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "queue/ledger.h"
#include "runner/duel.h"
#include "runner/echo_tale.h"
#include "runner/event.h"
#include "runner/ruleset.h"

#define ECHO_DEPTH_MAX 8
#define ECHO_AGAIN_MAX 2    /* runs of a rule for a record within one chain */
#define ECHO_FIELDS_MAX 256 /* of an event; those behind them are nobody's */
#define ECHO_WORDS (ECHO_FIELDS_MAX / 64)

struct runner;
struct run;
struct client_answer;

struct echo_event { /* what is looked at of an event; BORROWS */
	const char *object, *action, *record_id, *via;
	int64_t received_ms;  /* wall */
	int64_t before_ms;    /* updatedAt of what was seen before, by which its fields are told;
				 0: not known */
	const json_t *record; /* in the shape rules see */
	const json_t *fields; /* array of names; NULL: not told */
};
/* Nobody else than a program is named as the last to have changed it. */
bool echo_by_program(const json_t *record);
void echo_event_of(const struct event *event, const char *via, struct echo_event *ret_event);

struct echo_claim { /* what one rule wrote of it */
	char rule[RULESET_NAME_MAX + 1];
	uint64_t sure[ECHO_WORDS], unsure[ECHO_WORDS];
};

struct echo_view { /* echo_view_done; zeroed: none of our writes is in it */
	struct echo_claim *claims;
	size_t claims_n;
	uint64_t sure[ECHO_WORDS]; /* of all claims */
	size_t fields_n;           /* bits in use; 1 where the event names no fields */
	int64_t run;               /* the deepest that wrote any of it */
	int depth;                 /* of the event */
	bool others;               /* its last change is somebody else's */
};

/* The writes to a record, as queue_write_each; its id may have capital letters, which the ledger
 * has not. */
enum rc echo_writes(struct runner *r, const char *record, const struct queue_span *span,
	queue_write_fn fn, void *ctx, struct err *err) must_check;
/* Looks an event up in the ledger. Fails as the store does. */
enum rc echo_look(struct runner *r, const struct echo_event *event, struct echo_view *ret_view,
	struct err *err) must_check;
void echo_view_done(struct echo_view *view);
/* May a write that is still under way be the cause of it? */
bool echo_undecided(const struct runner *r, const struct echo_event *event);

enum echo_verdict {
	ECHO_FIRE, /* the rule sees all of it */
	ECHO_PART, /* all but the fields in hidden, which are its own */
	ECHO_IS_ECHO,
};
/* hidden: receives "stage score". Memory that is short hides less. */
enum echo_verdict echo_judge(const struct echo_view *view, const struct echo_event *event,
	const char *rule, enum rule_echo mode, struct buf *hidden);
/* The names of its fields, "stage, score", as far as there is room. RC_NOMEM. */
enum rc echo_names(const struct echo_event *event, struct buf *out) must_check;
/* Would it be a loop to run the rule for it? Then it is told. */
enum rc echo_loops(struct runner *r, const struct echo_view *view, const struct echo_event *event,
	const char *rule, struct echo_tale *tale, bool *ret_loops, struct err *err) must_check;
/* An event that none of our writes is in: is it another program that answers the rule (duel.h)?
 * tale: of a loop. Fails as the store does. */
enum rc echo_duel(struct runner *r, const struct echo_event *event, const char *rule,
	struct echo_tale *tale, enum duel_verdict *ret_verdict, struct err *err) must_check;
/* The run waits for a while before it starts; does it still? */
void echo_hold(struct runner *r, struct run *run);
bool echo_held(struct runner *r, struct run *run);
/* The rule is stopped, and an issue has the whole chain. */
void echo_stop(struct runner *r, const char *rule, const struct echo_tale *tale,
	const struct id *event, int64_t received_ms);

/* A run wrote: into the ledger. since_ms (wall): the call may have been sent before, no earlier
 * than that; 0: it was not. Fails as the store does. */
enum rc echo_note(struct runner *r, const struct run *run, const struct client_answer *answer,
	int64_t since_ms, struct err *err) must_check;

/* The event without some fields ("stage score"). RC_NOMEM. GIVES one reference. */
enum rc echo_hide(const struct event *event, const char *hidden, struct event **ret_event,
	struct err *err) must_check;

/* The same of a list of names. */
void echo_hide_names(json_t *fields, const char *hidden);
/* Was the record ever written by us? Most never were. */
bool echo_wrote_any(struct runner *r, const char *record);

/* A run of the store is taken up: it sees what it saw before, or has to be decided. */
enum rc echo_take(struct runner *r, struct run *run, struct err *err) must_check;
/* Decides on a run that has to be. True: it may start. False: it waits, or has ended. */
bool echo_settle(struct runner *r, struct run *run);

#endif
