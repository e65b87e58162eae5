/* SPDX-License-Identifier: MIT */
/*
 * Finds a port that can be bound.
 * From: tests that start servers. The port is given back before it is used, so it is taken from
 * below the range that the kernel gives to outgoing connections, and a name in the abstract
 * namespace of Unix sockets, held until the process ends, keeps other tests away from it.
 */
#include "tests/harness/port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 10000
#define RANGE 20000

static bool can_bind(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* True: no other test has claimed it; it stays ours until this process ends. */
static bool claim(int port)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int n = snprintf(
		name.sun_path + 1, sizeof(name.sun_path) - 1, "moonhook-test-port-%d", port);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&name, size) == 0)
		return true;
	if (fd >= 0)
		close(fd);
	return false;
}

int port_free(void)
{
	static int given;
	for (int tries = 0; tries < RANGE; tries++) {
		int port = FIRST + (int)((long)getpid() * 61 + given++) % RANGE;
		if (can_bind(port) && claim(port))
			return port;
	}
	return 0;
}
