/* SPDX-License-Identifier: MIT */
/*
 * The events of the crash tests, their rules, and what each must leave at the twin.
 *
 * Event k is of the kind k % EVENT_KINDS. Its number stands in the title of each effect, so that
 * effects can be counted from outside.
 */
#ifndef MOONHOOK_TESTS_CRASH_EVENTS_H
#define MOONHOOK_TESTS_CRASH_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum event_kind {
	EVENT_NOTE,  /* a note is created, then updated */
	EVENT_PAIR,  /* two tasks side by side, under parallel() */
	EVENT_CHAIN, /* read, task, read, task */
	EVENT_TURN,  /* a note; the record is one of few, so its events have an order */
	EVENT_KINDS,
};

extern const char events_rules[]; /* a rule file */

/* The body of event k; turn: which of the few records. The same for the same arguments. */
enum rc events_body(struct buf *out, size_t k, size_t turn) must_check;

struct events_count {         /* what is wrong, of the first n events */
	size_t lost;          /* an effect is missing */
	size_t twice;         /* an effect is there, or was sent with success, more than once */
	size_t updated_again; /* an update was sent with success more than once */
	size_t swaps;         /* effects of one record in another order than its events */
	size_t others;        /* effects that nobody asked for */
};

/* wanted[k]: acknowledged. sent[k]: sent at least once, so that it may have its effects. log: what
 * the twin did, as text, a JSON object in each line. notes, tasks: its records. turns[k]: the
 * record of an EVENT_TURN. says: prints the first few that are wrong. */
struct events_count events_check(const unsigned char *wanted, const unsigned char *sent,
	const unsigned char *turns, size_t n, const char *log, const json_t *notes,
	const json_t *tasks, bool says);

#endif
