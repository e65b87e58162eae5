/* SPDX-License-Identifier: MIT */
/* The link between the supervisor and its children. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/link.h"

static int pair[2];
static struct buf in;
static struct link_msg msg;
static struct err err;

static void setup(void)
{
	cr_assert_eq(link_open(pair, &err), RC_OK);
	buf_init(&in, LINK_MAX + 1);
}

static void teardown(void)
{
	buf_done(&in);
}

TestSuite(base_link, .init = setup, .fini = teardown);

Test(base_link, a_message_arrives_whole_with_its_kind)
{
	static char large[LINK_MAX - 5];
	memset(large, 'x', sizeof(large));
	cr_assert_eq(link_send(pair[0], "conf", (struct slice){large, sizeof(large)}, &err), RC_OK,
		"%s", err.msg);
	cr_assert_eq(link_send(pair[0], "drain", slice_of(""), &err), RC_OK);
	cr_assert_eq(link_receive(pair[1], &in, &msg, &err), RC_OK);
	cr_expect_str_eq(msg.kind, "conf");
	cr_expect(slice_equal(msg.text, (struct slice){large, sizeof(large)}));
	cr_assert_eq(link_receive(pair[1], &in, &msg, &err), RC_OK);
	cr_expect_str_eq(msg.kind, "drain");
	cr_expect_eq(msg.text.n, 0);
}

Test(base_link, a_message_that_is_too_long_is_refused)
{
	static char large[LINK_MAX];
	cr_expect_eq(link_send(pair[0], "conf", (struct slice){large, sizeof(large)}, &err),
		RC_TOO_LARGE);
}

Test(base_link, rubbish_is_refused_and_the_next_message_read)
{
	cr_assert_eq(send(pair[0], "nokind", 6, 0), 6);
	cr_assert_eq(send(pair[0], "aVeryLongKindOfMessage\0x", 24, 0), 24);
	cr_assert_eq(link_send(pair[0], "ready", slice_of(""), &err), RC_OK);
	cr_expect_eq(link_receive(pair[1], &in, &msg, &err), RC_PARSE);
	cr_expect_eq(link_receive(pair[1], &in, &msg, &err), RC_PARSE);
	cr_expect_eq(link_receive(pair[1], &in, &msg, &err), RC_OK);
}

Test(base_link, nothing_there_is_busy_and_nobody_there_is_closed)
{
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	cr_expect_eq(link_receive(pair[1], &in, &msg, &err), RC_BUSY);
	close(pair[0]);
	cr_expect_eq(link_receive(pair[1], &in, &msg, &err), RC_CLOSED);
	cr_expect_eq(link_send(pair[1], "ready", slice_of(""), &err), RC_CLOSED);
}

Test(base_link, both_ends_are_closed_by_exec)
{
	cr_expect((fcntl(pair[0], F_GETFD) & FD_CLOEXEC) != 0);
	cr_expect((fcntl(pair[1], F_GETFD) & FD_CLOEXEC) != 0);
}

Test(base_link, a_sign_of_life_waits_for_nobody)
{
	for (int i = 0; i < 20000; i++) /* more than fit, and nobody reads */
		link_beat(pair[0]);
	cr_assert_eq(link_receive(pair[1], &in, &msg, &err), RC_OK);
	cr_expect_str_eq(msg.kind, "alive");
	cr_expect_eq(msg.text.n, 0);
}
