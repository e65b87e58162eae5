/* SPDX-License-Identifier: MIT */
/*
 * The one in the middle: pairs of sockets, and a thread that copies between them.
 * From: a test that points a store's address here. To: the server. Bounded: PAIRS connections at
 * once.
 */
#include "tests/harness/middle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS = 64, TICK_MS = 5, PIECE = 65536 };

struct pair {
	int ours, theirs; /* -1: free */
	bool doomed;      /* closed with the server's next word */
};

struct middle {
	int listener, port, target;
	pthread_t thread;
	atomic_int mode;
	atomic_bool over;
	atomic_size_t taken, asked;
	struct pair pairs[PAIRS];
};

static void close_pair(struct pair *p)
{
	if (p->ours >= 0)
		close(p->ours);
	if (p->theirs >= 0)
		close(p->theirs);
	*p = (struct pair){-1, -1, false};
}

static int socket_to(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void take_connection(struct middle *m)
{
	int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	atomic_fetch_add(&m->asked, 1);
	int mode = atomic_load(&m->mode);
	for (size_t i = 0; i < PAIRS && mode != MIDDLE_CUTS; i++) {
		if (m->pairs[i].ours >= 0)
			continue;
		int theirs = socket_to(m->target);
		if (theirs < 0)
			break;
		m->pairs[i] = (struct pair){fd, theirs, false};
		return;
	}
	close(fd);
}

static bool send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* True when this piece asks for a commit that is to be taken away. */
static bool takes(struct middle *m, const char *piece, size_t n)
{
	int mode = atomic_load(&m->mode);
	if (mode != MIDDLE_SWALLOWS && mode != MIDDLE_LOSES)
		return false;
	if (memmem(piece, n, "COMMIT", strlen("COMMIT") + 1) == NULL)
		return false;
	atomic_fetch_add(&m->taken, 1);
	atomic_store(&m->mode, MIDDLE_PASSES);
	return true;
}

/* What the client says. */
static void pass_up(struct middle *m, struct pair *p)
{
	char piece[PIECE];
	bool loses = atomic_load(&m->mode) == MIDDLE_LOSES;
	ssize_t n = recv(p->ours, piece, sizeof(piece), 0);
	if (n <= 0) {
		close_pair(p);
		return;
	}
	bool taken = takes(m, piece, (size_t)n);
	if ((taken && loses) || !send_all(p->theirs, piece, (size_t)n))
		close_pair(p);
	else
		p->doomed = p->doomed || taken;
}

static void pass_down(struct pair *p)
{
	char piece[PIECE];
	ssize_t n = recv(p->theirs, piece, sizeof(piece), 0);
	if (n <= 0 || p->doomed || !send_all(p->ours, piece, (size_t)n))
		close_pair(p);
}

/* One round of all connections. */
static void step(struct middle *m)
{
	struct pollfd fds[1 + 2 * PAIRS] = {{m->listener, POLLIN, 0}};
	int mode = atomic_load(&m->mode);
	for (size_t i = 0; i < PAIRS; i++) {
		struct pair *p = &m->pairs[i];
		if (mode == MIDDLE_CUTS)
			close_pair(p);
		fds[1 + 2 * i] = (struct pollfd){p->ours, POLLIN, 0};
		fds[2 + 2 * i] = (struct pollfd){p->theirs, POLLIN, 0};
	}
	size_t n = mode == MIDDLE_STALLS ? 1 : 1 + 2 * PAIRS;
	if (poll(fds, n, TICK_MS) <= 0)
		return;
	for (size_t i = 0; i < PAIRS && n > 1; i++) {
		struct pair *p = &m->pairs[i];
		if (fds[1 + 2 * i].revents != 0 && p->ours >= 0)
			pass_up(m, p);
		if (fds[2 + 2 * i].revents != 0 && p->theirs >= 0)
			pass_down(p);
	}
	if (fds[0].revents != 0)
		take_connection(m);
}

static void *stand(void *arg)
{
	struct middle *m = arg;
	while (!atomic_load(&m->over))
		step(m);
	for (size_t i = 0; i < PAIRS; i++)
		close_pair(&m->pairs[i]);
	return NULL;
}

struct middle *middle_start(int port)
{
	struct middle *m = calloc(1, sizeof(*m));
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t at_n = sizeof(at);
	if (m == NULL)
		return NULL;
	for (size_t i = 0; i < PAIRS; i++)
		m->pairs[i] = (struct pair){-1, -1, false};
	m->target = port;
	m->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->listener < 0 || bind(m->listener, (struct sockaddr *)&at, at_n) != 0 ||
		listen(m->listener, PAIRS) != 0 ||
		getsockname(m->listener, (struct sockaddr *)&at, &at_n) != 0 ||
		pthread_create(&m->thread, NULL, stand, m) != 0) {
		if (m->listener >= 0)
			close(m->listener);
		free(m);
		return NULL;
	}
	m->port = ntohs(at.sin_port);
	return m;
}

int middle_port(const struct middle *m)
{
	return m->port;
}

void middle_set(struct middle *m, enum middle_mode mode)
{
	atomic_store(&m->mode, (int)mode);
}

size_t middle_taken(struct middle *m)
{
	return atomic_load(&m->taken);
}

size_t middle_asked(struct middle *m)
{
	return atomic_load(&m->asked);
}

void middle_stop(struct middle *m)
{
	if (m == NULL)
		return;
	atomic_store(&m->over, true);
	(void)pthread_join(m->thread, NULL);
	close(m->listener);
	free(m);
}
