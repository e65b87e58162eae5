/* SPDX-License-Identifier: MIT */
/*
 * A loop in words: one sentence, and the whole chain with one hop a line, in the order of time.
 *
 *   loop: "ping" would run a third time for company 39cfa94c; it began with an edit by a
 *   member
 *
 *   company.updated 39cfa94c, an edit by a member
 *   -> "ping" -> company.updated 39cfa94c (stage)
 *   -> "pong" -> company.updated 39cfa94c (score)
 *   ..
 *   -> "ping", which would run a third time
 */
#ifndef MOONHOOK_RUNNER_ECHO_TALE_H
#define MOONHOOK_RUNNER_ECHO_TALE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct runner;

#define TALE_HOPS_MAX 10

struct echo_tale {
	struct buf error; /* the sentence */
	struct buf chain;
};
void echo_tale_open(struct echo_tale *tale);
void echo_tale_done(struct echo_tale *tale);

struct tale_event { /* BORROWS */
	const char *name, *object, *record;
	const char *fields; /* "stage, score"; "" for none */
};

struct tale_hops {     /* of a chain, from its end back; zeroed: none */
	struct buf at; /* the event that was come to */
	struct buf hops[TALE_HOPS_MAX];
	size_t n;
};
/* Begins at the end of a chain. All of these: RC_NOMEM, RC_TOO_LARGE. */
enum rc tale_hops_open(struct tale_hops *hops, const struct tale_event *last) must_check;
/* One step back: the rule's run, which the event set off, made the event that was come to. Behind
 * TALE_HOPS_MAX it is nothing. */
enum rc tale_hops_step(
	struct tale_hops *hops, const char *rule, const struct tale_event *event) must_check;
void tale_hops_done(struct tale_hops *hops);

/* What an event of the store is in words, "an edit by a member": out stays empty where it is not
 * kept any more. Fails as the store does, RC_NOMEM. */
enum rc tale_origin(
	struct runner *r, const char *event_id, struct buf *out, struct err *err) must_check;

struct tale_end { /* BORROWS */
	const char *rule, *object, *record;
	const char *how;    /* "a third time" */
	const char *origin; /* "" where it is not known */
};
enum rc echo_tale_tell(struct echo_tale *tale, const struct tale_hops *hops,
	const struct tale_end *end) must_check;
/* Of a loop by way of another program, which no chain leads through. */
struct tale_duel { /* BORROWS */
	struct tale_event event;
	const char *rule;
	const char *program; /* its name; NULL: it has none */
	int64_t gap_ms;      /* from ours to theirs */
};
enum rc echo_tale_duel(struct echo_tale *tale, const struct tale_duel *duel) must_check;

#endif
