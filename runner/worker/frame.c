/* SPDX-License-Identifier: MIT */
/*
 * Frames as bytes: putting one together and finding one at the start of what was received.
 * From: the runner and the worker, each on its end of the socket pair. To: their tables of runs.
 * Fails with a code and a sentence for every byte that cannot start a frame; reads nothing behind
 * the bytes it is given. Does not look into the payload.
 */
#include "runner/worker/frame.h"

#define BEHIND_LENGTH (FRAME_HEAD - 4) /* kind, run and generation */

static void write_u32(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
	to[2] = (uint8_t)(value >> 16);
	to[3] = (uint8_t)(value >> 24);
}

static uint32_t read_u32(const char *from)
{
	const uint8_t *p = (const uint8_t *)from;
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool kind_known(unsigned kind)
{
	return kind >= FRAME_LOAD && kind < FRAME_KIND_END;
}

enum rc frame_put(struct buf *out, const struct frame *frame)
{
	if (!kind_known((unsigned)frame->kind))
		return RC_INVALID;
	if (frame->payload.n > FRAME_MAX - BEHIND_LENGTH)
		return RC_TOO_LARGE;
	uint8_t head[FRAME_HEAD];
	write_u32(head, (uint32_t)(BEHIND_LENGTH + frame->payload.n));
	head[4] = (uint8_t)frame->kind;
	write_u32(head + 5, frame->run);
	write_u32(head + 9, frame->generation);
	size_t before = out->n;
	enum rc rc = buf_put(out, head, sizeof(head));
	if (rc == RC_OK)
		rc = buf_put(out, frame->payload.p, frame->payload.n);
	if (rc != RC_OK && out->n != before) {
		out->n = before;
		out->p[before] = '\0';
	}
	return rc;
}

enum rc frame_parse(struct slice bytes, struct frame *ret_frame, size_t *ret_n, struct err *err)
{
	if (bytes.n < 4)
		return RC_BUSY;
	uint32_t length = read_u32(bytes.p);
	if (length > FRAME_MAX)
		return err_set(err, RC_TOO_LARGE, "a frame of %u bytes, at most %u are allowed",
			length, FRAME_MAX);
	if (length < BEHIND_LENGTH)
		return err_set(err, RC_PARSE, "a frame of %u bytes, which is too short", length);
	if (bytes.n < 5)
		return RC_BUSY;
	unsigned kind = (uint8_t)bytes.p[4];
	if (!kind_known(kind))
		return err_set(err, RC_PARSE, "a frame of the unknown kind %u", kind);
	if (bytes.n - 4 < length)
		return RC_BUSY;
	*ret_frame = (struct frame){
		.kind = (enum frame_kind)kind,
		.run = read_u32(bytes.p + 5),
		.generation = read_u32(bytes.p + 9),
		.payload = {bytes.p + FRAME_HEAD, length - BEHIND_LENGTH},
	};
	*ret_n = (size_t)length + 4;
	return RC_OK;
}
