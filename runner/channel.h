/* SPDX-License-Identifier: MIT */
/* The runner's end of the socket to one worker: frames in and out, buffers bounded. */
#ifndef MOONHOOK_RUNNER_CHANNEL_H
#define MOONHOOK_RUNNER_CHANNEL_H

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "base/buf.h"
#include "base/err.h"
#include "runner/worker/frame.h"

struct channel;

struct channel_owner { /* BORROWS */
	void *ctx;
	/* One frame; its payload lives until the call back returns. May close the channel. */
	void (*frame)(void *ctx, const struct frame *frame);
	/* The other side is gone, or sent rubbish (err); close the channel in it. */
	void (*broken)(void *ctx, const struct err *err);
};

struct channel {
	int fd;            /* -1: closed */
	uint64_t openings; /* tells a channel from its successor during call backs */
	bool writing;      /* the loop tells when there is room again */
	sd_event_source *io;
	struct buf in, out;
	struct channel_owner owner;
};

/* A closed channel. */
void channel_init(struct channel *ch);
/* TAKES fd (non-blocking), also on failure. RC_NOMEM. */
enum rc channel_open(struct channel *ch, sd_event *loop, int fd, const struct channel_owner *owner,
	struct err *err) must_check;
/* Forgets what was not sent. Accepts a closed one. */
void channel_close(struct channel *ch);
/* The same, but GIVES the descriptor, open; -1 of a closed one. */
int channel_leave(struct channel *ch);
/* Adds a frame to what the next flush sends. RC_TOO_LARGE: the frame, or the backlog; RC_NOMEM. */
enum rc channel_put(struct channel *ch, const struct frame *frame) must_check;
/* Sends what is there as far as the socket takes it. A failure is told to `broken` by the loop. */
void channel_flush(struct channel *ch);
size_t channel_backlog(const struct channel *ch); /* bytes not sent yet */

#endif
