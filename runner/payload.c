/* SPDX-License-Identifier: MIT */
/*
 * Putting together what is sent to workers, from texts that are JSON already.
 * From: assign.c, route.c, call.c. To: pool.c. An event and an answer are dumped once and pasted,
 * so that no tree is built for sending. Fails when memory is short or the text too long.
 */
#include "runner/payload.h"

#include <inttypes.h>
#include <string.h>

#include "runner/dump.h"

static enum rc put_call(struct buf *out, const struct payload_start *s)
{
	enum rc rc = buf_printf(out, "{\"hash\":\"%s\",\"rule\":", s->hash);
	if (rc == RC_OK)
		rc = dump_text(out, s->rule, strlen(s->rule));
	if (rc == RC_OK)
		rc = buf_put_text(out, ",\"event\":");
	if (rc == RC_OK)
		rc = buf_put(out, s->event.p, s->event.n);
	return rc;
}

enum rc payload_start(struct buf *out, const struct payload_start *start)
{
	enum rc rc = put_call(out, start);
	if (rc == RC_OK)
		rc = buf_printf(out,
			",\"cpu_ms\":%" PRId64 ",\"memory\":%" PRId64 ",\"logs\":%d,\"calls\":%d}",
			start->cpu_ms, start->memory_bytes, start->logs_max, start->calls_max);
	return rc;
}

enum rc payload_when(struct buf *out, const struct payload_start *when)
{
	enum rc rc = put_call(out, when);
	if (rc == RC_OK && when->when.n > 0)
		rc = buf_put_text(out, ",\"when\":");
	if (rc == RC_OK)
		rc = buf_put(out, when->when.p, when->when.n);
	if (rc == RC_OK && when->key_only)
		rc = buf_put_text(out, ",\"key_only\":true");
	return rc == RC_OK ? buf_put(out, "}", 1) : rc;
}

enum rc payload_resume(
	struct buf *out, const char *path, enum payload_kind kind, struct slice value)
{
	enum rc rc = buf_printf(
		out, "{\"path\":\"%s\",\"%s\":", path, kind == PAYLOAD_VALUE ? "value" : "error");
	if (rc == RC_OK)
		rc = buf_put(out, value.p, value.n);
	return rc == RC_OK ? buf_put(out, "}", 1) : rc;
}

enum rc payload_error(struct buf *out, const struct payload_error *error)
{
	enum rc rc = buf_printf(out, "{\"status\":%d,\"code\":", error->status);
	if (rc == RC_OK)
		rc = dump_text(out, error->code, strlen(error->code));
	if (rc == RC_OK)
		rc = buf_put_text(out, ",\"message\":");
	if (rc == RC_OK)
		rc = dump_text(out, error->message, strlen(error->message));
	if (rc == RC_OK)
		rc = buf_printf(out, ",\"retryable\":%s%s", error->retryable ? "true" : "false",
			error->unknown ? ",\"unknown\":true" : "");
	if (rc == RC_OK && error->answer.n != 0)
		rc = buf_put_text(out, ",\"answer\":");
	if (rc == RC_OK && error->answer.n != 0)
		rc = buf_put(out, error->answer.p, error->answer.n);
	return rc == RC_OK ? buf_put(out, "}", 1) : rc;
}
