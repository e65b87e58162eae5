/* SPDX-License-Identifier: MIT */
/*
 * A secret that each request brings along, in Authorization: Bearer .. or in the header that the
 * configuration names. It proves who sent a delivery, not what: whoever sees one can send any
 * other, so this is for senders that cannot sign, over TLS. The dedupe key is the delivery's id
 * where `id` names its header; else no delivery is a repeat.
 * From: verify.c. Hashes are compared, so that neither length nor content of the secret shows in
 * the time it takes. Fails towards 401.
 */
#include <strings.h>

#include "receiver/source.h"
#include "receiver/verify.h"

static int find(const struct source *source, struct slice token)
{
	uint8_t sum[DIGEST_N];
	if (digest_sha256(&token, 1, sum) != RC_OK)
		return -1;
	for (size_t i = 0; i < source->keys_n; i++)
		if (digest_equal(source->tokens[i], sum))
			return (int)i + 1;
	return 0;
}

static void check(const struct source *source, const struct head *head, struct slice body,
	int64_t now_wall_ms, struct verification *ret)
{
	const struct shape *s = &source->shape;
	struct slice text = head->value[SHAPE_HEADER], id = head->value[SHAPE_DELIVERY];
	size_t n = strlen(s->prefix);
	(void)now_wall_ms;
	if (head->seen[SHAPE_HEADER] == 0 || text.n <= n ||
		strncasecmp(text.p, s->prefix, n) != 0) {
		verify_settle(ret, VERDICT_UNSIGNED,
			"no token; wanted is Authorization: Bearer .., or what `header` and "
			"`prefix` name");
		return;
	}
	int fits = find(source, (struct slice){text.p + n, text.n - n});
	if (fits == 0)
		verify_settle(ret, VERDICT_UNSIGNED, "the token is no secret of this source");
	else if (verify_fits(fits, ret) && id.n != 0)
		verify_dedupe(id, body, ret);
}

static enum rc sign(const struct source *source, const struct signing *what, struct buf *out)
{
	const struct shape *s = &source->shape;
	enum rc rc = buf_printf(out, "%s: %s%s\n", s->header, s->prefix, what->token);
	if (rc == RC_OK && s->id[0] != '\0')
		rc = buf_printf(out, "%s: %s\n", s->id, what->id);
	return rc;
}

const struct scheme scheme_token = {
	.name = "token",
	.shape = SHAPE_TOKEN,
	.secret = SCHEME_TOKEN,
	.keyed = true,
	.keeps = true,
	.advice = "set the same secret at the sender and here",
	.check = check,
	.sign = sign,
};
