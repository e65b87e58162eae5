/* SPDX-License-Identifier: MIT */
/*
 * What a mark on a store means to whoever wants to work on it.
 * From: queue_open; `store copy`, `store check`. To: the backend, which keeps it.
 */
#include "queue/mark.h"

#include <stdio.h>

#include "queue/backend.h"

enum rc queue_mark_judge(const struct queue_mark *mark, struct err *err)
{
	switch (mark->kind) {
	case QUEUE_MARK_NONE:
		return RC_OK;
	case QUEUE_MARK_FILLING:
		return err_set(err, RC_DENIED,
			"the store is an unfinished copy of %.100s; run `moonhook store copy` "
			"again, which finishes it",
			mark->other);
	case QUEUE_MARK_MOVED:
		return err_set(err, RC_DENIED,
			"the store has moved to %.100s; name that one in the configuration (should "
			"it be gone and have done nothing: moonhook store release)",
			mark->other);
	}
	return err_set(err, RC_DENIED, "the store has a mark that is not known");
}

enum rc queue_mark_read(struct queue *q, struct queue_mark *ret_mark, struct err *err)
{
	enum rc rc = queue_enter_any(q, "look at the mark of", err);
	struct queue_mark mark = {.kind = QUEUE_MARK_NONE};
	if (rc == RC_OK && q->backend->mark != NULL)
		rc = q->backend->mark(q, &mark, err);
	if (rc == RC_OK)
		*ret_mark = mark;
	return rc;
}
