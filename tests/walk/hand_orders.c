/* SPDX-License-Identifier: MIT */
/*
 * Orders through a whole daemon, spoken by hand to its control socket: they reach the runner and
 * are answered, also when it dies over them, and where there is none.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/harness/daemon.h"

static struct daemon d;

static void setup(void)
{
	cr_assert(daemon_open(&d, NULL));
}

static void teardown(void)
{
	daemon_close(&d);
}

TestSuite(hand_orders, .init = setup, .fini = teardown, .timeout = 60);

static int say(const char *line)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 10};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_lt(snprintf(at.sun_path, sizeof(at.sun_path), "%s/control.sock", d.store),
		(int)sizeof(at.sun_path));
	cr_assert_eq(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	cr_assert_eq(write(fd, line, strlen(line)), (ssize_t)strlen(line));
	return fd;
}

/* STATIC. */
static const char *hear(int fd)
{
	static char text[4096];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return text;
}

#define PING "{\"verb\":\"order\",\"order\":{\"do\":\"ping\"}}\n"

static bool pinged(void *ctx)
{
	(void)ctx;
	return strcmp(hear(say(PING)), "{\"ready\":true,\"ok\":true}\n") == 0;
}

Test(hand_orders, an_order_reaches_the_runner_and_its_death_is_told_to_who_waits)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_expect(pinged(NULL));
	pid_t runner = daemon_child(&d, "runner");
	cr_assert_eq(kill(runner, SIGSTOP), 0);
	int one = say(PING), two = say(PING);
	cr_assert_eq(kill(runner, SIGKILL), 0);
	const char *got = hear(one);
	/* It died before or after the orders reached it. */
	cr_expect(strstr(got, "\"code\":\"lost\"") != NULL ||
			  strstr(got, "\"code\":\"busy\"") != NULL,
		"%s", got);
	got = hear(two);
	cr_expect(strstr(got, "\"ok\":false") != NULL, "%s", got);
	cr_expect(process_await(pinged, NULL, 10000), "its successor takes orders");
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(hand_orders, without_a_runner_it_is_said_so)
{
	static const char *const args[] = {"--only", "receiver", NULL};
	cr_assert(daemon_start(&d, args, NULL));
	const char *got = hear(say(PING));
	cr_expect(strstr(got, "\"code\":\"no_runner\"") != NULL, "%s", got);
	cr_expect_eq(daemon_stop(&d), 0);
}
