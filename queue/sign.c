/* SPDX-License-Identifier: MIT */
/* The door to what receivers tell of their spools; a store of one receiver waits for nobody. */
#include "queue/sign.h"

#include "queue/backend.h"

enum rc queue_sign(struct queue *q, const struct queue_sign *sign, bool *ret_late, struct err *err)
{
	enum rc rc = queue_enter_receiver(q, "give a sign of life to", err);
	if (rc != RC_OK)
		return rc;
	if (q->backend->sign != NULL)
		return q->backend->sign(q, sign, ret_late, err);
	*ret_late = false;
	return RC_OK;
}
