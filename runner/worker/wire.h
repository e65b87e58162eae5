/* SPDX-License-Identifier: MIT */
/* The worker's end of the socket pair, outgoing: frames gather and leave together. */
#ifndef MOONHOOK_RUNNER_WORKER_WIRE_H
#define MOONHOOK_RUNNER_WORKER_WIRE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "runner/worker/frame.h"

struct wire {
	int fd; /* BORROWED */
	struct buf out; /* whole frames that have not left */
	struct buf text; /* the payload being written */
	int64_t since_us; /* mono: when the frame at hand was taken up */
};

void wire_init(struct wire *wire, int fd);
void wire_done(struct wire *wire);
/* Queues a frame whose payload is wire->text. RC_TOO_LARGE, RC_NOMEM. */
enum rc wire_put(
	struct wire *wire, enum frame_kind kind, uint32_t run, uint32_t generation) must_check;
/* Writes everything; blocks until the peer takes it. RC_CLOSED, RC_IO. */
enum rc wire_flush(struct wire *wire, struct err *err) must_check;
/* Gives memory back that a large frame took. */
void wire_trim(struct wire *wire);

#endif
