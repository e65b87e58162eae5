/* SPDX-License-Identifier: MIT */
/* Who does not read the answers: the time for a body is the time for taking an answer, too. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/unit/receiver_rig.h"

#define MANY (64u << 20) /* bytes of requests; what sockets can hold is far less */

static struct room room;

static void start(void)
{
	rig_start(&room, RIG_SOURCE "limits = { body_time = \"400ms\" }\n", RIG_CLOCK_RUNS);
}

static void stop(void)
{
	room_done(&room);
}

TestSuite(receiver_answer, .init = start, .fini = stop, .timeout = 60);

/* Sends without reading, until nothing more is taken for 10 s. True: the connection was closed. */
static bool closed_while_sending(int fd)
{
	static const char request[] = "GET /none HTTP/1.1\r\nHost: x\r\n\r\n";
	static char requests[(sizeof(request) - 1) * 1000];
	size_t sent = 0;
	for (size_t i = 0; i < 1000; i++)
		memcpy(requests + i * (sizeof(request) - 1), request, sizeof(request) - 1);
	while (sent < MANY) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		if (poll(&p, 1, 10000) != 1)
			return false;
		/* Whole requests or parts of them: what was begun is gone on with. */
		size_t at = sent % sizeof(requests);
		ssize_t n =
			send(fd, requests + at, sizeof(requests) - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return true;
		sent += n > 0 ? (size_t)n : 0;
	}
	return false;
}

Test(receiver_answer, who_reads_none_is_closed_and_others_are_served)
{
	struct wire w;
	wire_open(&w, room.port);
	cr_assert_geq(w.fd, 0);
	cr_assert(closed_while_sending(w.fd));
	wire_close(&w);
	cr_assert_eq(rig_post(room.port, "{\"quick\":1}").status, 202);
}
