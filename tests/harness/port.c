/* SPDX-License-Identifier: MIT */
/*
 * Finds a port that can be bound.
 * From: tests that start servers. The port is given back before it is used, so it is taken from
 * below the range that the kernel gives to outgoing connections, and every process looks in a place
 * of its own: a clash is rare, shows as "port in use" and fails the test clearly.
 */
#include "tests/harness/port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
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

int port_free(void)
{
	static int given;
	for (int tries = 0; tries < RANGE; tries++) {
		int port = FIRST + (int)((long)getpid() * 61 + given++) % RANGE;
		if (can_bind(port))
			return port;
	}
	return 0;
}
