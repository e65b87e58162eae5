/* SPDX-License-Identifier: MIT */
/*
 * Outgoing frames.
 * From: run.c, rule.c. To: the runner. Fails when the runner is gone; the worker then ends.
 */
#include "runner/worker/outbox.h"

#include <errno.h>
#include <sys/socket.h>

#define OUT_MAX (64u << 20)
#define KEPT_MAX (64u << 10) /* bytes of buffer that stay while nothing happens */

void outbox_init(struct outbox *box, int fd)
{
	*box = (struct outbox){.fd = fd};
	buf_init(&box->out, OUT_MAX);
	buf_init(&box->text, FRAME_MAX - FRAME_HEAD);
}

void outbox_done(struct outbox *box)
{
	buf_done(&box->out);
	buf_done(&box->text);
}

enum rc outbox_put(struct outbox *box, enum frame_kind kind, uint32_t run, uint32_t generation)
{
	struct frame frame = {kind, run, generation, buf_slice(&box->text)};
	return frame_put(&box->out, &frame);
}

enum rc outbox_flush(struct outbox *box, struct err *err)
{
	size_t at = 0;
	while (at < box->out.n) {
		ssize_t n = send(box->fd, box->out.p + at, box->out.n - at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, errno == EPIPE ? RC_CLOSED : RC_IO, errno,
				"the runner takes no frames");
		at += (size_t)n;
	}
	buf_clear(&box->out);
	return RC_OK;
}

void outbox_trim(struct outbox *box)
{
	if (box->out.cap > KEPT_MAX)
		buf_done(&box->out);
	if (box->text.cap > KEPT_MAX)
		buf_done(&box->text);
}
