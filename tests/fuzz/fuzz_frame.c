/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: bytes as frames, and their payloads as the worker reads them. Every frame that
 * parses lies inside the bytes; putting it again gives the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/worker/frame.h"
#include "runner/worker/json_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct frame *frame, struct slice bytes)
{
	struct buf out;
	buf_init(&out, FRAME_MAX + FRAME_HEAD);
	if (frame_put(&out, frame) != RC_OK || !slice_equal(buf_slice(&out), bytes))
		abort();
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"hash", "event", "path", "value"};
	struct slice rest = {(const char *)data, size};
	struct frame frame;
	struct slice values[4];
	size_t n;
	while (frame_parse(rest, &frame, &n, NULL) == RC_OK) {
		if (n > rest.n || frame.payload.p + frame.payload.n != rest.p + n)
			abort();
		check_again(&frame, (struct slice){rest.p, n});
		if (!json_text_members(frame.payload, names, values, 4))
			memset(values, 0, sizeof(values));
		rest.p += n;
		rest.n -= n;
	}
	return 0;
}
