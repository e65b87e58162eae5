/* SPDX-License-Identifier: MIT */
/*
 * An HMAC as the configuration describes it: which header, what stands before it there, how it is
 * written, of which digest, over what (shape.h). A timestamp, where there is one, is signed and
 * held against the window; seconds and milliseconds are told apart by their size. The delivery's id
 * is the dedupe key where `id` names its header; else no delivery is a repeat.
 * From: verify.c. Fails towards 401.
 */
#include <inttypes.h>
#include <stdio.h>

#include "receiver/source.h"
#include "receiver/verify.h"

#define STAMP_DIGITS 15
#define SECONDS_MAX INT64_C(99999999999) /* more are milliseconds: as seconds, the year 5138 */
#define TEXT_MAX 256 /* of an id or timestamp; longer ones are not even hashed */

static void check_time(const struct source *source, struct slice stamp, int64_t now_wall_ms,
	struct verification *ret)
{
	int64_t at = verify_stamp(stamp, STAMP_DIGITS);
	if (at >= 0 && at <= SECONDS_MAX)
		at *= 1000;
	verify_time(source, at, now_wall_ms, ret);
}

/* The signature without its prefix; false: the verdict is settled. */
static bool find_text(const struct shape *s, const struct head *head, struct slice *ret_text,
	struct verification *ret)
{
	struct slice text = head->value[SHAPE_HEADER];
	size_t n = strlen(s->prefix);
	if (head->seen[SHAPE_HEADER] == 0) {
		verify_settle(ret, VERDICT_UNSIGNED,
			"no signature; the header that `header` names is not there");
		return false;
	}
	if (text.n <= n || memcmp(text.p, s->prefix, n) != 0) {
		verify_settle(ret, VERDICT_UNSIGNED,
			"the signature does not begin with what `prefix` says");
		return false;
	}
	*ret_text = (struct slice){text.p + n, text.n - n};
	return true;
}

static void check(const struct source *source, const struct head *head, struct slice body,
	int64_t now_wall_ms, struct verification *ret)
{
	const struct shape *s = &source->shape;
	struct slice text, parts[SHAPE_PIECES_MAX];
	struct slice stamp = head->value[SHAPE_STAMP], id = head->value[SHAPE_DELIVERY];
	if (!find_text(s, head, &text, ret))
		return;
	if ((s->timestamp[0] != '\0' && head->seen[SHAPE_STAMP] == 0) || stamp.n > TEXT_MAX ||
		id.n > TEXT_MAX) {
		verify_settle(ret, VERDICT_UNSIGNED,
			"the header that `timestamp` names is not there, or what it holds is none");
		return;
	}
	size_t n = shape_parts(s, stamp, id, body, parts);
	if (!verify_fits(verify_text(source, parts, n, s->form, &text, 1), ret))
		return;
	if (id.n != 0)
		verify_dedupe(id, body, ret);
	if (ret->verdict == VERDICT_ACCEPTED && s->timestamp[0] != '\0')
		check_time(source, stamp, now_wall_ms, ret);
}

static enum rc sign(const struct source *source, const struct signing *what, struct buf *out)
{
	const struct shape *s = &source->shape;
	char at[32], text[DIGEST_TEXT_N];
	struct slice parts[SHAPE_PIECES_MAX];
	snprintf(at, sizeof(at), "%" PRId64, what->at_ms / 1000);
	size_t n = shape_parts(s, slice_of(at), slice_of(what->id), what->body, parts);
	enum rc rc = digest_hmac_text(source->keys[0], parts, n, s->form, text);
	if (rc == RC_OK)
		rc = buf_printf(out, "%s: %s%s\n", s->header, s->prefix, text);
	if (rc == RC_OK && s->timestamp[0] != '\0')
		rc = buf_printf(out, "%s: %s\n", s->timestamp, at);
	if (rc == RC_OK && s->id[0] != '\0')
		rc = buf_printf(out, "%s: %s\n", s->id, what->id);
	return rc;
}

const struct scheme scheme_hmac = {
	.name = "hmac",
	.shape = SHAPE_HMAC,
	.keyed = true,
	.keeps = true,
	.advice = "set the same secret at the sender and here",
	.check = check,
	.sign = sign,
};
