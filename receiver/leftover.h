/* SPDX-License-Identifier: MIT */
/* What a spool holds still when the store that it waited for is none that goes away: the
 * configuration names a folder now. */
#ifndef MOONHOOK_RECEIVER_LEFTOVER_H
#define MOONHOOK_RECEIVER_LEFTOVER_H

#include "queue/queue.h"

/* Takes every delivery that waits in the spool of this folder to the store, in order, before
 * anybody is listened to; nothing where there is no spool. Blocks as long as that takes, and up to
 * wait_ms for a killed predecessor. Broken off, it is run again: each is stored once. As spool_open
 * and queue_inbox_put fail. */
enum rc leftover_carry(
	const char *folder, int64_t wait_ms, struct queue *to, struct err *err) must_check;

#endif
