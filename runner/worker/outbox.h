/* SPDX-License-Identifier: MIT */
/* The worker's end of the socket pair, outgoing: frames gather and leave together. */
#ifndef MOONHOOK_RUNNER_WORKER_OUTBOX_H
#define MOONHOOK_RUNNER_WORKER_OUTBOX_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "runner/worker/frame.h"

struct outbox {
	int fd;           /* BORROWED */
	struct buf out;   /* whole frames that have not left */
	struct buf text;  /* the payload being written */
	int64_t since_us; /* mono: when the frame at hand was taken up */
};

void outbox_init(struct outbox *box, int fd);
void outbox_done(struct outbox *box);
/* Queues a frame whose payload is box->text. RC_TOO_LARGE, RC_NOMEM. */
enum rc outbox_put(
	struct outbox *box, enum frame_kind kind, uint32_t run, uint32_t generation) must_check;
/* Writes everything; blocks until the peer takes it. RC_CLOSED, RC_IO. */
enum rc outbox_flush(struct outbox *box, struct err *err) must_check;
/* Gives memory back that a large frame took. */
void outbox_trim(struct outbox *box);

#endif
