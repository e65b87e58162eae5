/* SPDX-License-Identifier: MIT */
/* The scheme of Twenty, against deliveries that a real server sent. */
#include "receiver/verify.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "receiver/source.h"

#define DATA "tests/data/twenty/webhooks/"
#define SECRET "s3cr3t-recording-key"
#define BODY_MAX (1 << 20)

static struct digest_key *keys[3];

static struct source twenty(size_t secrets)
{
	static const char *const names[] = {SECRET, "old", "expired"};
	for (size_t i = 0; i < 3; i++)
		if (keys[i] == NULL)
			keys[i] = digest_key_new(slice_of(names[i]));
	return (struct source){.name = "twenty",
		.scheme = &scheme_twenty,
		.keys = keys,
		.keys_n = secrets,
		.window_ms = 300000};
}

static struct verification judge(const struct source *s, const char *stamp, const char *signature,
	struct slice body, int64_t now_ms)
{
	struct head head;
	struct verification v;
	head_init(&head, s->scheme->headers);
	if (stamp != NULL)
		head_put(&head, slice_of("X-Twenty-Webhook-Timestamp"), slice_of(stamp));
	if (signature != NULL)
		head_put(&head, slice_of("X-Twenty-Webhook-Signature"), slice_of(signature));
	verify_check(s, &head, body, now_ms, &v);
	return v;
}

static void sign(const char *secret, const char *stamp, struct slice body, char hex[DIGEST_HEX_N])
{
	uint8_t mac[DIGEST_N];
	struct digest_key *key = digest_key_new(slice_of(secret));
	const struct slice parts[] = {slice_of(stamp), {":", 1}, body};
	cr_assert_eq(digest_hmac(key, parts, 3, mac), RC_OK);
	digest_format(mac, hex);
	digest_key_free(key);
}

struct recording {
	char stamp[32], signature[80];
	struct buf body;
};

static void read_recording(const char *name, struct recording *r)
{
	char path[512];
	json_error_t at;
	struct err err;
	snprintf(path, sizeof(path), DATA "%s.json", name);
	json_t *json = json_load_file(path, 0, &at);
	cr_assert_not_null(json, "%s: %s", path, at.text);
	cr_assert_str_eq(json_string_value(json_object_get(json, "secret")), SECRET);
	json_t *header;
	size_t i;
	json_array_foreach(json_object_get(json, "headers"), i, header)
	{
		const char *key = json_string_value(json_array_get(header, 0));
		const char *value = json_string_value(json_array_get(header, 1));
		if (strcasecmp(key, "X-Twenty-Webhook-Timestamp") == 0)
			snprintf(r->stamp, sizeof(r->stamp), "%s", value);
		if (strcasecmp(key, "X-Twenty-Webhook-Signature") == 0)
			snprintf(r->signature, sizeof(r->signature), "%s", value);
	}
	json_decref(json);
	snprintf(path, sizeof(path), DATA "%s.body", name);
	buf_init(&r->body, BODY_MAX);
	cr_assert_eq(file_read(AT_FDCWD, path, FILE_LINKS_REFUSED, &r->body, &err), RC_OK, "%s",
		err.msg);
}

Test(receiver_verify, every_recorded_delivery_is_accepted_at_its_time)
{
	struct source s = twenty(1);
	DIR *dir = opendir(DATA);
	struct dirent *entry;
	size_t n = 0;
	cr_assert_not_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char *dot = strstr(entry->d_name, ".json");
		if (dot == NULL)
			continue;
		struct recording r = {0};
		*dot = '\0';
		read_recording(entry->d_name, &r);
		struct verification v = judge(&s, r.stamp, r.signature, buf_slice(&r.body),
			strtoll(r.stamp, NULL, 10) + 120);
		cr_expect_eq(v.verdict, VERDICT_ACCEPTED, "%s", entry->d_name);
		cr_expect_eq(v.secret, 1);
		buf_done(&r.body);
		n++;
	}
	closedir(dir);
	cr_assert_geq(n, 18);
}

Test(receiver_verify, each_flipped_bit_of_a_body_is_refused)
{
	struct source s = twenty(2);
	struct recording r = {0};
	read_recording("person.created", &r);
	int64_t now_ms = strtoll(r.stamp, NULL, 10);
	for (size_t bit = 0; bit < r.body.n * 8; bit++) {
		r.body.p[bit / 8] = (char)(r.body.p[bit / 8] ^ (1 << bit % 8));
		struct verification v = judge(&s, r.stamp, r.signature, buf_slice(&r.body), now_ms);
		cr_assert_eq(v.verdict, VERDICT_UNSIGNED, "bit %zu", bit);
		r.body.p[bit / 8] = (char)(r.body.p[bit / 8] ^ (1 << bit % 8));
	}
	cr_assert_eq(judge(&s, r.stamp, r.signature, buf_slice(&r.body), now_ms).verdict,
		VERDICT_ACCEPTED);
	buf_done(&r.body);
}

Test(receiver_verify, each_flipped_bit_of_timestamp_and_signature_is_refused)
{
	struct source s = twenty(2);
	struct recording r = {0};
	read_recording("person.created", &r);
	int64_t now_ms = strtoll(r.stamp, NULL, 10);
	char *const texts[] = {r.stamp, r.signature};
	for (size_t t = 0; t < 2; t++) {
		for (size_t bit = 0, n = strlen(texts[t]) * 8; bit < n; bit++) {
			texts[t][bit / 8] = (char)(texts[t][bit / 8] ^ (1 << bit % 8));
			cr_assert_eq(
				judge(&s, r.stamp, r.signature, buf_slice(&r.body), now_ms).verdict,
				VERDICT_UNSIGNED, "text %zu bit %zu", t, bit);
			texts[t][bit / 8] = (char)(texts[t][bit / 8] ^ (1 << bit % 8));
		}
	}
	buf_done(&r.body);
}

Test(receiver_verify, a_body_shorter_or_longer_by_a_byte_is_refused)
{
	struct source s = twenty(1);
	struct recording r = {0};
	read_recording("task.created", &r);
	int64_t now_ms = strtoll(r.stamp, NULL, 10);
	struct slice body = buf_slice(&r.body);
	body.n--;
	cr_assert_eq(judge(&s, r.stamp, r.signature, body, now_ms).verdict, VERDICT_UNSIGNED);
	cr_assert_eq(buf_put(&r.body, "\n", 1), RC_OK);
	body = buf_slice(&r.body);
	cr_assert_eq(judge(&s, r.stamp, r.signature, body, now_ms).verdict, VERDICT_UNSIGNED);
	buf_done(&r.body);
}

Test(receiver_verify, a_signature_is_exactly_64_lower_case_hex_digits)
{
	struct source s = twenty(1);
	const struct slice body = slice_of("{}");
	char hex[DIGEST_HEX_N], text[128];
	sign(SECRET, "1000", body, hex);
	cr_assert_eq(judge(&s, "1000", hex, body, 1000).verdict, VERDICT_ACCEPTED);

	snprintf(text, sizeof(text), "%s", hex);
	for (char *p = text; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 'a' + 'A');
	cr_assert_eq(judge(&s, "1000", text, body, 1000).verdict, VERDICT_UNSIGNED, "upper case");
	snprintf(text, sizeof(text), "%.63s", hex);
	cr_assert_eq(judge(&s, "1000", text, body, 1000).verdict, VERDICT_UNSIGNED, "63 digits");
	snprintf(text, sizeof(text), "%s0", hex);
	cr_assert_eq(judge(&s, "1000", text, body, 1000).verdict, VERDICT_UNSIGNED, "65 digits");
	snprintf(text, sizeof(text), "sha256=%s", hex);
	cr_assert_eq(judge(&s, "1000", text, body, 1000).verdict, VERDICT_UNSIGNED, "a prefix");
	cr_assert_eq(judge(&s, "1000", "", body, 1000).verdict, VERDICT_UNSIGNED, "empty");
	cr_assert_eq(judge(&s, "1000", "kQkXcQv0b2q3Q0l4f1dPpX0nq3b0v0Jm1b0m0n0q0a0=", body, 1000)
			     .verdict,
		VERDICT_UNSIGNED, "base64");
}

Test(receiver_verify, a_missing_header_is_refused_as_unsigned)
{
	struct source s = twenty(1);
	const struct slice body = slice_of("{}");
	char hex[DIGEST_HEX_N];
	sign(SECRET, "1000", body, hex);
	cr_assert_eq(judge(&s, NULL, hex, body, 1000).verdict, VERDICT_UNSIGNED);
	cr_assert_eq(judge(&s, "1000", NULL, body, 1000).verdict, VERDICT_UNSIGNED);
	cr_assert_eq(judge(&s, NULL, NULL, body, 1000).verdict, VERDICT_UNSIGNED);
}

Test(receiver_verify, a_header_that_comes_twice_is_malformed)
{
	struct source s = twenty(1);
	struct head head;
	struct verification v;
	char hex[DIGEST_HEX_N];
	sign(SECRET, "1000", slice_of("{}"), hex);
	for (int twice = 0; twice < 2; twice++) {
		head_init(&head, s.scheme->headers);
		for (int i = 0; i < 1 + (twice == 0); i++)
			head_put(&head, slice_of("x-twenty-webhook-timestamp"), slice_of("1000"));
		for (int i = 0; i < 1 + (twice == 1); i++)
			head_put(&head, slice_of("x-twenty-webhook-signature"), slice_of(hex));
		verify_check(&s, &head, slice_of("{}"), 1000, &v);
		cr_assert_eq(v.verdict, VERDICT_MALFORMED);
	}
}

Test(receiver_verify, a_timestamp_that_is_no_time_is_kept_when_it_was_signed)
{
	struct source s = twenty(1);
	const int64_t now_ms = 1795458757556;
	const char *const stamps[] = {"", "-1795458757556", "+1795458757556", " 1795458757556",
		"1795458757556 ", "0x1a20", "1795458757.5", "17954587575560000000", "now"};
	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
		char hex[DIGEST_HEX_N];
		sign(SECRET, stamps[i], slice_of("{}"), hex);
		struct verification v = judge(&s, stamps[i], hex, slice_of("{}"), now_ms);
		cr_assert_eq(v.verdict, VERDICT_SKEWED, "\"%s\"", stamps[i]);
		cr_assert(!v.timed && strstr(v.why, "malformed") != NULL, "%s", v.why);
		cr_assert(v.has_dedupe);
		sign("wrong", stamps[i], slice_of("{}"), hex);
		cr_assert_eq(judge(&s, stamps[i], hex, slice_of("{}"), now_ms).verdict,
			VERDICT_UNSIGNED, "\"%s\"", stamps[i]);
	}
}

Test(receiver_verify, the_window_counts_in_both_directions_to_the_millisecond)
{
	struct source s = twenty(1);
	const int64_t now_ms = 1795458757556;
	const struct {
		int64_t off_ms;
		enum verdict verdict;
	} cases[] = {{0, VERDICT_ACCEPTED}, {300000, VERDICT_ACCEPTED}, {-300000, VERDICT_ACCEPTED},
		{300001, VERDICT_SKEWED}, {-300001, VERDICT_SKEWED},
		{-now_ms + now_ms / 1000, VERDICT_SKEWED} /* seconds */,
		{999999999999999 - now_ms, VERDICT_SKEWED}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char stamp[32], hex[DIGEST_HEX_N];
		snprintf(stamp, sizeof(stamp), "%" PRId64, now_ms + cases[i].off_ms);
		sign(SECRET, stamp, slice_of("{}"), hex);
		struct verification v = judge(&s, stamp, hex, slice_of("{}"), now_ms);
		cr_assert_eq(v.verdict, cases[i].verdict, "%s", stamp);
		if (v.verdict == VERDICT_SKEWED)
			cr_assert(v.timed && v.skew_ms == cases[i].off_ms);
	}
}

Test(receiver_verify, either_of_two_secrets_fits_and_is_named)
{
	struct source s = twenty(2);
	char hex[DIGEST_HEX_N];
	sign(SECRET, "1000", slice_of("{}"), hex);
	cr_assert_eq(judge(&s, "1000", hex, slice_of("{}"), 1000).secret, 1);
	sign("old", "1000", slice_of("{}"), hex);
	cr_assert_eq(judge(&s, "1000", hex, slice_of("{}"), 1000).secret, 2);
	sign("expired", "1000", slice_of("{}"), hex);
	cr_assert_eq(judge(&s, "1000", hex, slice_of("{}"), 1000).verdict, VERDICT_UNSIGNED);
	sign("", "1000", slice_of("{}"), hex);
	cr_assert_eq(judge(&s, "1000", hex, slice_of("{}"), 1000).verdict, VERDICT_UNSIGNED);
}

Test(receiver_verify, the_dedupe_key_is_the_body_alone)
{
	struct source s = twenty(2);
	char hex[DIGEST_HEX_N];
	sign(SECRET, "1000", slice_of("{}"), hex);
	struct verification a = judge(&s, "1000", hex, slice_of("{}"), 1000);
	sign("old", "2000", slice_of("{}"), hex);
	struct verification b = judge(&s, "2000", hex, slice_of("{}"), 1000);
	sign(SECRET, "1000", slice_of("{ }"), hex);
	struct verification c = judge(&s, "1000", hex, slice_of("{ }"), 1000);
	cr_assert(digest_equal(a.dedupe, b.dedupe));
	cr_assert_not(digest_equal(a.dedupe, c.dedupe));
}

Test(receiver_verify, an_empty_body_can_be_signed)
{
	struct source s = twenty(1);
	char hex[DIGEST_HEX_N];
	sign(SECRET, "1000", (struct slice){NULL, 0}, hex);
	cr_assert_eq(
		judge(&s, "1000", hex, (struct slice){NULL, 0}, 1000).verdict, VERDICT_ACCEPTED);
}
