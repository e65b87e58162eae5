/* SPDX-License-Identifier: MIT */
/* Frames over a socket: whole ones arrive in order, rubbish ends the channel, backlogs are bounded.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/channel.h"

static sd_event *loop;
static struct channel ch;
static int peer;
static struct {
	int frames, broken;
	struct frame last;
	char text[64];
	enum rc code;
	bool close_at_first;
} seen;

static void on_frame(void *ctx, const struct frame *frame)
{
	(void)ctx;
	seen.frames++;
	seen.last = *frame;
	memset(seen.text, 0, sizeof(seen.text));
	memcpy(seen.text, frame->payload.p,
		frame->payload.n < sizeof(seen.text) ? frame->payload.n : sizeof(seen.text) - 1);
	if (seen.close_at_first)
		channel_close(&ch);
}

static void on_broken(void *ctx, const struct err *err)
{
	(void)ctx;
	seen.broken++;
	seen.code = err->code;
	channel_close(&ch);
}

static void open_channel(void)
{
	int fd[2];
	struct err err;
	struct channel_owner owner = {NULL, on_frame, on_broken};
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	cr_assert_geq(sd_event_new(&loop), 0);
	channel_init(&ch);
	cr_assert_eq(channel_open(&ch, loop, fd[0], &owner, &err), RC_OK);
	peer = fd[1];
}

static void close_all(void)
{
	channel_close(&ch);
	close(peer);
	sd_event_unref(loop);
}

TestSuite(runner_channel, .init = open_channel, .fini = close_all, .timeout = 20);

static void turn(void)
{
	while (sd_event_run(loop, 1000) > 0)
		;
}

static void say(const void *bytes, size_t n)
{
	cr_assert_eq(send(peer, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

static struct buf frame_of(enum frame_kind kind, uint32_t run, const char *text)
{
	struct buf b;
	struct frame f = {kind, run, 7, slice_of(text)};
	buf_init(&b, FRAME_MAX);
	cr_assert_eq(frame_put(&b, &f), RC_OK);
	return b;
}

Test(runner_channel, a_frame_that_arrives_byte_by_byte_is_one_frame)
{
	struct buf b = frame_of(FRAME_END, 3, "{\"outcome\":\"done\"}");
	for (size_t i = 0; i < b.n; i++) {
		cr_assert_eq(seen.frames, 0);
		say(b.p + i, 1);
		turn();
	}
	cr_assert_eq(seen.frames, 1);
	cr_assert_eq(seen.last.run, 3);
	cr_assert_eq(seen.last.generation, 7);
	cr_assert_str_eq(seen.text, "{\"outcome\":\"done\"}");
	buf_done(&b);
}

Test(runner_channel, many_frames_in_one_read_are_handed_over_in_order)
{
	for (uint32_t i = 1; i <= 20; i++) {
		struct buf b = frame_of(FRAME_BEAT, i, "{}");
		say(b.p, b.n);
		buf_done(&b);
	}
	turn();
	cr_assert_eq(seen.frames, 20);
	cr_assert_eq(seen.last.run, 20);
}

Test(runner_channel, a_length_over_the_maximum_breaks_it_at_once)
{
	say("\xff\xff\xff\x7f", 4);
	turn();
	cr_assert_eq(seen.broken, 1);
	cr_assert_eq(seen.code, RC_TOO_LARGE);
	cr_assert_eq(ch.fd, -1);
}

Test(runner_channel, rubbish_breaks_it)
{
	say("\x20\0\0\0\xee garbage garbage garbage of any kind", 36);
	turn();
	cr_assert_eq(seen.broken, 1);
	cr_assert_eq(seen.code, RC_PARSE);
}

Test(runner_channel, the_end_of_the_other_side_is_told_once)
{
	close(peer);
	turn();
	cr_assert_eq(seen.broken, 1);
	cr_assert_eq(seen.code, RC_CLOSED);
}

Test(runner_channel, nothing_is_handed_over_after_it_was_closed_in_a_call_back)
{
	seen.close_at_first = true;
	for (uint32_t i = 1; i <= 3; i++) {
		struct buf b = frame_of(FRAME_BEAT, i, "{}");
		say(b.p, b.n);
		buf_done(&b);
	}
	turn();
	cr_assert_eq(seen.frames, 1);
}

Test(runner_channel, what_the_other_side_does_not_read_is_bounded_and_arrives_when_it_does)
{
	size_t n = 4 << 20, sent = 0;
	char *text = malloc(n + 1);
	cr_assert(text != NULL);
	memset(text, ' ', n);
	text[n] = '\0';
	struct frame f = {FRAME_START, 1, 1, {text, n}};
	enum rc rc;
	while ((rc = channel_put(&ch, &f)) == RC_OK) {
		sent += n + FRAME_HEAD;
		cr_assert_lt(sent, (size_t)FRAME_MAX * 8);
		channel_flush(&ch);
	}
	cr_assert_eq(rc, RC_TOO_LARGE);
	size_t got = 0;
	while (got < sent) {
		ssize_t m = recv(peer, text, n, MSG_DONTWAIT);
		if (m > 0)
			got += (size_t)m;
		cr_assert_geq(sd_event_run(loop, 0), 0);
	}
	cr_assert_eq(got, sent);
	cr_assert_eq(channel_backlog(&ch), 0);
	free(text);
}
