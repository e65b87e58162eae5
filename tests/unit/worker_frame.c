/* SPDX-License-Identifier: MIT */
/* Frames: what is put is parsed, everything else is refused without reading behind the bytes. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "runner/worker/frame.h"

static struct buf sample(const char *payload)
{
	struct buf out;
	struct frame frame = {FRAME_CALL, 0x01020304, 0xfffefdfc, slice_of(payload)};
	buf_init(&out, 2 * FRAME_MAX);
	cr_assert_eq(frame_put(&out, &frame), RC_OK);
	return out;
}

/* Parses a copy of exactly these bytes, so that the sanitizers see a read behind them. */
static enum rc parse(const char *bytes, size_t n, struct frame *ret_frame, size_t *ret_n)
{
	char *copy = malloc(n != 0 ? n : 1);
	cr_assert_not_null(copy);
	if (n != 0)
		memcpy(copy, bytes, n);
	enum rc rc = frame_parse((struct slice){copy, n}, ret_frame, ret_n, NULL);
	free(copy);
	return rc;
}

Test(worker_frame, what_is_put_is_parsed)
{
	struct buf out = sample("{\"path\":\"1\"}");
	struct frame frame;
	size_t n;
	cr_assert_eq(frame_parse(buf_slice(&out), &frame, &n, NULL), RC_OK);
	cr_assert_eq(n, out.n);
	cr_assert_eq(frame.kind, FRAME_CALL);
	cr_assert_eq(frame.run, 0x01020304);
	cr_assert_eq(frame.generation, 0xfffefdfc);
	cr_assert(slice_equal(frame.payload, slice_of("{\"path\":\"1\"}")));
	buf_done(&out);
}

Test(worker_frame, the_bytes_are_little_endian_and_thirteen_in_front)
{
	struct buf out = sample("{}");
	static const char wanted[] = "\x0b\0\0\0\x0a\x04\x03\x02\x01\xfc\xfd\xfe\xff{}";
	cr_assert_eq(out.n, FRAME_HEAD + 2);
	cr_assert_arr_eq(out.p, wanted, out.n);
	buf_done(&out);
}

Test(worker_frame, every_beginning_of_a_frame_wants_more)
{
	struct buf out = sample("{\"a\":1}");
	struct frame frame;
	size_t n;
	for (size_t i = 0; i < out.n; i++)
		cr_assert_eq(parse(out.p, i, &frame, &n), RC_BUSY, "%zu bytes", i);
	cr_assert_eq(parse(out.p, out.n, &frame, &n), RC_OK);
	buf_done(&out);
}

Test(worker_frame, two_frames_in_one_read_are_two)
{
	struct buf out = sample("{}");
	struct frame frame = {FRAME_END, 1, 2, slice_of("{\"outcome\":\"done\"}")};
	size_t n, m;
	cr_assert_eq(frame_put(&out, &frame), RC_OK);
	cr_assert_eq(frame_parse(buf_slice(&out), &frame, &n, NULL), RC_OK);
	cr_assert_eq(frame.kind, FRAME_CALL);
	struct slice rest = {out.p + n, out.n - n};
	cr_assert_eq(frame_parse(rest, &frame, &m, NULL), RC_OK);
	cr_assert_eq(frame.kind, FRAME_END);
	cr_assert_eq(n + m, out.n);
	buf_done(&out);
}

Test(worker_frame, a_length_past_the_maximum_is_refused_at_once)
{
	struct frame frame;
	struct err err;
	size_t n;
	const char bytes[] = {1, 0, 0, 1}; /* FRAME_MAX + 1 */
	struct slice slice = {bytes, sizeof(bytes)};
	cr_assert_eq(frame_parse(slice, &frame, &n, &err), RC_TOO_LARGE);
	cr_assert(strstr(err.msg, "16777217") != NULL, "%s", err.msg);
	const char huge[] = {-1, -1, -1, -1};
	slice.p = huge;
	cr_assert_eq(frame_parse(slice, &frame, &n, &err), RC_TOO_LARGE);
}

Test(worker_frame, a_length_without_room_for_its_head_is_refused)
{
	for (char length = 0; length < 9; length++) {
		const char bytes[] = {length, 0, 0, 0, FRAME_END, 0, 0, 0, 0, 0, 0, 0, 0};
		struct frame frame;
		size_t n;
		cr_assert_eq(parse(bytes, sizeof(bytes), &frame, &n), RC_PARSE);
	}
}

Test(worker_frame, an_unknown_kind_is_refused)
{
	static const int kinds[] = {0, FRAME_KIND_END, 77, 255};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char bytes[] = {9, 0, 0, 0, (char)kinds[i], 0, 0, 0, 0, 0, 0, 0, 0};
		struct frame frame;
		size_t n;
		cr_assert_eq(parse(bytes, sizeof(bytes), &frame, &n), RC_PARSE, "%d", kinds[i]);
	}
}

Test(worker_frame, rubbish_never_parses_past_its_end)
{
	uint32_t seed = 12345;
	for (int round = 0; round < 20000; round++) {
		char bytes[40];
		struct frame frame;
		size_t n, length = (seed >> 8) % sizeof(bytes);
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (char)(seed >> 24);
		}
		if (round % 2 == 0) /* plausible lengths get deeper */
			memcpy(bytes, "\x10\0\0\0", 4);
		if (parse(bytes, length, &frame, &n) == RC_OK) {
			cr_assert_leq(n, length);
			cr_assert_eq(frame.payload.n, n - FRAME_HEAD);
		}
	}
}

Test(worker_frame, a_payload_that_is_too_large_is_not_put)
{
	struct buf out;
	char *payload = calloc(1, FRAME_MAX);
	buf_init(&out, 4 * FRAME_MAX);
	struct frame frame = {FRAME_LOAD, 0, 0, {payload, FRAME_MAX - 8}};
	cr_assert_eq(frame_put(&out, &frame), RC_TOO_LARGE);
	cr_assert_eq(out.n, 0);
	frame.payload.n = FRAME_MAX - 9;
	cr_assert_eq(frame_put(&out, &frame), RC_OK);
	buf_done(&out);
	free(payload);
}

Test(worker_frame, a_full_buffer_stays_as_it_was)
{
	struct buf out;
	buf_init(&out, FRAME_HEAD + 1);
	struct frame frame = {FRAME_BEAT, 0, 0, slice_of("{}")};
	cr_assert_eq(frame_put(&out, &frame), RC_TOO_LARGE);
	cr_assert_eq(out.n, 0);
	buf_done(&out);
}
