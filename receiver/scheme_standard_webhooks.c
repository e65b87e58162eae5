/* SPDX-License-Identifier: MIT */
/*
 * Standard Webhooks 1.0: webhook-id, webhook-timestamp (seconds) and webhook-signature, a list of
 * "v1,<base64>" with blanks between, each HMAC-SHA256(secret, "<id>.<timestamp>.<raw body>")
 * (github.com/standard-webhooks). Svix sends the same as svix-id, svix-timestamp, svix-signature.
 * The secret is "whsec_" and base64. The id is signed, and the dedupe key. Signatures with public
 * keys (v1a) are passed over.
 * From: verify.c. Fails towards 401.
 */
#include <inttypes.h>
#include <stdio.h>

#include "receiver/source.h"
#include "receiver/verify.h"

#define SIGNATURES_MAX 8
#define STAMP_DIGITS 11
#define TEXT_MAX 256 /* of an id or timestamp; longer ones are not even hashed */

enum { ID, STAMP, SIGNATURE, FAMILY_N };
static const char *const headers[] = {[ID] = "webhook-id",
	[STAMP] = "webhook-timestamp",
	[SIGNATURE] = "webhook-signature",
	[FAMILY_N + ID] = "svix-id",
	[FAMILY_N + STAMP] = "svix-timestamp",
	[FAMILY_N + SIGNATURE] = "svix-signature",
	NULL};

/* The texts behind "v1,"; how many, SIGNATURES_MAX + 1: too many. */
static size_t parse(struct slice header, struct slice ret_texts[static SIGNATURES_MAX])
{
	size_t found = 0;
	while (header.n != 0) {
		const char *blank = memchr(header.p, ' ', header.n);
		size_t n = blank != NULL ? (size_t)(blank - header.p) : header.n;
		if (n > 3 && memcmp(header.p, "v1,", 3) == 0) {
			if (found == SIGNATURES_MAX)
				return SIGNATURES_MAX + 1;
			ret_texts[found++] = (struct slice){header.p + 3, n - 3};
		}
		n += blank != NULL;
		header = (struct slice){header.p + n, header.n - n};
	}
	return found;
}

static void check(const struct source *source, const struct head *head, struct slice body,
	int64_t now_wall_ms, struct verification *ret)
{
	size_t at = head->seen[SIGNATURE] != 0 ? 0 : FAMILY_N;
	struct slice id = head->value[at + ID], stamp = head->value[at + STAMP];
	struct slice texts[SIGNATURES_MAX];
	if (head->seen[at + ID] == 0 || head->seen[at + STAMP] == 0 ||
		head->seen[at + SIGNATURE] == 0) {
		verify_settle(ret, VERDICT_UNSIGNED,
			"no signature; wanted are webhook-id, webhook-timestamp and "
			"webhook-signature");
		return;
	}
	size_t n = parse(head->value[at + SIGNATURE], texts);
	if (id.n == 0 || id.n > TEXT_MAX || stamp.n > TEXT_MAX || n == 0 || n > SIGNATURES_MAX) {
		verify_settle(ret, VERDICT_UNSIGNED, "the signature is not v1,.. of base64");
		return;
	}
	const struct slice parts[] = {id, {".", 1}, stamp, {".", 1}, body};
	if (!verify_fits(verify_text(source, parts, ARRAY_N(parts), DIGEST_BASE64, texts, n), ret))
		return;
	verify_dedupe(id, body, ret);
	int64_t at_s = verify_stamp(stamp, STAMP_DIGITS);
	if (ret->has_dedupe)
		verify_time(source, at_s >= 0 ? at_s * 1000 : -1, now_wall_ms, ret);
}

static enum rc sign(const struct source *source, const struct signing *what, struct buf *out)
{
	char at[32], text[DIGEST_TEXT_N];
	snprintf(at, sizeof(at), "%" PRId64, what->at_ms / 1000);
	const struct slice parts[] = {
		slice_of("msg_"), slice_of(what->id), {".", 1}, slice_of(at), {".", 1}, what->body};
	enum rc rc = digest_hmac_text(source->keys[0], parts, ARRAY_N(parts), DIGEST_BASE64, text);
	if (rc == RC_OK)
		rc = buf_printf(out,
			"webhook-id: msg_%s\nwebhook-timestamp: %s\nwebhook-signature: v1,%s\n",
			what->id, at, text);
	return rc;
}

const struct scheme scheme_standard_webhooks = {
	.name = "standard-webhooks",
	.headers = headers,
	.secret = SCHEME_BASE64,
	.keyed = true,
	.keeps = true,
	.advice = "copy the endpoint's signing secret (whsec_..) from the sender",
	.check = check,
	.sign = sign,
};
