/* SPDX-License-Identifier: MIT */
/*
 * Messages between the supervisor and its children.
 * From: cli/child.c, cli/supervise.c and the main loop of each child. Fails with RC_CLOSED when the
 * peer has died.
 */
#include "base/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum rc link_open(int ret_fd[static 2], struct err *err)
{
	int fd[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
		return err_set_errno(err, RC_IO, errno, "cannot make a socket pair");
	int bytes = 2 * LINK_MAX;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	memcpy(ret_fd, fd, sizeof(fd));
	return RC_OK;
}

enum rc link_send(int fd, const char *kind, struct slice text, struct err *err)
{
	union {
		const void *in;
		void *out;
	} k = {kind}, t = {text.p};
	struct iovec parts[] = {{k.out, strlen(kind) + 1}, {t.out, text.n}};
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};

	if (parts[0].iov_len + text.n > LINK_MAX)
		return err_set(err, RC_TOO_LARGE, "a message of %zu bytes is too long", text.n);
	ssize_t n;
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		return err_set(err, RC_CLOSED, "the other process is gone");
	if (n < 0)
		return err_set_errno(err, RC_IO, errno, "cannot send to the other process");
	return RC_OK;
}

void link_beat(int fd)
{
	/* A supervisor that does not read has no use for it. */
	(void)send(fd, "alive", sizeof("alive"), MSG_NOSIGNAL | MSG_DONTWAIT);
}

enum rc link_receive(int fd, struct buf *buf, struct link_msg *ret_msg, struct err *err)
{
	buf_clear(buf);
	char *p = buf_reserve(buf, LINK_MAX);
	if (p == NULL)
		return err_set(err, RC_NOMEM, "no memory for a message");
	ssize_t n;
	do
		n = recv(fd, p, LINK_MAX, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return err_set(err, RC_CLOSED, "the other process is gone");
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return err_set(err, RC_BUSY, "no message");
	if (n < 0)
		return err_set_errno(err, RC_IO, errno, "cannot receive from the other process");
	if (n > LINK_MAX)
		return err_set(err, RC_TOO_LARGE, "a message of %zd bytes is too long", n);
	buf->n = (size_t)n;
	p[n] = '\0';
	size_t kind_n = strnlen(p, (size_t)n);
	if (kind_n == (size_t)n || kind_n >= sizeof(ret_msg->kind))
		return err_set(err, RC_PARSE, "a message without a kind");
	snprintf(ret_msg->kind, sizeof(ret_msg->kind), "%s", p);
	ret_msg->text = (struct slice){p + kind_n + 1, (size_t)n - kind_n - 1};
	return RC_OK;
}
