/* SPDX-License-Identifier: MIT */
/*
 * Says bytes to a server and reads its answers.
 * From: tests that send what no proper client would. Understands just enough HTTP to cut a stream
 * into answers with a Content-Length.
 */
#include "tests/harness/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define WAIT_MS 60000

void wire_open_from(struct wire *w, int port, const char *address)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	int on = 1;
	buf_init(&w->in, 1 << 20);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (inet_pton(AF_INET, address, &from.sin_addr) != 1 ||
		bind(w->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
		connect(w->fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		close(w->fd);
		w->fd = -1;
	}
}

void wire_open(struct wire *w, int port)
{
	wire_open_from(w, port, "127.0.0.1");
}

void wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	buf_done(&w->in);
}

void wire_reset(struct wire *w)
{
	struct linger hard = {1, 0};
	setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	wire_close(w);
}

bool wire_send(struct wire *w, struct slice bytes)
{
	while (bytes.n != 0) {
		struct pollfd p = {w->fd, POLLOUT, 0};
		if (poll(&p, 1, WAIT_MS) != 1)
			return false;
		ssize_t n = send(w->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		if (n > 0) {
			bytes.p += n;
			bytes.n -= (size_t)n;
		}
	}
	return true;
}

bool wire_send_text(struct wire *w, const char *text)
{
	return wire_send(w, slice_of(text));
}

/* Reads what is there: bytes, 0 at the end or after a reset, -1 for nothing in time. */
static int fill(struct wire *w, int64_t until_ms)
{
	struct pollfd p = {w->fd, POLLIN, 0};
	int64_t left_ms = until_ms - clock_mono_ms();
	if (poll(&p, 1, left_ms > 0 ? (int)left_ms : 0) != 1)
		return -1;
	char *at = buf_reserve(&w->in, 16384);
	if (at == NULL)
		return 0;
	ssize_t n = recv(w->fd, at, 16384, 0);
	if (n <= 0)
		return 0;
	w->in.n += (size_t)n;
	w->in.p[w->in.n] = '\0';
	return (int)n;
}

static struct wire_answer cut(struct wire *w, const char *end, size_t body_n)
{
	struct wire_answer a = {0};
	size_t head_n = (size_t)(end - w->in.p) + 4;
	snprintf(a.head, sizeof(a.head), "%.*s", (int)head_n, w->in.p);
	snprintf(a.body, sizeof(a.body), "%.*s", (int)body_n, w->in.p + head_n);
	if (sscanf(a.head, "HTTP/1.%*d %d", &a.status) != 1)
		a.status = 0;
	buf_shift(&w->in, head_n + body_n);
	return a;
}

struct wire_answer wire_read(struct wire *w)
{
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	for (;;) {
		char *end = w->in.p != NULL ? strstr(w->in.p, "\r\n\r\n") : NULL;
		if (end != NULL) {
			const char *length = strcasestr(w->in.p, "content-length:");
			size_t n =
				length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0;
			if (w->in.n >= (size_t)(end - w->in.p) + 4 + n) {
				struct wire_answer a = cut(w, end, n);
				if (a.status >= 200 || a.status == 0)
					return a;
				continue;
			}
		}
		int got = fill(w, until_ms);
		if (got <= 0)
			return (struct wire_answer){.status = got};
	}
}

bool wire_closed(struct wire *w)
{
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	int got;
	while ((got = fill(w, until_ms)) > 0)
		buf_clear(&w->in);
	return got == 0;
}

bool wire_silent(struct wire *w)
{
	struct pollfd p = {w->fd, POLLIN, 0};
	return poll(&p, 1, 0) == 0;
}
