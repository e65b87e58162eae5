/* SPDX-License-Identifier: MIT */
/* A copy of the whole store while it is being used, from which a daemon can start. Part of queue.h.
 */
#ifndef MOONHOOK_QUEUE_BACKUP_H
#define MOONHOOK_QUEUE_BACKUP_H

#include <stdint.h>

#include "base/err.h"

struct queue;

struct queue_backup {
	int64_t inbox_bytes, work_bytes; /* of the copies; 0: there was no such file yet */
	int64_t events, runs;            /* that the copy knows, open ones included */
};

/* Copies the store into a new folder, which appears whole or not at all. A reader's handle. Blocks
 * as long as the copying takes; nobody else waits. Every delivery that was acknowledged before the
 * call is in the copy. RC_DUPLICATE: the folder is there already; RC_INVALID: the copy is damaged;
 * RC_DENIED, RC_IO, RC_UNSUPPORTED. */
enum rc queue_backup(struct queue *q, const char *folder, struct queue_backup *ret_backup,
	struct err *err) must_check;

#endif
