/* SPDX-License-Identifier: MIT */
/*
 * What `when` says without a function: data from a rule's head, decided here, asking no worker.
 *
 *   {"changed":{"<field>":{"from":[scalar,..],"to":[scalar,..]},..}}
 *
 * One member, its name the kind of predicate; `changed` holds where one of its fields does. from
 * and to may be absent; each holds where the value is one of the list.
 */
#ifndef MOONHOOK_RUNNER_PREDICATE_H
#define MOONHOOK_RUNNER_PREDICATE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

struct client;

/* What a worker says is hostile. RC_INVALID with a sentence. */
enum rc predicate_check(const json_t *predicate, struct err *err) must_check;

struct predicate_ask { /* BORROWS */
	const json_t *predicate;
	const struct client *client;   /* for short names; NULL: those of standard fields only */
	const char *object, *action;   /* of the event, as the rest */
	const json_t *record, *fields; /* fields NULL: not known */
	struct slice before;           /* JSON as dump.h writes it; n 0: not known */
	const char *hidden; /* "stage score": fields whose change does not count; NULL: none */
};
/*
 * ret_lack: a field that the event's record does not have, NULL where there is none; BORROWS from
 * the predicate. Such a field did not change.
 *
 * A record that is created or restored changed in all fields from nothing, a deleted or destroyed
 * one to nothing. Of an update, event.fields say it, for a part of a field (emails.primaryEmail)
 * its values where before is known; where neither is known, everything may have changed. from is
 * false where the record was never seen before, and of one that came into being; to of one that
 * ended.
 */
bool predicate_holds(const struct predicate_ask *ask, const char **ret_lack);

#endif
