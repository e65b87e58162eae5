/* SPDX-License-Identifier: MIT */
/*
 * How much each rule has written, by slots of time, for its limit (max_writes); and which runs are
 * in shadow mode: their effects are recorded, not done. Part of queue.h. Written by the runner
 * within its transaction.
 */
#ifndef MOONHOOK_QUEUE_SPEND_H
#define MOONHOOK_QUEUE_SPEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct queue;

/* Adds n to what the rule has written in the slot that begins at slot_ms (wall). Runner. */
enum rc queue_spend_add(
	struct queue *q, const char *rule, int64_t slot_ms, int64_t n, struct err *err) must_check;
typedef enum rc (*queue_spend_fn)(void *ctx, int64_t slot_ms, int64_t n, struct err *err);
/* The slots of a rule that begin at or after since_ms, in order. fn may not write. Any side.
 * A runner of a store that others share reads within its transaction: no other adds to them until
 * its commit. */
enum rc queue_spend_each(struct queue *q, const char *rule, int64_t since_ms, queue_spend_fn fn,
	void *ctx, struct err *err) must_check;
/* Forgets the slots of a rule ("*": of all) that begin before before_ms. Runner. */
enum rc queue_spend_clear(
	struct queue *q, const char *rule, int64_t before_ms, struct err *err) must_check;

/* Was the run born in shadow mode (queue_run_new)? Any side. */
enum rc queue_shadow_is(
	struct queue *q, int64_t run_seq, bool *ret_shadow, struct err *err) must_check;

#endif
