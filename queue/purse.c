/* SPDX-License-Identifier: MIT */
/*
 * The door to the shared budget. From: the runner. To: backends that several runners share; others
 * have no purse. Fails as the backend does.
 */
#include "queue/purse.h"

#include "queue/backend.h"

int queue_purse_fd(struct queue *q)
{
	bool may = q->side == QUEUE_RUNNER && !atomic_load(&q->broken);
	return may && q->backend->purse_fd != NULL ? q->backend->purse_fd(q) : -1;
}

void queue_purse_swap(struct queue *q, int64_t version, struct slice state)
{
	if (q->backend->purse_swap != NULL)
		q->backend->purse_swap(q, version, state);
}

enum rc queue_purse_step(
	struct queue *q, struct queue_purse_answer *ret_answer, bool *ret_any, struct err *err)
{
	*ret_any = false;
	return q->backend->purse_step != NULL ? q->backend->purse_step(q, ret_answer, ret_any, err)
					      : RC_OK;
}
