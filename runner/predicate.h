/* SPDX-License-Identifier: MIT */
/*
 * What `when` says without a function: data from a rule's head, decided here, asking no worker.
 *
 *   {"changed":{"<field>":{"from":[scalar,..],"to":[scalar,..]},..}}   one of them did
 *   {"has":["<field>",..]}           each has a value: not null, "" or a list of nothing
 *   {"is":<condition>}               the record meets it (client/where.h)
 *   {"all":[p,..]} {"any":[p,..]} {"none":[p,..]}
 *   {"ask":n}                        the n-th function in such groups of the file: a worker's
 *
 * One member each. from and to may be absent; each holds where the value is one of the list. Fields
 * of a record of Twenty's go by their names, short names and paths, of anything else ("hook:..")
 * by paths of any depth.
 */
#ifndef MOONHOOK_RUNNER_PREDICATE_H
#define MOONHOOK_RUNNER_PREDICATE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define PREDICATE_DEPTH 8   /* groups in groups */
#define PREDICATE_NODES 200 /* of one `when`; each comparison of an `is` is one */

struct predicate;
struct schema;

/* Reads what a worker says, which is hostile. RC_INVALID with a sentence, RC_NOMEM. GIVES. */
enum rc predicate_new(
	const json_t *json, struct predicate **ret_predicate, struct err *err) must_check;
void predicate_free(struct predicate *predicate);
/* Is there a function in it? */
bool predicate_asks(const struct predicate *predicate);

struct predicate_ask {               /* BORROWS */
	struct predicate *predicate; /* keeps what it found out for the next of the same object */
	const struct schema *schema; /* for short names; NULL: those of standard fields only */
	unsigned schema_n;           /* another one, another schema (client_schema_n) */
	const char *object,
		*action; /* of the event, as the rest; object "": no record of Twenty's */
	const json_t *record, *fields; /* fields NULL: not known */
	struct slice before;           /* JSON as dump.h writes it; n 0: not known */
	const char *hidden; /* "stage score": fields whose change does not count; NULL: none */
};

enum predicate_answer {
	PREDICATE_NO,
	PREDICATE_YES,
	PREDICATE_OPEN,   /* a function decides: predicate_put_rest */
	PREDICATE_UNSURE, /* nobody can tell: it does not hold, nor does its opposite */
};

/*
 * ret_lack: RC_OK, or RC_NOT_FOUND with a sentence: a field that the object does not have, or a
 * comparison that cannot be made. What is said of it is unsure, whatever groups stand around it.
 *
 * A record that is created or restored changed in all fields from nothing, a deleted or destroyed
 * one to nothing. Of an update, event.fields say it, for a part of a field (emails.primaryEmail)
 * its values where before is known; where neither is known, everything may have changed. from is
 * false where the record was never seen before, and of one that came into being; to of one that
 * ended. `is` and `has` look at the record of the event.
 */
enum predicate_answer predicate_decide(const struct predicate_ask *ask, struct err *ret_lack);
/*
 * Of an open one: appends what is left, for a worker: functions, groups around them, and null for
 * what is unsure. RC_NOMEM, RC_TOO_LARGE.
 */
enum rc predicate_put_rest(const struct predicate_ask *ask, struct buf *out) must_check;

#endif
