/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes what a stranger can reach before his signature is checked: header names and values,
 * framing, timestamp and signature. Input: lines "name:value", an empty line, the body.
 * Beyond the sanitizers: nothing is accepted that this harness cannot verify by itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receiver/source.h"
#include "receiver/verify.h"

#define SECRET "fuzz"
#define NOW_MS 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct source *fuzz_source(void)
{
	static struct digest_key *keys[1];
	static struct source source = {.name = "fuzz", .keys = keys, .keys_n = 1, .window_ms = 500};
	if (keys[0] == NULL)
		keys[0] = digest_key_new(slice_of(SECRET));
	if (keys[0] == NULL)
		abort();
	source.scheme = &scheme_twenty;
	return &source;
}

/* Feeds the header lines; what is left is the body. */
static struct slice put_lines(struct head *head, struct slice in)
{
	const char *end;
	while (in.n != 0 && (end = memchr(in.p, '\n', in.n)) != NULL) {
		struct slice line = {in.p, (size_t)(end - in.p)};
		in = (struct slice){end + 1, in.n - line.n - 1};
		if (line.n == 0)
			break;
		const char *colon = memchr(line.p, ':', line.n);
		size_t name_n = colon != NULL ? (size_t)(colon - line.p) : line.n;
		size_t skip = colon != NULL ? name_n + 1 : line.n;
		head_put(head, (struct slice){line.p, name_n},
			(struct slice){line.p + skip, line.n - skip});
	}
	return in;
}

static void check_accepted(const struct head *head, struct slice body)
{
	uint8_t mac[DIGEST_N];
	char hex[DIGEST_HEX_N];
	struct digest_key *key = digest_key_new(slice_of(SECRET));
	const struct slice parts[] = {head->value[0], {":", 1}, body};
	if (key == NULL || digest_hmac(key, parts, 3, mac) != RC_OK)
		abort();
	digest_format(mac, hex);
	digest_key_free(key);
	if (head->seen[0] != 1 || head->seen[1] != 1 || !slice_equal(head->value[1], slice_of(hex)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct source *source = fuzz_source();
	struct head head;
	struct verification v;
	struct buf out;
	int64_t length = -2;

	head_init(&head, source->scheme->headers);
	struct slice body = put_lines(&head, (struct slice){(const char *)data, size});
	if (head_framing(&head, &length) == NULL && length < -1)
		abort();
	verify_check(source, &head, body, NOW_MS, &v);
	if (v.verdict == VERDICT_ACCEPTED || v.verdict == VERDICT_SKEWED)
		check_accepted(&head, body);
	buf_init(&out, 256);
	if (head_format(&head, &out) == RC_OK && out.n > 256)
		abort();
	buf_done(&out);
	return 0;
}
