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

static const struct scheme *const schemes[] = {&scheme_twenty, &scheme_standard_webhooks,
	&scheme_github, &scheme_stripe, &scheme_hmac, &scheme_token};

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

int verify_text(const struct source *source, const struct slice *parts, size_t parts_n,
	enum digest_form form, const struct slice *texts, size_t texts_n)
{
	for (size_t i = 0; i < source->keys_n; i++) {
		char ours[DIGEST_TEXT_N];
		if (digest_hmac_text(source->keys[i], parts, parts_n, form, ours) != RC_OK)
			return -1;
		for (size_t k = 0; k < texts_n; k++)
			if (digest_equal_text(slice_of(ours), texts[k]))
				return (int)i + 1;
	}
	return 0;
}

/* --- for schemes ------------------------------------------------------------------------------ */

void verify_settle(struct verification *ret, enum verdict verdict, const char *why)
{
	ret->verdict = verdict;
	ret->why = why;
}

int64_t verify_stamp(struct slice text, size_t digits)
{
	int64_t n = 0;
	if (text.n == 0 || text.n > digits)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -1;
		n = n * 10 + (text.p[i] - '0');
	}
	return n;
}

void verify_time(
	const struct source *source, int64_t at_ms, int64_t now_wall_ms, struct verification *ret)
{
	if (at_ms < 0) {
		verify_settle(ret, VERDICT_SKEWED,
			"the timestamp is malformed: it is no number of the time since 1970");
		return;
	}
	int64_t skew_ms = at_ms - now_wall_ms;
	if (skew_ms <= source->window_ms && skew_ms >= -source->window_ms)
		return;
	ret->timed = true;
	ret->skew_ms = skew_ms;
	verify_settle(ret, VERDICT_SKEWED,
		"the timestamp is outside the time window; compare the clocks of both machines");
}

bool verify_fits(int fits, struct verification *ret)
{
	if (fits == 0)
		verify_settle(ret, VERDICT_UNSIGNED, "the signature fits no secret of this source");
	else if (fits < 0)
		verify_settle(ret, VERDICT_FAILED, "memory is short, try again");
	else
		ret->secret = (size_t)fits;
	return fits > 0;
}

void verify_dedupe(struct slice id, struct slice body, struct verification *ret)
{
	const struct slice parts[] = {slice_of(id.n != 0 ? "id:" : "body:"), id.n != 0 ? id : body};
	ret->has_dedupe = digest_sha256(parts, ARRAY_N(parts), ret->dedupe) == RC_OK;
	if (!ret->has_dedupe)
		verify_settle(ret, VERDICT_FAILED, "memory is short, try again");
}

/* --- a whole delivery ------------------------------------------------------------------------- */

void verify_check(const struct source *source, const struct head *head, struct slice body,
	int64_t now_wall_ms, struct verification *ret)
{
	*ret = (struct verification){.verdict = VERDICT_UNSIGNED};
	ret->verdict = verify_head(head, &ret->why);
	if (ret->verdict == VERDICT_ACCEPTED)
		source->scheme->check(source, head, body, now_wall_ms, ret);
}
