/* SPDX-License-Identifier: MIT */
/*
 * Frames over a non-blocking socket.
 * From: pool.c. To: pool.c, frame by frame. What arrives is hostile: a length over the maximum or
 * an unknown kind ends the channel. Frames that are put gather until the flush at the end of a turn
 * of the loop, so that a batch is one write. Does not look into payloads.
 */
#include "runner/channel.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES (64u << 10)
#define IN_MAX (FRAME_MAX + 4 + READ_BYTES)
#define OUT_MAX (4 * (size_t)FRAME_MAX)
#define KEEP_BYTES (1u << 20) /* a buffer that grew past this is given back when it is empty */

void channel_init(struct channel *ch)
{
	*ch = (struct channel){.fd = -1};
	buf_init(&ch->in, IN_MAX);
	buf_init(&ch->out, OUT_MAX);
}

static void tell_broken(struct channel *ch, enum rc rc, const char *text)
{
	struct err err;
	err_set(&err, rc, "%s", text);
	ch->owner.broken(ch->owner.ctx, &err);
}

/* Hands over every whole frame; false where the channel was closed meanwhile. */
static bool hand_over(struct channel *ch)
{
	uint64_t opening = ch->openings;
	size_t at = 0;
	for (;;) {
		struct frame frame;
		struct err err = {0};
		size_t n = 0;
		struct slice rest = {ch->in.p + at, ch->in.n - at};
		enum rc rc = frame_parse(rest, &frame, &n, &err);
		if (rc == RC_BUSY)
			break;
		if (rc != RC_OK) {
			ch->owner.broken(ch->owner.ctx, &err);
			return false;
		}
		at += n;
		ch->owner.frame(ch->owner.ctx, &frame);
		if (ch->openings != opening)
			return false;
	}
	buf_shift(&ch->in, at);
	if (ch->in.n == 0 && ch->in.cap > KEEP_BYTES)
		buf_done(&ch->in);
	return true;
}

static void read_some(struct channel *ch)
{
	char *p = buf_reserve(&ch->in, READ_BYTES);
	if (p == NULL) {
		tell_broken(ch, RC_NOMEM, "no memory for what a worker sends");
		return;
	}
	ssize_t n = recv(ch->fd, p, READ_BYTES, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		tell_broken(ch, RC_CLOSED, "the worker ended");
		return;
	}
	ch->in.n += (size_t)n;
	(void)hand_over(ch);
}

static void want_room(struct channel *ch, bool want)
{
	if (ch->writing == want)
		return;
	ch->writing = want;
	(void)sd_event_source_set_io_events(ch->io, want ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct channel *ch = ctx;
	uint64_t opening = ch->openings;
	(void)source;
	(void)fd;
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		read_some(ch);
	if ((events & EPOLLOUT) != 0 && ch->openings == opening)
		channel_flush(ch);
	return 0;
}

enum rc channel_open(struct channel *ch, sd_event *loop, int fd, const struct channel_owner *owner,
	struct err *err)
{
	ch->openings++;
	ch->writing = false;
	ch->owner = *owner;
	int n = sd_event_add_io(loop, &ch->io, fd, EPOLLIN, on_io, ch);
	if (n < 0) {
		close(fd);
		return err_set_errno(err, RC_NOMEM, -n, "cannot watch a worker's socket");
	}
	ch->fd = fd;
	return RC_OK;
}

int channel_leave(struct channel *ch)
{
	int fd = ch->fd;
	if (fd < 0)
		return fd;
	ch->openings++;
	ch->io = sd_event_source_disable_unref(ch->io);
	ch->fd = -1;
	buf_done(&ch->in);
	buf_done(&ch->out);
	return fd;
}

void channel_close(struct channel *ch)
{
	int fd = channel_leave(ch);
	if (fd >= 0)
		close(fd);
}

enum rc channel_put(struct channel *ch, const struct frame *frame)
{
	return frame_put(&ch->out, frame);
}

void channel_flush(struct channel *ch)
{
	if (ch->fd < 0 || ch->out.n == 0)
		return;
	ssize_t n = send(ch->fd, ch->out.p, ch->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	/* A socket that failed is readable too: the loop finds its end there. */
	if (n > 0)
		buf_shift(&ch->out, (size_t)n);
	if (ch->out.n == 0 && ch->out.cap > KEEP_BYTES)
		buf_done(&ch->out);
	want_room(ch, ch->out.n != 0);
}

size_t channel_backlog(const struct channel *ch)
{
	return ch->out.n;
}
