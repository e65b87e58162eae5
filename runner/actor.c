/* SPDX-License-Identifier: MIT */
/*
 * Telling rules that a change was made by a rule.
 * From: route_echo.c (events that are routed), echo_run.c (runs of the store, and runs that are
 * decided when they start). To: event.c. Asks the store which rule it was. Fails as the store does.
 */
#include "runner/actor.h"

#include <string.h>

#include "base/buf.h"
#include "queue/ledger.h"
#include "runner/dump.h"
#include "runner/scan.h"
#include "runner/state.h"

enum rc actor_of(struct runner *r, int64_t cause, json_t **ret_actor, struct err *err)
{
	struct queue_step step = {.rule = NULL};
	*ret_actor = NULL;
	if (cause == 0)
		return RC_OK;
	enum rc rc = queue_step_get(r->queue, cause, &step, err);
	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	*ret_actor =
		json_pack("{s:s, s:s*}", "kind", "rule", "name", rc == RC_OK ? step.rule : NULL);
	return *ret_actor != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for an event");
}

enum rc actor_route(
	struct runner *r, const struct echo_view *view, struct event *event, struct err *err)
{
	json_t *actor = NULL;
	enum rc rc = actor_of(r, view->run, &actor, err);
	if (rc == RC_OK && actor != NULL && (rc = event_put_actor(event, actor)) != RC_OK)
		err_set(err, rc, "no memory for an event");
	json_decref(actor);
	/* An event at the limit of its size keeps the actor that Twenty names. */
	return rc == RC_TOO_LARGE ? RC_OK : rc;
}

enum rc actor_tell(struct runner *r, int64_t cause, struct event **event, struct err *err)
{
	json_t *actor = NULL, *tree = NULL;
	struct event *other = NULL;
	struct buf out;
	enum rc rc = actor_of(r, cause, &actor, err);
	if (rc != RC_OK || actor == NULL)
		return rc;
	rc = scan_parse((struct slice){(*event)->text, (*event)->text_n}, &tree, err);
	if (rc != RC_OK) {
		json_decref(actor);
		return rc;
	}
	buf_init(&out, (*event)->text_n + 1024);
	rc = json_object_set_new(tree, "actor", actor) == 0 ? dump_value(&out, tree) : RC_NOMEM;
	json_decref(tree);
	if (rc == RC_OK)
		rc = event_with_text(*event, buf_slice(&out), &other);
	buf_done(&out);
	if (rc != RC_OK)
		return err_set(err, rc, "no memory for an event");
	event_unref(*event);
	*event = other;
	return RC_OK;
}
