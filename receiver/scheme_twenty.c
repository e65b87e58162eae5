/* SPDX-License-Identifier: MIT */
/*
 * Twenty's signature: lower-case hex of HMAC-SHA256(secret, "<timestamp>:<raw body>"), timestamp in
 * milliseconds since 1970. Its nonce is not signed and new on each send, so it proves nothing; the
 * dedupe key is the hash of the body, which a repeated delivery has in common with the first.
 * From: verify.c. Fails towards 401. A delivery that is signed right but whose timestamp lies
 * outside the window, or is none, is told apart, so that it can be kept: Twenty sends each only
 * once, and a clock that is wrong must not lose it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "receiver/source.h"
#include "receiver/verify.h"

#define TIMESTAMP_DIGITS_MAX 15
#define TIMESTAMP_TEXT_MAX 64 /* longer ones are not even hashed */

enum { STAMP, SIGNATURE };
static const char *const headers[] = {
	[STAMP] = "x-twenty-webhook-timestamp", [SIGNATURE] = "x-twenty-webhook-signature", NULL};

static void check(const struct source *source, const struct head *head, struct slice body,
	int64_t now_wall_ms, struct verification *ret)
{
	struct slice stamp = head->value[STAMP];
	uint8_t mac[DIGEST_N];

	if (head->seen[STAMP] == 0 || head->seen[SIGNATURE] == 0) {
		verify_settle(ret, VERDICT_UNSIGNED,
			"no signature; is a secret set for this webhook in Twenty");
		return;
	}
	if (stamp.n > TIMESTAMP_TEXT_MAX || !digest_parse(head->value[SIGNATURE], mac)) {
		verify_settle(
			ret, VERDICT_UNSIGNED, "the signature is not 64 lower-case hex digits");
		return;
	}
	struct slice parts[] = {stamp, {":", 1}, body};
	if (!verify_fits(verify_mac(source, parts, 3, mac), ret))
		return;
	if (digest_sha256(&body, 1, ret->dedupe) != RC_OK) {
		verify_settle(ret, VERDICT_FAILED, "memory is short, try again");
		return;
	}
	ret->has_dedupe = true;
	verify_time(source, verify_stamp(stamp, TIMESTAMP_DIGITS_MAX), now_wall_ms, ret);
}

static enum rc sign(const struct source *source, const struct signing *what, struct buf *out)
{
	char at[32], hex[DIGEST_TEXT_N];
	snprintf(at, sizeof(at), "%" PRId64, what->at_ms);
	const struct slice parts[] = {slice_of(at), {":", 1}, what->body};
	enum rc rc = digest_hmac_text(source->keys[0], parts, 3, DIGEST_HEX, hex);
	if (rc == RC_OK)
		rc = buf_printf(out,
			"X-Twenty-Webhook-Timestamp: %s\nX-Twenty-Webhook-Signature: %s\n"
			"X-Twenty-Webhook-Nonce: %s\n",
			at, hex, what->id);
	return rc;
}

const struct scheme scheme_twenty = {
	.name = "twenty",
	.headers = headers,
	.keyed = true,
	.advice =
		"set the same secret in Twenty (Settings, Webhooks) and here: Twenty leaves what a "
		"webhook without a secret sends unsigned",
	.check = check,
	.sign = sign,
};
