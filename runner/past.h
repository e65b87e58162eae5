/* SPDX-License-Identifier: MIT */
/*
 * What a record was before an event: found out once, when the event is routed, and told to every
 * run of it, whenever that starts. Between the two it is a short text in the event's row:
 *
 *   {"before":{..},"fields":[..],"new":[..]}
 *
 * before: the old values of the outermost members that differ; new: the names of those that the
 * record did not have; without `before`, nothing is known of it. fields: of the event, in the place
 * of those that its body names; null: as there.
 */
#ifndef MOONHOOK_RUNNER_PAST_H
#define MOONHOOK_RUNNER_PAST_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Twenty's index of a record's words: no field, and kept nowhere. */
#define PAST_INDEX "searchVector"

struct past {            /* texts of JSON */
	struct buf old;  /* an object */
	struct buf news; /* an array */
	json_t *names;   /* of the fields that differ, sorted, without what changes by itself */
};

/* Compares a record with what it was before, both as dump.h writes them. sent: the names that
 * Twenty gives, or NULL: they decide about members that only one of the two has. ret_past GIVES
 * (past_done). RC_PARSE: one of them is no such text; RC_NOMEM. */
enum rc past_compare(struct slice record, struct slice before, const json_t *sent,
	struct past *ret_past) must_check;
void past_done(struct past *past); /* accepts a zeroed one */
/* Appends the row. past NULL: nothing is known of before. fields may be NULL. RC_NOMEM,
 * RC_TOO_LARGE. */
enum rc past_put(struct buf *row, const struct past *past, const json_t *fields) must_check;
/* The way back: appends to before what the record was, nothing where that is not known. ret_fields
 * GIVES; NULL: as the body says. RC_PARSE: the row is damaged; RC_NOMEM. */
enum rc past_open(struct slice row, struct slice record, struct buf *before, json_t **ret_fields,
	struct err *err) must_check;

#endif
