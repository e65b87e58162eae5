/* SPDX-License-Identifier: MIT */
/*
 * Outgoing frames.
 * From: run.c, rule.c. To: the runner. Fails when the runner is gone; the worker then ends.
 */
#include "runner/worker/wire.h"

#include <errno.h>
#include <sys/socket.h>

#define OUT_MAX (64u << 20)
#define KEPT_MAX (64u << 10) /* bytes of buffer that stay while nothing happens */

void wire_init(struct wire *wire, int fd)
{
	*wire = (struct wire){.fd = fd};
	buf_init(&wire->out, OUT_MAX);
	buf_init(&wire->text, FRAME_MAX - FRAME_HEAD);
}

void wire_done(struct wire *wire)
{
	buf_done(&wire->out);
	buf_done(&wire->text);
}

enum rc wire_put(struct wire *wire, enum frame_kind kind, uint32_t run, uint32_t generation)
{
	struct frame frame = {kind, run, generation, buf_slice(&wire->text)};
	return frame_put(&wire->out, &frame);
}

enum rc wire_flush(struct wire *wire, struct err *err)
{
	size_t at = 0;
	while (at < wire->out.n) {
		ssize_t n = send(wire->fd, wire->out.p + at, wire->out.n - at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, errno == EPIPE ? RC_CLOSED : RC_IO, errno,
				"the runner takes no frames");
		at += (size_t)n;
	}
	buf_clear(&wire->out);
	return RC_OK;
}

void wire_trim(struct wire *wire)
{
	if (wire->out.cap > KEPT_MAX)
		buf_done(&wire->out);
	if (wire->text.cap > KEPT_MAX)
		buf_done(&wire->text);
}
