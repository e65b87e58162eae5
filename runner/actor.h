/* SPDX-License-Identifier: MIT */
/*
 * event.actor where the change was made by one of our rules: {"kind":"rule","name":"score people"}
 * in the place of the API key that it used. It is so where the event has a cause (queue/ledger.h),
 * however often and wherever its runs are started.
 */
#ifndef MOONHOOK_RUNNER_ACTOR_H
#define MOONHOOK_RUNNER_ACTOR_H

#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "runner/echo.h"
#include "runner/event.h"

struct runner;

/* The actor that the rule of a run is; its name is left out where the run is gone. GIVES. NULL with
 * RC_OK: cause is 0, none of ours. RC_NOMEM, RC_IO. */
enum rc actor_of(struct runner *r, int64_t cause, json_t **ret_actor, struct err *err) must_check;
/* Of an event that is being routed: into its text, before any rule sees it. As actor_of. */
enum rc actor_route(struct runner *r, const struct echo_view *view, struct event *event,
	struct err *err) must_check;
/* Of an event that a run has already, of which only the text is left: replaces *event, a reference,
 * by one that tells it. As actor_of. */
enum rc actor_tell(
	struct runner *r, int64_t cause, struct event **event, struct err *err) must_check;

#endif
