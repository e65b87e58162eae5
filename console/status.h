/* SPDX-License-Identifier: MIT */
/* What `moonhook status` shows: counts of the store, live rules, the page of metrics. */
#ifndef MOONHOOK_CONSOLE_STATUS_H
#define MOONHOOK_CONSOLE_STATUS_H

#include <jansson.h>

#include "queue/place.h"

/*
 * place: of the store. daemon: what the supervisor says of its processes ({uptime_ms, problem,
 * processes}), may be NULL; BORROWS. Always an object, {"ok": true, events, runs, api, workers,
 * rules, ..}; what the store does not tell is null there, with the reason in "store_problem",
 * or in "store_unread" where a receiver's user may not read it. NULL: no memory.
 */
json_t *status_describe(const struct queue_place *place, const json_t *daemon);

#endif
