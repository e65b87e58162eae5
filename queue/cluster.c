/* SPDX-License-Identifier: MIT */
/* The door to what several processes on one store need; a backend that has none of it leaves these
 * members NULL. */
#include "queue/cluster.h"

#include "queue/backend.h"

bool queue_shared(const struct queue *q)
{
	return q->backend->beat != NULL;
}

enum rc queue_beat(struct queue *q, struct queue_beat *ret_beat, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "keep alive in", err);
	*ret_beat = (struct queue_beat){.leads = true, .until_mono_ms = INT64_MAX, .runners_n = 1};
	if (rc != RC_OK || q->backend->beat == NULL)
		return rc;
	return q->backend->beat(q, ret_beat, err);
}

enum rc queue_resign(struct queue *q, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "give up the lead of", err);
	return rc != RC_OK || q->backend->resign == NULL ? rc : q->backend->resign(q, err);
}

int queue_wake_fd(struct queue *q)
{
	return q->backend->wake_fd != NULL ? q->backend->wake_fd(q) : -1;
}

enum rc queue_woken(struct queue *q, bool *ret_any, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "listen to", err);
	*ret_any = false;
	return rc != RC_OK || q->backend->woken == NULL ? rc : q->backend->woken(q, ret_any, err);
}

enum rc queue_peer_each(struct queue *q, queue_peer_fn fn, void *ctx, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK || q->backend->peer_each == NULL
		       ? rc
		       : q->backend->peer_each(q, fn, ctx, err);
}
