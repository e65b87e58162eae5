/* SPDX-License-Identifier: MIT */
/*
 * How many runs of a rule are at work at once. Part of queue.h. Counted where runs are claimed, so
 * that it holds for all who claim from a store.
 *
 * What is due beyond that is `waiting` with a due_ms of QUEUE_LIMITED and holds none of its keys,
 * so that other rules go on with the record; it comes back in order, by the claim that finds room,
 * and new runs of the rule line up behind it.
 */
#ifndef MOONHOOK_QUEUE_LIMIT_H
#define MOONHOOK_QUEUE_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct queue;

#define QUEUE_LIMITED (-2)

struct queue_limit { /* BORROWS */
	const char *rule;
	int max; /* >= 1 */
};
/* In the place of all limits before; kept with the handle: whoever opens the store says it before
 * the first claim. What is at work goes on. Runner. */
enum rc queue_limits_put(
	struct queue *q, const struct queue_limit *limits, size_t n, struct err *err) must_check;

#endif
