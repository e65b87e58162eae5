/* SPDX-License-Identifier: MIT */
/*
 * The schemes by name, and what they share.
 * From: listen.c with the head and the whole raw body. To: commit.c, when the verdict allows.
 * Fails towards refusal: whatever cannot be proven is not accepted. It never parses a body.
 */
#include "receiver/verify.h"

#include <string.h>

#include "base/attr.h"
#include "receiver/source.h"

static const struct scheme *const schemes[] = {&scheme_twenty};

const struct scheme *scheme_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_N(schemes); i++)
		if (strcmp(schemes[i]->name, name) == 0)
			return schemes[i];
	return NULL;
}

const char *scheme_names(void)
{
	return SCHEME_NAMES;
}

enum verdict verify_head(const struct head *head, const char **ret_why)
{
	if (head_repeated(head) == NULL)
		return VERDICT_ACCEPTED;
	*ret_why = "a signature header came more than once";
	return VERDICT_MALFORMED;
}

int verify_mac(const struct source *source, const struct slice *parts, size_t parts_n,
	const uint8_t mac[static DIGEST_N])
{
	for (size_t i = 0; i < source->keys_n; i++) {
		uint8_t ours[DIGEST_N];
		if (digest_hmac(source->keys[i], parts, parts_n, ours) != RC_OK)
			return -1;
		if (digest_equal(ours, mac))
			return (int)i + 1;
	}
	return 0;
}

void verify_check(const struct source *source, const struct head *head, struct slice body,
	int64_t now_wall_ms, struct verification *ret)
{
	*ret = (struct verification){.verdict = VERDICT_UNSIGNED};
	ret->verdict = verify_head(head, &ret->why);
	if (ret->verdict == VERDICT_ACCEPTED)
		source->scheme->check(source, head, body, now_wall_ms, ret);
}
