/* SPDX-License-Identifier: MIT */
/* Framing and the headers a scheme asks for. */
#include "receiver/head.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

static const char *const wanted[] = {"x-stamp", "x-sign", NULL};

static void put(struct head *h, const char *name, const char *value)
{
	head_put(h, slice_of(name), slice_of(value));
}

static bool framing_refused(const char *length, const char *encoding)
{
	struct head h;
	int64_t n = -7;
	head_init(&h, wanted);
	if (length != NULL)
		put(&h, "Content-Length", length);
	if (encoding != NULL)
		put(&h, "Transfer-Encoding", encoding);
	const char *why = head_framing(&h, &n);
	cr_assert(why == NULL || n == -7, "the length was written although it was refused");
	return why != NULL;
}

Test(receiver_head, a_name_is_found_in_any_case)
{
	struct head h;
	head_init(&h, wanted);
	put(&h, "X-STAMP", "1");
	put(&h, "x-Sign", "2");
	put(&h, "x-signature", "3");
	put(&h, "x-sig", "4");
	cr_assert_eq(h.seen[0], 1);
	cr_assert_eq(h.seen[1], 1);
	cr_assert_eq(h.value[1].p[0], '2');
	cr_assert_null(head_repeated(&h));
}

Test(receiver_head, a_name_with_a_nul_is_another_name)
{
	static const char name[] = "x-sign\0and more than the name it begins with";
	struct head h;
	head_init(&h, wanted);
	head_put(&h, (struct slice){name, sizeof(name) - 1}, slice_of("2"));
	head_put(&h, (struct slice){name, 7}, slice_of("2"));
	cr_assert_eq(h.seen[1], 0);
}

Test(receiver_head, the_second_of_a_header_is_reported)
{
	struct head h;
	head_init(&h, wanted);
	put(&h, "x-sign", "2");
	put(&h, "X-Sign", "2");
	cr_assert_str_eq(head_repeated(&h), "x-sign");
}

Test(receiver_head, a_length_is_a_plain_number)
{
	struct head h;
	int64_t n = -7;
	head_init(&h, wanted);
	put(&h, "content-length", "0001400");
	cr_assert_null(head_framing(&h, &n));
	cr_assert_eq(n, 1400);
	const char *const wrong[] = {
		"", "-1", "+5", "0x10", "5 ", "5,5", "1e3", "9999999999999999999"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert(framing_refused(wrong[i], NULL), "\"%s\" was taken", wrong[i]);
}

Test(receiver_head, only_chunked_is_an_encoding_and_never_beside_a_length)
{
	struct head h;
	int64_t n = -7;
	head_init(&h, wanted);
	put(&h, "transfer-encoding", "Chunked");
	cr_assert_null(head_framing(&h, &n));
	cr_assert_eq(n, -1);
	cr_assert(framing_refused("5", "chunked"));
	const char *const wrong[] = {
		"xchunked", "chunke", "identity", "gzip, chunked", "chunked,", ""};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert(framing_refused(NULL, wrong[i]), "\"%s\" was taken", wrong[i]);
}

Test(receiver_head, two_lengths_are_refused_even_when_they_agree)
{
	struct head h;
	int64_t n;
	head_init(&h, wanted);
	put(&h, "Content-Length", "5");
	put(&h, "Content-Length", "5");
	cr_assert_not_null(head_framing(&h, &n));
	head_init(&h, wanted);
	put(&h, "Transfer-Encoding", "chunked");
	put(&h, "Transfer-Encoding", "chunked");
	cr_assert_not_null(head_framing(&h, &n));
}

Test(receiver_head, no_length_means_no_body)
{
	struct head h;
	int64_t n = -7;
	head_init(&h, wanted);
	cr_assert_null(head_framing(&h, &n));
	cr_assert_eq(n, 0);
}

Test(receiver_head, the_wanted_headers_are_written_one_a_line)
{
	struct head h;
	struct buf out;
	buf_init(&out, 64);
	head_init(&h, wanted);
	put(&h, "X-Sign", "abc");
	put(&h, "Other", "no");
	cr_assert_eq(head_format(&h, &out), RC_OK);
	cr_assert_str_eq(out.p, "x-sign: abc\n");
	put(&h, "X-Stamp", "0123456789012345678901234567890123456789012345678901234567890123");
	cr_assert_eq(head_format(&h, &out), RC_TOO_LARGE);
	buf_done(&out);
}

Test(receiver_head, rules_see_all_headers_but_those_that_prove_or_transport)
{
	static const char *const shown[][2] = {{"X-GitHub-Event", "push"},
		{"Content-Type", "application/json"}, {"linear-delivery", "7"},
		{"Webhook-Id", "m1"}, {"User-Agent", "Stripe/1.0"}, {"x-empty", ""}};
	static const char *const hidden[] = {"Authorization", "X-Hub-Signature", "Cookie",
		"X-Gitlab-Token", "X-Secret-Thing", "cf-access-jwt-assertion", "Host",
		"Content-Length", "X-Forwarded-For", "Accept-Encoding", "x-own", "x y", "",
		"X-Amzn-Oidc-Data", "Proxy-Authorization", "x-api-key"};
	struct head h;
	struct buf out;
	buf_init(&out, 8192);
	head_init(&h, wanted);
	head_keep(&h, "x-own");
	for (size_t i = 0; i < ARRAY_N(shown); i++)
		put(&h, shown[i][0], shown[i][1]);
	for (size_t i = 0; i < ARRAY_N(hidden); i++)
		put(&h, hidden[i], "canary");
	put(&h, "x-github-event", "the second of a name");
	put(&h, "X-Folded", "a\nx-made-up: b");
	cr_assert_eq(head_format(&h, &out), RC_OK);
	cr_expect_str_eq(out.p, "x-github-event: push\ncontent-type: application/json\n"
				"linear-delivery: 7\nwebhook-id: m1\nuser-agent: Stripe/1.0\n"
				"x-empty: \n");
	buf_done(&out);
}

Test(receiver_head, what_rules_see_is_bounded_in_number_and_size)
{
	struct head h;
	struct buf out;
	char value[HEAD_KEPT_BYTES];
	buf_init(&out, 2 * HEAD_KEPT_BYTES);
	head_init(&h, wanted);
	head_keep(&h, NULL);
	memset(value, 'v', sizeof(value));
	head_put(&h, slice_of("x-large"), (struct slice){value, sizeof(value)});
	put(&h, "x-0123456789012345678901234567890123456789012345678901234567890123", "v");
	cr_expect_eq(h.kept_n, 0);
	char names[100][16];
	for (int i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "x-%d", i);
		put(&h, names[i], "v");
	}
	cr_expect_eq(h.kept_n, HEAD_KEPT_MAX);
	head_init(&h, wanted);
	head_keep(&h, NULL);
	head_put(&h, slice_of("x-a"), (struct slice){value, 3000});
	head_put(&h, slice_of("x-b"), (struct slice){value, 3000});
	head_put(&h, slice_of("x-c"), (struct slice){value, 900});
	cr_assert_eq(head_format(&h, &out), RC_OK);
	cr_expect_leq(out.n, HEAD_KEPT_BYTES);
	cr_expect_eq(h.kept_n, 2, "what fits is there, whatever did not before it");
	buf_done(&out);
}
