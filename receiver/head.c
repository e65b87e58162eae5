/* SPDX-License-Identifier: MIT */
/*
 * Collects the few headers that matter and judges the framing.
 * From: listen.c, one call per header line. To: verify.c, which reads the values.
 * Fails by answering a sentence; what is doubtful is refused rather than guessed, because a proxy
 * in front may guess differently. It does not look at the body and knows no scheme.
 */
#include "receiver/head.h"

#define LENGTH_DIGITS_MAX 18 /* what an int64_t holds for sure */

void head_init(struct head *h, const char *const *wanted)
{
	*h = (struct head){.wanted = wanted};
}

/* A name may hold any byte, NUL too, so no function for strings is asked. */
static bool same_name(struct slice name, const char *lower)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c != lower[i] || c == '\0')
			return false;
	}
	return lower[name.n] == '\0';
}

static void note(struct slice *first, unsigned *seen, struct slice value)
{
	if ((*seen)++ == 0)
		*first = value;
}

void head_put(struct head *h, struct slice name, struct slice value)
{
	if (name.n == 0)
		return;
	for (size_t i = 0; i < HEAD_WANTED_MAX && h->wanted[i] != NULL; i++)
		if (same_name(name, h->wanted[i]))
			note(&h->value[i], &h->seen[i], value);
	if (same_name(name, "content-length"))
		note(&h->length, &h->length_seen, value);
	else if (same_name(name, "transfer-encoding"))
		note(&h->encoding, &h->encoding_seen, value);
}

static int64_t parse_length(struct slice text)
{
	int64_t n = 0;
	if (text.n == 0 || text.n > LENGTH_DIGITS_MAX)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -1;
		n = n * 10 + (text.p[i] - '0');
	}
	return n;
}

const char *head_framing(const struct head *h, int64_t *ret_length)
{
	if (h->length_seen > 1)
		return "more than one Content-Length";
	if (h->encoding_seen > 1)
		return "more than one Transfer-Encoding";
	if (h->length_seen != 0 && h->encoding_seen != 0)
		return "both Content-Length and Transfer-Encoding";
	if (h->encoding_seen != 0) {
		if (h->encoding.n == 0 || !same_name(h->encoding, "chunked"))
			return "a Transfer-Encoding other than chunked";
		*ret_length = -1;
		return NULL;
	}
	int64_t n = h->length_seen != 0 ? parse_length(h->length) : 0;
	if (n < 0)
		return "a Content-Length that is not a number of bytes";
	*ret_length = n;
	return NULL;
}

const char *head_repeated(const struct head *h)
{
	for (size_t i = 0; i < HEAD_WANTED_MAX && h->wanted[i] != NULL; i++)
		if (h->seen[i] > 1)
			return h->wanted[i];
	return NULL;
}

enum rc head_format(const struct head *h, struct buf *out)
{
	for (size_t i = 0; i < HEAD_WANTED_MAX && h->wanted[i] != NULL; i++) {
		if (h->seen[i] == 0)
			continue;
		enum rc rc = buf_put_text(out, h->wanted[i]);
		if (rc == RC_OK)
			rc = buf_put(out, ": ", 2);
		if (rc == RC_OK)
			rc = buf_put(out, h->value[i].p, h->value[i].n);
		if (rc == RC_OK)
			rc = buf_put(out, "\n", 1);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}
