/* SPDX-License-Identifier: MIT */
/* The door to what other runners have routed; a store that nobody shares has no others. */
#include "queue/heard.h"

#include "queue/backend.h"

enum rc queue_heard_each(struct queue *q, const struct queue_wanted *wanted, queue_heard_fn fn,
	void *ctx, int64_t *ret_seq, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "hear", err);
	*ret_seq = wanted->after_seq;
	return rc != RC_OK || q->backend->heard_each == NULL
		       ? rc
		       : q->backend->heard_each(q, wanted, fn, ctx, ret_seq, err);
}
