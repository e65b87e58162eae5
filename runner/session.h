/* SPDX-License-Identifier: MIT */
/*
 * Several events, one run: what its rule is given. Pure: no store, no clock.
 *
 *   settle  the events of one record, as if all was changed at once. `record`, `actor`, `at`, `via`
 *           and `id` are those of the newest (by the record's updatedAt, else the last to come),
 *           `before` that of the first to come, `fields` the union of all in the order in which
 *           they were named, and nil where of an update nobody can tell them. The name is the sum:
 *           created and updated is created, created and deleted is deleted, deleted and restored is
 *           updated, restored and updated is restored, whatever ends in destroyed is that
 *   batch   `event.batch` lists them as they are, in order; beside it id, at and via of the last,
 *           and the name, object, action and hook that all have in common
 */
#ifndef MOONHOOK_RUNNER_SESSION_H
#define MOONHOOK_RUNNER_SESSION_H

#include <stddef.h>

#include <jansson.h>

#include "base/err.h"

/* The numbers stand in the store (queue/join.h). */
enum session_kind { SESSION_NONE, SESSION_SETTLE, SESSION_BATCH };

struct session;

/* NULL: no memory. GIVES (session_free). */
struct session *session_new(enum session_kind kind);
void session_free(struct session *session); /* accepts NULL */
/* Adds the next event, as a rule would see it alone: an object of id, via, at, actor, object,
 * action, name, record, fields, before. Keeps references to parts of it. RC_NOMEM. */
enum rc session_add(struct session *session, json_t *event) must_check;
size_t session_n(const struct session *session);
/* The one event. GIVES; NULL: no memory, or nothing was added. */
json_t *session_event(const struct session *session);

#endif
