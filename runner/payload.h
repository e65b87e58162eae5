/* SPDX-License-Identifier: MIT */
/* The JSON inside the frames that the runner sends; frame.h says what each holds. */
#ifndef MOONHOOK_RUNNER_PAYLOAD_H
#define MOONHOOK_RUNNER_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct payload_start { /* BORROWS */
	const char *hash, *rule;
	struct slice event; /* JSON */
	struct slice when;  /* of WHEN: what is left of a predicate, JSON; n 0: nothing */
	int64_t cpu_ms, memory_bytes;
	int logs_max, calls_max;
	bool key_only; /* of WHEN */
};

/* All append to out; RC_NOMEM, RC_TOO_LARGE. */
enum rc payload_start(struct buf *out, const struct payload_start *start) must_check;
/* Of WHEN: hash, rule, event and when are used. */
enum rc payload_when(struct buf *out, const struct payload_start *when) must_check;
/* value: JSON, of the answer or of the error. */
enum payload_kind { PAYLOAD_VALUE, PAYLOAD_ERROR };
enum rc payload_resume(
	struct buf *out, const char *path, enum payload_kind kind, struct slice value) must_check;
/* What a rule sees of a call that failed; status 0: no answer came. */
struct payload_error { /* BORROWS */
	int status;
	const char *code, *message;
	bool retryable, unknown;
	struct slice answer; /* JSON: what was answered nevertheless; n 0: nothing */
};
enum rc payload_error(struct buf *out, const struct payload_error *error) must_check;

#endif
