/* SPDX-License-Identifier: MIT */
/*
 * The fake server.
 * From: tests of answers that no twin would give. One thread per connection, in a child that dies
 * with the test.
 */
#include "tests/unit/client_fake.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct connection {
	int fd;
	fake_handler handler;
	enum fake_probe probe;
	struct fake_shared *shared;
};

bool fake_write(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;
	while (n > 0) {
		ssize_t put = send(fd, p, n, MSG_NOSIGNAL);
		if (put <= 0)
			return false;
		p += put;
		n -= (size_t)put;
	}
	return true;
}

bool fake_answer(int fd, int status, const char *headers, const char *body)
{
	char head[1024];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n",
		status, strlen(body), headers);
	return fake_write(fd, head, (size_t)n) && fake_write(fd, body, strlen(body));
}

/* Reads one request, its body included; false at the end of the connection. */
static bool read_request(int fd, char *buf, size_t size, char *body_at, size_t body_max)
{
	size_t n = 0;
	char *end = NULL;
	while (end == NULL) {
		ssize_t got = n < size - 1 ? recv(fd, buf + n, size - 1 - n, 0) : 0;
		if (got <= 0)
			return false;
		n += (size_t)got;
		buf[n] = '\0';
		end = strstr(buf, "\r\n\r\n");
	}
	const char *length = strcasestr(buf, "content-length:");
	size_t body = length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0;
	size_t have = n - (size_t)(end + 4 - buf);
	memcpy(body_at, end + 4, have);
	while (have < body) {
		ssize_t got = have < body_max - 1 ? recv(fd, body_at + have, body - have, 0) : 0;
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	body_at[have] = '\0';
	return true;
}

/* What the client asks on its own account; NULL: a call. */
static const char *of_client(const char *request)
{
	if (strncmp(request, "GET /rest/open-api", 18) == 0)
		return "{}";
	if (strncmp(request, "GET /rest/metadata/objects ", 27) == 0)
		return "{\"data\":{\"objects\":[]}}";
	if (strncmp(request, "GET /rest/webhooks ", 19) == 0)
		return "[]";
	return NULL;
}

static void *serve(void *ctx)
{
	struct connection *c = ctx;
	char request[32768];
	char *body = malloc(sizeof(c->shared->body));
	bool open = body != NULL;
	while (open &&
		read_request(c->fd, request, sizeof(request), body, sizeof(c->shared->body))) {
		bool probe = strncmp(request, "GET /rest/people?limit=1 ", 25) == 0;
		if (strcasestr(request, "\r\nCookie:") != NULL)
			atomic_fetch_add(&c->shared->cookies, 1);
		const char *own = c->probe != FAKE_ALL ? of_client(request) : NULL;
		if (own != NULL) {
			open = fake_answer(c->fd, 200, "", own);
			continue;
		}
		if (probe)
			atomic_fetch_add(&c->shared->probes, 1);
		if (probe && c->probe == FAKE_CORE) {
			open = fake_answer(c->fd, 200, "", FAKE_PEOPLE);
			continue;
		}
		if (!probe) {
			snprintf(c->shared->last, sizeof(c->shared->last), "%.*s",
				(int)strcspn(request, "\r"), request);
			if (atomic_fetch_add(&c->shared->hits, 1) == 0) {
				memcpy(c->shared->first, c->shared->last, sizeof(c->shared->first));
				memcpy(c->shared->body, body, strlen(body) + 1);
			}
		}
		open = c->handler(c->fd, request, c->shared);
	}
	close(c->fd);
	free(body);
	free(c);
	return NULL;
}

static void accept_all(int fd, const struct connection *model)
{
	for (;;) {
		struct connection *c = malloc(sizeof(*c));
		if (c == NULL)
			_exit(1);
		*c = *model;
		c->fd = accept(fd, NULL, NULL);
		atomic_fetch_add(&model->shared->connections, 1);
		pthread_t thread;
		if (c->fd < 0 || pthread_create(&thread, NULL, serve, c) != 0)
			_exit(1);
		pthread_detach(thread);
	}
}

bool fake_open(struct fake *fake, fake_handler handler, enum fake_probe probe)
{
	*fake = (struct fake){.pid = 0};
	fake->shared = mmap(NULL, sizeof(*fake->shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	if (fake->shared == MAP_FAILED || fd < 0 || bind(fd, (void *)&at, sizeof(at)) != 0 ||
		listen(fd, 64) != 0 || getsockname(fd, (void *)&at, &n) != 0)
		return false;
	fake->port = ntohs(at.sin_port);
	snprintf(fake->url, sizeof(fake->url), "http://127.0.0.1:%d", fake->port);
	struct connection model = {.handler = handler, .probe = probe, .shared = fake->shared};
	fake->pid = fork();
	if (fake->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		accept_all(fd, &model);
	}
	close(fd);
	return fake->pid > 0;
}

void fake_close(struct fake *fake)
{
	if (fake->pid > 0) {
		kill(fake->pid, SIGKILL);
		waitpid(fake->pid, NULL, 0);
	}
	if (fake->shared != NULL && fake->shared != MAP_FAILED)
		munmap(fake->shared, sizeof(*fake->shared));
	*fake = (struct fake){.pid = 0};
}
