/* SPDX-License-Identifier: MIT */
/*
 * What people do by hand with what has ended, besides queue_retry. Part of queue.h. By the runner,
 * within its transaction; what is still open is never touched.
 */
#ifndef MOONHOOK_QUEUE_HAND_H
#define MOONHOOK_QUEUE_HAND_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/queue.h"

/* Removes an ended run with its journal and log. Its event then says how its other runs ended.
 * RC_NOT_FOUND; RC_INVALID: it is open, or the prefix fits several. */
enum rc queue_run_purge(struct queue *q, const char *run_id, struct err *err) must_check;
/* An ended run keeps another version of its rule from now on, one that has been put; queue_retry
 * then runs that one. Fails as the above. */
enum rc queue_run_renew(
	struct queue *q, const char *run_id, const char *source_hash, struct err *err) must_check;
/* An event in quarantine has been dealt with (made into another one ..): it is done, and `how`
 * stands behind its reason. RC_NOT_FOUND; RC_INVALID: it is not, or its runs are what is. */
enum rc queue_event_settle(
	struct queue *q, const char *event_id, const char *how, struct err *err) must_check;
/* Removes an event in quarantine, and in time what its delivery held. Fails as the above. */
enum rc queue_event_purge(struct queue *q, const char *event_id, struct err *err) must_check;

/* How the runs of a rule have fared. */
struct queue_tally { /* BORROWS */
	const char *rule;
	int64_t runs[QUEUE_STATE_N];
	int64_t parked; /* of those that wait */
};
typedef enum rc (*queue_tally_fn)(void *ctx, const struct queue_tally *tally, struct err *err);
/* Of every rule that has runs made at or after since_ms (wall), by name. Looks at all runs. Any
 * side. */
enum rc queue_tally_each(struct queue *q, int64_t since_ms, queue_tally_fn fn, void *ctx,
	struct err *err) must_check;

#endif
