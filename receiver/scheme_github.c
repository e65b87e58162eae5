/* SPDX-License-Identifier: MIT */
/*
 * GitHub's signature: "sha256=" and the lower-case hex of HMAC-SHA256(secret, raw body), in
 * X-Hub-Signature-256 (docs.github.com: validating webhook deliveries). X-GitHub-Delivery is the
 * dedupe key: a redelivery has the id of the first. Neither it nor a time is signed, so that
 * whoever has recorded a delivery can send it again under another id; TLS is what keeps others
 * from recording one.
 * From: verify.c. Fails towards 401. The older X-Hub-Signature (SHA-1) is not looked at.
 */
#include "receiver/source.h"
#include "receiver/verify.h"

#define PREFIX "sha256="

enum { SIGNATURE, DELIVERY };
static const char *const headers[] = {
	[SIGNATURE] = "x-hub-signature-256", [DELIVERY] = "x-github-delivery", NULL};

static void check(const struct source *source, const struct head *head, struct slice body,
	int64_t now_wall_ms, struct verification *ret)
{
	struct slice text = head->value[SIGNATURE];
	size_t n = sizeof(PREFIX) - 1;
	(void)now_wall_ms;
	if (head->seen[SIGNATURE] == 0) {
		verify_settle(ret, VERDICT_UNSIGNED,
			"no signature; is a secret set for this webhook in GitHub");
		return;
	}
	if (text.n <= n || memcmp(text.p, PREFIX, n) != 0) {
		verify_settle(ret, VERDICT_UNSIGNED, "the signature does not begin with " PREFIX);
		return;
	}
	text = (struct slice){text.p + n, text.n - n};
	if (verify_fits(verify_text(source, &body, 1, DIGEST_HEX, &text, 1), ret))
		verify_dedupe(head->value[DELIVERY], body, ret);
}

static enum rc sign(const struct source *source, const struct signing *what, struct buf *out)
{
	char hex[DIGEST_TEXT_N];
	enum rc rc = digest_hmac_text(source->keys[0], &what->body, 1, DIGEST_HEX, hex);
	if (rc == RC_OK)
		rc = buf_printf(out, "X-Hub-Signature-256: " PREFIX "%s\nX-GitHub-Delivery: %s\n",
			hex, what->id);
	return rc;
}

const struct scheme scheme_github = {
	.name = "github",
	.headers = headers,
	.keyed = true,
	.keeps = true,
	.advice = "set the same secret in GitHub (the repository's Settings, Webhooks) and here",
	.check = check,
	.sign = sign,
};
