/* SPDX-License-Identifier: MIT */
/* The schemes of other senders: what their documents publish, and what may not get past them. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "receiver/receiver.h"
#include "receiver/source.h"
#include "receiver/verify.h"

struct rig {
	struct conf *conf;
	struct source_set *set;
	const struct source *source;
};

/* settings: of the source "x", as the configuration writes them. */
static void rig_open(struct rig *r, const char *settings)
{
	char path[] = "/tmp/moonhook-scheme-XXXXXX", text[2048];
	struct err err = {.msg = ""};
	int fd = mkstemp(path);
	int n = snprintf(text, sizeof(text), "source \"x\" { %s }\n", settings);
	cr_assert(fd >= 0 && write(fd, text, (size_t)n) == n);
	close(fd);
	enum rc rc = conf_load(path, &receiver_conf_table, 1, NULL, 0, &r->conf, &err);
	unlink(path);
	cr_assert_eq(rc, RC_OK, "%s", err.msg);
	cr_assert_eq(source_set_new(r->conf, &r->set, &err), RC_OK, "%s", err.msg);
	r->source = source_find(r->set, "x");
}

static void rig_close(struct rig *r)
{
	source_set_free(r->set);
	conf_free(r->conf);
}

static void put_lines(struct head *head, const char *lines)
{
	for (const char *p = lines; *p != '\0';) {
		size_t n = strcspn(p, "\n"), name_n = strcspn(p, ":");
		cr_assert(name_n + 2 <= n && p[name_n + 1] == ' ');
		head_put(head, (struct slice){p, name_n},
			(struct slice){p + name_n + 2, n - name_n - 2});
		p += n + (p[n] == '\n');
	}
}

/* headers: "Name: value\n" lines. */
static struct verification deliver(
	const struct rig *r, const char *headers, struct slice body, int64_t now_ms)
{
	struct head head;
	struct verification v;
	head_init(&head, source_headers(r->source));
	put_lines(&head, headers);
	verify_check(r->source, &head, body, now_ms, &v);
	return v;
}

static enum verdict verdict(
	const struct rig *r, const char *headers, const char *body, int64_t now_ms)
{
	return deliver(r, headers, slice_of(body), now_ms).verdict;
}

/* --- what is published ------------------------------------------------------------------------ */

Test(receiver_schemes, the_test_vector_of_standard_webhooks_is_accepted)
{
	static const char lines[] =
		"webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\nwebhook-timestamp: 1614265330\n"
		"webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\n";
	struct rig r;
	rig_open(&r, "scheme = \"standard-webhooks\", "
		     "secrets = { \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\" }");
	cr_expect_eq(verdict(&r, lines, "{\"test\": 2432232314}", INT64_C(1614265330000)),
		VERDICT_ACCEPTED);
	cr_expect_eq(verdict(&r, lines, "{\"test\": 2432232315}", INT64_C(1614265330000)),
		VERDICT_UNSIGNED);
	rig_close(&r);
	/* without its prefix, and under the names that Svix sends */
	rig_open(&r, "scheme = \"standard-webhooks\", "
		     "secrets = { \"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\" }");
	cr_expect_eq(verdict(&r,
			     "svix-id: msg_p5jXN8AQM9LWM0D4loKWxJek\nsvix-timestamp: 1614265330\n"
			     "svix-signature: v1a,AAAA v1,AAAA "
			     "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\n",
			     "{\"test\": 2432232314}", INT64_C(1614265330000)),
		VERDICT_ACCEPTED);
	rig_close(&r);
}

Test(receiver_schemes, the_example_of_githubs_documentation_is_accepted)
{
	static const char line[] = "X-Hub-Signature-256: sha256="
				   "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e"
				   "17\n";
	struct rig r;
	rig_open(&r, "scheme = \"github\", secrets = { \"It's a Secret to Everybody\" }");
	cr_expect_eq(verdict(&r, line, "Hello, World!", 0), VERDICT_ACCEPTED);
	cr_expect_eq(verdict(&r, line, "Hello, World?", 0), VERDICT_UNSIGNED);
	rig_close(&r);
}

/* Stripe publishes the form and no vector; this one was made with
 * printf '<t>.<body>' | openssl dgst -sha256 -hmac whsec_test_secret */
Test(receiver_schemes, the_form_of_stripes_documentation_is_accepted)
{
	static const char body[] = "{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}";
#define STRIPE_V1 "c2f890decbc5ede7c5060bb9a6d31e0626a4342bacb9aeae2adb1bcea72f9812"
#define STRIPE_V0 "6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"
	static const char *const good[] = {"Stripe-Signature: t=1492774577,v1=" STRIPE_V1
					   ",v0=" STRIPE_V0 "\n",
		"Stripe-Signature: v0=" STRIPE_V0 ",v1=" STRIPE_V0 ",v1=" STRIPE_V1
		",t=1492774577\n"};
	static const char *const bad[] = {"Stripe-Signature: t=1492774577,v0=" STRIPE_V1 "\n",
		"Stripe-Signature: v1=" STRIPE_V1 "\n", "Stripe-Signature: t=1492774577\n",
		"Stripe-Signature: t=1492774578,v1=" STRIPE_V1 "\n",
		"Stripe-Signature: t=1492774577,t=1492774577,v1=" STRIPE_V1 "\n",
		"Stripe-Signature: t=1492774577 ,v1=" STRIPE_V1 "\n",
		"Stripe-Signature: t=1492774577,v1=" STRIPE_V1 " \n", "Stripe-Signature: \n",
		"Stripe-Signature: ,,,,\n"};
	struct rig r;
	rig_open(&r, "scheme = \"stripe\", secrets = { \"whsec_test_secret\" }");
	for (size_t i = 0; i < ARRAY_N(good); i++)
		cr_expect_eq(verdict(&r, good[i], body, INT64_C(1492774577000)), VERDICT_ACCEPTED,
			"%s", good[i]);
	for (size_t i = 0; i < ARRAY_N(bad); i++)
		cr_expect_eq(verdict(&r, bad[i], body, INT64_C(1492774577000)), VERDICT_UNSIGNED,
			"%s", bad[i]);
	rig_close(&r);
}

Test(receiver_schemes, more_signatures_than_a_rotation_has_are_refused)
{
	struct buf line;
	struct rig r;
	buf_init(&line, 2048);
	cr_assert_eq(buf_put_text(&line, "Stripe-Signature: t=1492774577"), RC_OK);
	rig_open(&r, "scheme = \"stripe\", secrets = { \"whsec_test_secret\" }");
	for (int i = 0; i < 9; i++)
		cr_assert_eq(buf_put_text(&line, ",v1=" STRIPE_V1), RC_OK);
	cr_assert_eq(buf_put_text(&line, "\n"), RC_OK);
	cr_expect_eq(verdict(&r, line.p,
			     "{\n  \"id\": \"evt_test_webhook\",\n  \"object\": "
			     "\"event\"\n}",
			     INT64_C(1492774577000)),
		VERDICT_UNSIGNED);
	buf_done(&line);
	rig_close(&r);
}

/* RFC 4231 (SHA-2) and RFC 2202 (SHA-1), the second case of each. */
Test(receiver_schemes, the_vectors_of_rfc_4231_are_accepted_as_hmac)
{
	static const struct {
		const char *settings, *line;
	} cases[] = {
		{"", "x-sign: "
		     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\n"},
		{", prefix = \"sha256=\", algorithm = \"sha256\", encoding = \"base64\"",
			"X-Sign: sha256=W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=\n"},
		{", algorithm = \"sha512\"",
			"x-sign: 164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549"
			"758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737\n"},
		{", algorithm = \"sha1\"", "x-sign: effcdf6ae5eb2fa2d27416d5f184df9c259a7c79\n"},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		char settings[512];
		struct rig r;
		snprintf(settings, sizeof(settings),
			"scheme = \"hmac\", secrets = { \"Jefe\" }, header = \"X-Sign\"%s",
			cases[i].settings);
		rig_open(&r, settings);
		cr_expect_eq(verdict(&r, cases[i].line, "what do ya want for nothing?", 0),
			VERDICT_ACCEPTED, "%s", settings);
		cr_expect_eq(verdict(&r, cases[i].line, "what do ya want for nothing!", 0),
			VERDICT_UNSIGNED);
		rig_close(&r);
	}
}

/* docs.slack.dev: verifying requests from Slack */
Test(receiver_schemes, the_example_of_slacks_documentation_is_accepted_as_hmac)
{
	static const char lines[] = "X-Slack-Request-Timestamp: 1531420618\nX-Slack-Signature: "
				    "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c"
				    "69b503\n";
	static const char body[] =
		"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_"
		"id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%"
		"2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%"
		"2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."
		"47445629121.803a0bc887a14d10d2c447fce8b6703c";
	struct rig r;
	rig_open(&r, "scheme = \"hmac\", secrets = { \"8f742231b10e8888abcd99yyyzzz85a5\" }, "
		     "header = \"x-slack-signature\", prefix = \"v0=\", "
		     "timestamp = \"x-slack-request-timestamp\", "
		     "signed = \"v0:{timestamp}:{body}\"");
	cr_expect_eq(verdict(&r, lines, body, INT64_C(1531420618000)), VERDICT_ACCEPTED);
	struct verification v = deliver(&r, lines, slice_of(body), INT64_C(1531420618000) + 300001);
	cr_expect_eq(v.verdict, VERDICT_SKEWED);
	cr_expect(v.timed && v.skew_ms == -300001);
	cr_expect_not(v.has_dedupe, "nothing says which delivery it is");
	rig_close(&r);
}

/* --- what holds for each ---------------------------------------------------------------------- */

static const struct each {
	const char *settings; /* with the secrets "one" and "two" */
	bool timed, has_id;
	const char *unsigned_header; /* may be changed without anybody noticing; NULL: none */
} all[] = {
	{"scheme = \"twenty\"", true, false, "X-Twenty-Webhook-Nonce"},
	{"scheme = \"standard-webhooks\"", true, true, NULL},
	{"scheme = \"github\"", false, true, "X-GitHub-Delivery"},
	{"scheme = \"stripe\"", true, true, NULL},
	{"scheme = \"hmac\", header = \"x-sign\"", false, false, NULL},
	{"scheme = \"hmac\", header = \"x-sign\", prefix = \"t/\", encoding = \"base64\", "
	 "algorithm = \"sha512\", timestamp = \"x-time\", id = \"x-id\", "
	 "signed = \"{id}|{timestamp}|{body}\"",
		true, true, NULL},
	{"scheme = \"token\"", false, false, NULL},
	{"scheme = \"token\", header = \"x-gitlab-token\", id = \"x-id\"", false, true, "x-id"},
};

#define NOW_MS INT64_C(1795458757000)
#define BODY "{\"id\":\"evt_1\",\"type\":\"invoice.paid\"}"

/* secrets: the words of the configuration; in base64, so that each scheme takes them. */
static void open_each(struct rig *r, const struct each *e, const char *secrets)
{
	char settings[1024];
	snprintf(settings, sizeof(settings), "%s, secrets = { %s }", e->settings, secrets);
	rig_open(r, settings);
}
#define ONE "\"b25lb25l\""
#define TWO "\"dHdvdHdv\""

/* As its sender signs it, by the first secret. */
static struct buf signed_by(
	const struct each *e, const char *secret, const char *body, int64_t at_ms, const char *id)
{
	struct rig r;
	struct buf out;
	char token[64];
	open_each(&r, e, secret);
	buf_init(&out, 4096);
	snprintf(token, sizeof(token), "%.*s", (int)strlen(secret) - 2, secret + 1);
	struct signing what = {.body = slice_of(body), .at_ms = at_ms, .id = id, .token = token};
	cr_assert_eq(r.source->scheme->sign(r.source, &what, &out), RC_OK);
	rig_close(&r);
	return out;
}

Test(receiver_schemes, what_each_signs_it_accepts_by_either_of_two_secrets)
{
	for (size_t i = 0; i < ARRAY_N(all); i++) {
		struct rig r;
		open_each(&r, &all[i], ONE ", \"\", " TWO);
		const char *const secrets[] = {ONE, TWO, "\"dGhyZWU0\""};
		for (size_t k = 0; k < 3; k++) {
			struct buf lines = signed_by(&all[i], secrets[k], BODY, NOW_MS, "d1");
			struct verification v = deliver(&r, lines.p, slice_of(BODY), NOW_MS);
			cr_expect_eq(v.verdict, k < 2 ? VERDICT_ACCEPTED : VERDICT_UNSIGNED,
				"%s with %s", all[i].settings, secrets[k]);
			cr_expect_eq(v.secret, k < 2 ? k + 1 : 0);
			buf_done(&lines);
		}
		rig_close(&r);
	}
}

Test(receiver_schemes, each_flipped_bit_of_a_body_is_refused)
{
	for (size_t i = 0; i < ARRAY_N(all); i++) {
		struct rig r;
		char body[] = BODY;
		open_each(&r, &all[i], ONE ", " TWO);
		struct buf lines = signed_by(&all[i], ONE, BODY, NOW_MS, "d1");
		bool token = strstr(all[i].settings, "token") != NULL;
		for (size_t bit = 0; bit < strlen(BODY) * 8 && !token; bit++) {
			body[bit / 8] = (char)(body[bit / 8] ^ (1 << bit % 8));
			cr_assert_eq(
				deliver(&r, lines.p, (struct slice){body, strlen(BODY)}, NOW_MS)
					.verdict,
				VERDICT_UNSIGNED, "%s bit %zu", all[i].settings, bit);
			body[bit / 8] = (char)(body[bit / 8] ^ (1 << bit % 8));
		}
		buf_done(&lines);
		rig_close(&r);
	}
}

/* Flips each bit of the value that stands in line[0..n). */
static void flip_line(const struct rig *r, const struct each *e, struct buf *lines, char *line)
{
	size_t name_n = strcspn(line, ":");
	bool free = e->unsigned_header != NULL && strlen(e->unsigned_header) == name_n &&
		    strncmp(line, e->unsigned_header, name_n) == 0;
	for (char *p = line + name_n + 2; *p != '\n' && !free; p++) {
		bool bearer = strncmp(line, "authorization", 13) == 0 && p < line + 22;
		for (int bit = 0; bit < 8; bit++) {
			char was = *p;
			*p = (char)(was ^ (1 << bit));
			if (*p != '\n' && *p != '\0' &&
				!(bearer && bit == 5)) /* bearer: any case */
				cr_assert_eq(deliver(r, lines->p, slice_of(BODY), NOW_MS).verdict,
					VERDICT_UNSIGNED, "%s bit %d of %td in %s", e->settings,
					bit, p - line, lines->p);
			*p = was;
		}
	}
}

Test(receiver_schemes, each_flipped_bit_of_what_was_signed_or_signs_is_refused)
{
	for (size_t i = 0; i < ARRAY_N(all); i++) {
		struct rig r;
		open_each(&r, &all[i], ONE ", " TWO);
		struct buf lines = signed_by(&all[i], ONE, BODY, NOW_MS, "d1");
		for (char *line = lines.p; *line != '\0'; line = strchr(line, '\n') + 1)
			flip_line(&r, &all[i], &lines, line);
		cr_expect_eq(
			deliver(&r, lines.p, slice_of(BODY), NOW_MS).verdict, VERDICT_ACCEPTED);
		buf_done(&lines);
		rig_close(&r);
	}
}

Test(receiver_schemes, upper_case_hex_and_a_header_too_few_are_refused)
{
	for (size_t i = 0; i < ARRAY_N(all); i++) {
		struct rig r;
		struct verification v;
		open_each(&r, &all[i], ONE);
		struct buf lines = signed_by(&all[i], ONE, BODY, NOW_MS, "d1");
		for (char *p = strrchr(lines.p, '='); p != NULL && *p != '\n' && *p != '\0'; p++)
			*p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
		bool hex = strstr(all[i].settings, "github") != NULL ||
			   strstr(all[i].settings, "stripe") != NULL;
		cr_expect_eq(deliver(&r, lines.p, slice_of(BODY), NOW_MS).verdict,
			hex ? VERDICT_UNSIGNED : VERDICT_ACCEPTED, "%s", lines.p);
		v = deliver(&r, "", slice_of(BODY), NOW_MS);
		cr_expect_eq(v.verdict, VERDICT_UNSIGNED);
		cr_expect(v.why != NULL && strpbrk(v.why, "\"\\\n") == NULL, "%s", v.why);
		buf_done(&lines);
		rig_close(&r);
	}
}

Test(receiver_schemes, a_header_that_comes_twice_is_malformed)
{
	for (size_t i = 0; i < ARRAY_N(all); i++) {
		struct rig r;
		struct head head;
		struct verification v;
		open_each(&r, &all[i], ONE);
		struct buf lines = signed_by(&all[i], ONE, BODY, NOW_MS, "d1");
		head_init(&head, source_headers(r.source));
		put_lines(&head, lines.p);
		put_lines(&head, lines.p);
		verify_check(r.source, &head, slice_of(BODY), NOW_MS, &v);
		cr_expect_eq(v.verdict, VERDICT_MALFORMED, "%s", all[i].settings);
		buf_done(&lines);
		rig_close(&r);
	}
}

Test(receiver_schemes, what_was_signed_at_another_time_is_kept_and_not_accepted)
{
	static const int64_t off_ms[] = {0, 300000, -300000, 301000, -301000, -3600000};
	for (size_t i = 0; i < ARRAY_N(all); i++) {
		struct rig r;
		open_each(&r, &all[i], ONE);
		for (size_t k = 0; k < ARRAY_N(off_ms); k++) {
			struct buf lines = signed_by(&all[i], ONE, BODY, NOW_MS + off_ms[k], "d1");
			struct verification v = deliver(&r, lines.p, slice_of(BODY), NOW_MS);
			bool late = all[i].timed && k >= 3;
			cr_expect_eq(v.verdict, late ? VERDICT_SKEWED : VERDICT_ACCEPTED,
				"%s at %" PRId64, all[i].settings, off_ms[k]);
			cr_expect(!late || (v.timed && v.skew_ms == off_ms[k]));
			buf_done(&lines);
		}
		rig_close(&r);
	}
}

Test(receiver_schemes, a_repeat_is_known_by_the_deliverys_id_where_there_is_one)
{
	for (size_t i = 0; i < ARRAY_N(all); i++) {
		/* Stripe's id is in the body: the same one there, and something else beside it */
		bool stripe = strstr(all[i].settings, "stripe") != NULL;
		const char *again = stripe ? "{\"pending_webhooks\":0,\"id\":\"evt_1\"}" : BODY;
		const char *other = stripe ? "{\"id\":\"evt_2\"}" : BODY;
		struct rig r;
		open_each(&r, &all[i], ONE);
		struct buf a = signed_by(&all[i], ONE, BODY, NOW_MS, "d1");
		struct buf b = signed_by(&all[i], ONE, again, NOW_MS + 60000, "d1");
		struct buf c = signed_by(&all[i], ONE, other, NOW_MS, "d2");
		struct verification va = deliver(&r, a.p, slice_of(BODY), NOW_MS);
		struct verification vb = deliver(&r, b.p, slice_of(again), NOW_MS);
		struct verification vc = deliver(&r, c.p, slice_of(other), NOW_MS);
		bool twenty = strstr(all[i].settings, "twenty") != NULL;
		cr_expect_eq(va.has_dedupe, all[i].has_id || twenty, "%s", all[i].settings);
		if (va.has_dedupe) {
			cr_expect(digest_equal(va.dedupe, vb.dedupe), "%s", all[i].settings);
			cr_expect_eq(digest_equal(va.dedupe, vc.dedupe), twenty);
		}
		buf_done(&a);
		buf_done(&b);
		buf_done(&c);
		rig_close(&r);
	}
}

/* --- what is particular ----------------------------------------------------------------------- */

Test(receiver_schemes, a_time_in_milliseconds_counts_as_one_in_seconds)
{
	struct rig r;
	struct buf lines;
	open_each(&r, &all[5], ONE);
	for (int ms = 0; ms < 2; ms++) {
		buf_init(&lines, 1024);
		char at[32], text[DIGEST_TEXT_N];
		snprintf(at, sizeof(at), "%" PRId64, ms ? NOW_MS : NOW_MS / 1000);
		const struct slice parts[] = {
			slice_of("d1|"), slice_of(at), slice_of("|"), slice_of(BODY)};
		cr_assert_eq(
			digest_hmac_text(r.source->keys[0], parts, 4, DIGEST_BASE64, text), RC_OK);
		cr_assert_eq(buf_printf(&lines, "x-sign: t/%s\nx-time: %s\nx-id: d1\n", text, at),
			RC_OK);
		cr_expect_eq(verdict(&r, lines.p, BODY, NOW_MS), VERDICT_ACCEPTED, "%s", at);
		buf_done(&lines);
	}
	rig_close(&r);
}

Test(receiver_schemes, a_token_is_whole_or_it_is_none)
{
	struct rig r;
	rig_open(&r, "scheme = \"token\", secrets = { \"s3cret\" }");
	cr_expect_eq(verdict(&r, "Authorization: Bearer s3cret\n", "", 0), VERDICT_ACCEPTED);
	cr_expect_eq(verdict(&r, "authorization: bearer s3cret\n", "", 0), VERDICT_ACCEPTED);
	static const char *const wrong[] = {"Authorization: Bearer s3cre\n",
		"Authorization: Bearer s3crets\n", "Authorization: Bearer S3cret\n",
		"Authorization: s3cret\n", "Authorization: Basic s3cret\n",
		"Authorization: Bearer \n", "Authorization: Bearer  s3cret\n", "X-Token: s3cret\n"};
	for (size_t i = 0; i < ARRAY_N(wrong); i++)
		cr_expect_eq(verdict(&r, wrong[i], "", 0), VERDICT_UNSIGNED, "%s", wrong[i]);
	rig_close(&r);
}
