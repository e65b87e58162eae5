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

#include "receiver/source.h"
#include "receiver/verify.h"

#define TIMESTAMP_DIGITS_MAX 15
#define TIMESTAMP_TEXT_MAX 64 /* longer ones are not even hashed */

enum { STAMP, SIGNATURE };
static const char *const headers[] = {
	[STAMP] = "x-twenty-webhook-timestamp", [SIGNATURE] = "x-twenty-webhook-signature", NULL};

/* -1 where it is not 1 to 15 digits. */
static int64_t parse_stamp(struct slice text)
{
	int64_t ms = 0;
	if (text.n == 0 || text.n > TIMESTAMP_DIGITS_MAX)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -1;
		ms = ms * 10 + (text.p[i] - '0');
	}
	return ms;
}

static void settle(struct verification *ret, enum verdict verdict, const char *why)
{
	ret->verdict = verdict;
	ret->why = why;
}

static void check_time(const struct source *source, struct slice stamp, int64_t now_wall_ms,
	struct verification *ret)
{
	int64_t at_ms = parse_stamp(stamp);
	if (at_ms < 0) {
		settle(ret, VERDICT_SKEWED,
			"the timestamp is malformed: it is no number of milliseconds");
		return;
	}
	int64_t skew_ms = at_ms - now_wall_ms;
	if (skew_ms <= source->window_ms && skew_ms >= -source->window_ms)
		return;
	ret->timed = true;
	ret->skew_ms = skew_ms;
	settle(ret, VERDICT_SKEWED,
		"the timestamp is outside the time window; compare the clocks of both machines");
}

static void check(const struct source *source, const struct head *head, struct slice body,
	int64_t now_wall_ms, struct verification *ret)
{
	struct slice stamp = head->value[STAMP];
	uint8_t mac[DIGEST_N];

	if (head->seen[STAMP] == 0 || head->seen[SIGNATURE] == 0) {
		settle(ret, VERDICT_UNSIGNED,
			"no signature; is a secret set for this webhook in Twenty");
		return;
	}
	if (stamp.n > TIMESTAMP_TEXT_MAX || !digest_parse(head->value[SIGNATURE], mac)) {
		settle(ret, VERDICT_UNSIGNED, "the signature is not 64 lower-case hex digits");
		return;
	}
	struct slice parts[] = {stamp, {":", 1}, body};
	int fits = verify_mac(source, parts, 3, mac);
	if (fits == 0) {
		settle(ret, VERDICT_UNSIGNED, "the signature fits no secret of this source");
		return;
	}
	if (fits < 0 || digest_sha256(&body, 1, ret->dedupe) != RC_OK) {
		settle(ret, VERDICT_FAILED, "memory is short, try again");
		return;
	}
	ret->secret = (size_t)fits;
	ret->has_dedupe = true;
	check_time(source, stamp, now_wall_ms, ret);
}

const struct scheme scheme_twenty = {
	.name = "twenty",
	.headers = headers,
	.keyed = true,
	.advice =
		"set the same secret in Twenty (Settings, Webhooks) and here: Twenty leaves what a "
		"webhook without a secret sends unsigned",
	.check = check,
};
