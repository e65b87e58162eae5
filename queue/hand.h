/* SPDX-License-Identifier: MIT */
/*
 * What people do by hand with what has ended, besides queue_retry. Part of queue.h. By the runner,
 * within its transaction; what is still open is never touched.
 */
#ifndef MOONHOOK_QUEUE_HAND_H
#define MOONHOOK_QUEUE_HAND_H

#include <stddef.h>

#include "base/err.h"

struct queue;

/* Removes an ended run with its journal and log. Its event then says how its other runs ended.
 * RC_NOT_FOUND; RC_INVALID: it is open, or the prefix fits several. */
enum rc queue_run_purge(struct queue *q, const char *run_id, struct err *err) must_check;
/* An event in quarantine has been dealt with (made into another one ..): it is done, and `how`
 * stands behind its reason. RC_NOT_FOUND; RC_INVALID: it is not, or its runs are what is. */
enum rc queue_event_settle(
	struct queue *q, const char *event_id, const char *how, struct err *err) must_check;
/* Removes an event in quarantine, and in time what its delivery held. Fails as the above. */
enum rc queue_event_purge(struct queue *q, const char *event_id, struct err *err) must_check;

#endif
