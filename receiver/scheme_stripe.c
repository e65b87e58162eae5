/* SPDX-License-Identifier: MIT */
/*
 * Stripe's signature: Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex> ..], each v1 the lower-case
 * hex of HMAC-SHA256(secret, "<t>.<raw body>"); during a roll of the secret there are two
 * (docs.stripe.com: resolve webhook signature verification errors). Other versions are passed over.
 *
 * The dedupe key is the event's id. It stands in the body alone, and what else is in there
 * (pending_webhooks) may differ when the event is sent again, so the hash of the body would not do:
 * the body's outermost "id" is looked for, without parsing. Where it is not found the hash of the
 * body is the key.
 * From: verify.c. To: outer.c. Fails towards 401.
 */
#include <inttypes.h>
#include <stdio.h>

#include "receiver/outer.h"
#include "receiver/source.h"
#include "receiver/verify.h"

#define SIGNATURES_MAX 8
#define STAMP_DIGITS 11
#define STAMP_TEXT_MAX 64 /* longer ones are not even hashed */

enum { SIGNATURE };
static const char *const headers[] = {[SIGNATURE] = "stripe-signature", NULL};

struct parsed { /* BORROWS from the header */
	struct slice stamp, texts[SIGNATURES_MAX];
	size_t stamps_n, texts_n;
	bool crowded;
};

static void take_item(struct parsed *p, struct slice item)
{
	if (item.n >= 2 && memcmp(item.p, "t=", 2) == 0) {
		if (p->stamps_n++ == 0)
			p->stamp = (struct slice){item.p + 2, item.n - 2};
	} else if (item.n >= 3 && memcmp(item.p, "v1=", 3) == 0) {
		if (p->texts_n < SIGNATURES_MAX)
			p->texts[p->texts_n++] = (struct slice){item.p + 3, item.n - 3};
		else
			p->crowded = true;
	}
}

static struct parsed parse(struct slice header)
{
	struct parsed p = {.stamps_n = 0};
	while (header.n != 0) {
		const char *comma = memchr(header.p, ',', header.n);
		size_t n = comma != NULL ? (size_t)(comma - header.p) : header.n;
		take_item(&p, (struct slice){header.p, n});
		n += comma != NULL;
		header = (struct slice){header.p + n, header.n - n};
	}
	return p;
}

static void check(const struct source *source, const struct head *head, struct slice body,
	int64_t now_wall_ms, struct verification *ret)
{
	struct parsed p = parse(head->value[SIGNATURE]);
	if (head->seen[SIGNATURE] == 0) {
		verify_settle(ret, VERDICT_UNSIGNED, "no signature; is it Stripe that sends here");
		return;
	}
	if (p.stamps_n != 1 || p.stamp.n > STAMP_TEXT_MAX || p.texts_n == 0 || p.crowded) {
		verify_settle(ret, VERDICT_UNSIGNED, "the signature is not t=..,v1=..");
		return;
	}
	const struct slice parts[] = {p.stamp, {".", 1}, body};
	if (!verify_fits(verify_text(source, parts, 3, DIGEST_HEX, p.texts, p.texts_n), ret))
		return;
	verify_dedupe(outer_text(body, "id"), body, ret);
	int64_t at_s = verify_stamp(p.stamp, STAMP_DIGITS);
	if (ret->has_dedupe)
		verify_time(source, at_s >= 0 ? at_s * 1000 : -1, now_wall_ms, ret);
}

static enum rc sign(const struct source *source, const struct signing *what, struct buf *out)
{
	char at[32], hex[DIGEST_TEXT_N];
	snprintf(at, sizeof(at), "%" PRId64, what->at_ms / 1000);
	const struct slice parts[] = {slice_of(at), {".", 1}, what->body};
	enum rc rc = digest_hmac_text(source->keys[0], parts, 3, DIGEST_HEX, hex);
	return rc == RC_OK ? buf_printf(out, "Stripe-Signature: t=%s,v1=%s\n", at, hex) : rc;
}

const struct scheme scheme_stripe = {
	.name = "stripe",
	.headers = headers,
	.keyed = true,
	.keeps = true,
	.advice =
		"copy the endpoint's signing secret (whsec_..) from Stripe (Developers, Webhooks)",
	.check = check,
	.sign = sign,
};
