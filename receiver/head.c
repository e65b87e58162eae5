/* SPDX-License-Identifier: MIT */
/*
 * Collects the headers that matter and judges the framing.
 * From: listen.c, one call per header line. To: verify.c, which reads the values.
 * Fails by answering a sentence; what is doubtful is refused rather than guessed, because a proxy
 * in front may guess differently. It does not look at the body and knows no scheme.
 */
#include "receiver/head.h"

#include <string.h>
#include <strings.h>

#include "base/attr.h"

#define HEAD_NAME_MAX 64
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

/* --- what rules see ----------------------------------------------------------------------------
 */

static char lower_of(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Is word (lower case) somewhere in the name? */
static bool has_word(struct slice name, const char *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i + n <= name.n; i++) {
		size_t k = 0;
		while (k < n && lower_of(name.p[i + k]) == word[k])
			k++;
		if (k == n)
			return true;
	}
	return false;
}

static bool starts_with(struct slice name, const char *word)
{
	size_t n = strlen(word);
	return name.n >= n && has_word((struct slice){name.p, n}, word);
}

/* Names that the lines of the store can hold, and rules can write. */
static bool is_plain(struct slice name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = lower_of(name.p[i]);
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_')
			return false;
	}
	return name.n <= HEAD_NAME_MAX;
}

/* What proves who sent it, here or to a proxy on the way, is no rule's business and is not stored.
 */
static bool is_secret(struct slice name)
{
	static const char *const words[] = {"signature", "authorization", "cookie", "token",
		"secret", "password", "api-key", "apikey", "credential", "assertion", "jwt",
		"-auth", "oidc", "cert"};
	for (size_t i = 0; i < ARRAY_N(words); i++)
		if (has_word(name, words[i]))
			return true;
	return false;
}

/* Of the connection, or put there by a proxy. */
static bool is_transport(struct slice name)
{
	static const char *const names[] = {"host", "connection", "content-length",
		"transfer-encoding", "expect", "te", "trailer", "upgrade", "keep-alive", "via",
		"forwarded", "x-real-ip", "proxy-connection"};
	static const char *const starts[] = {"accept", "x-forwarded-", "x-envoy-", "x-amzn-", "cf-",
		"cdn-", "x-b3-", "traceparent", "tracestate"};
	for (size_t i = 0; i < ARRAY_N(names); i++)
		if (same_name(name, names[i]))
			return true;
	for (size_t i = 0; i < ARRAY_N(starts); i++)
		if (starts_with(name, starts[i]))
			return true;
	return false;
}

static bool is_kept(const struct head *h, struct slice name)
{
	for (size_t i = 0; i < h->kept_n; i++) {
		const struct slice *have = &h->kept[i].name;
		if (have->n == name.n && strncasecmp(have->p, name.p, name.n) == 0)
			return true;
	}
	return false;
}

static void keep(struct head *h, struct slice name, struct slice value)
{
	size_t bytes = name.n + value.n + sizeof(": \n") - 1;
	if (!is_plain(name) || is_secret(name) || is_transport(name) || is_kept(h, name) ||
		(h->hide != NULL && same_name(name, h->hide)))
		return;
	if (h->kept_n == HEAD_KEPT_MAX || bytes > HEAD_KEPT_BYTES - h->kept_bytes ||
		(value.n != 0 && memchr(value.p, '\n', value.n) != NULL))
		return;
	h->kept[h->kept_n].name = name;
	h->kept[h->kept_n++].value = value;
	h->kept_bytes += bytes;
}

void head_keep(struct head *h, const char *hide)
{
	h->keeps = true;
	h->hide = hide;
}

void head_put(struct head *h, struct slice name, struct slice value)
{
	if (name.n == 0)
		return;
	for (size_t i = 0; i < HEAD_WANTED_MAX && h->wanted[i] != NULL; i++)
		if (same_name(name, h->wanted[i]))
			note(&h->value[i], &h->seen[i], value);
	if (h->keeps)
		keep(h, name, value);
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

static enum rc put_line(struct buf *out, struct slice name, struct slice value)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < name.n && rc == RC_OK; i++) {
		char c = lower_of(name.p[i]);
		rc = buf_put(out, &c, 1);
	}
	if (rc == RC_OK)
		rc = buf_put(out, ": ", 2);
	if (rc == RC_OK)
		rc = buf_put(out, value.p, value.n);
	return rc == RC_OK ? buf_put(out, "\n", 1) : rc;
}

enum rc head_format(const struct head *h, struct buf *out)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < h->kept_n && rc == RC_OK; i++)
		rc = put_line(out, h->kept[i].name, h->kept[i].value);
	for (size_t i = 0; !h->keeps && i < HEAD_WANTED_MAX && h->wanted[i] != NULL; i++)
		if (h->seen[i] != 0 && rc == RC_OK)
			rc = put_line(out, slice_of(h->wanted[i]), h->value[i]);
	return rc;
}
