/* SPDX-License-Identifier: MIT */
/* What rules keep: under keys, in scopes, for a time, no more than so much. */
#include "queue/kv.h"

#include "queue/erase.h"
#include "tests/conformance/queue_suite.h"

#define NOW SUITE_NOW_MS

static const struct queue_kv_sum plenty = {1000, 1 << 20};

static enum rc put(struct suite *s, const char *scope, const char *key, const char *value,
	int64_t until_ms, const struct queue_kv_sum *most)
{
	struct queue_kv kv = {scope, key, slice_of(value), until_ms};
	return queue_kv_put(s->runner, &kv, NOW, most, &s->err);
}

static void keep(
	struct suite *s, const char *scope, const char *key, const char *value, int64_t until_ms)
{
	suite_ok(s, put(s, scope, key, value, until_ms, &plenty));
}

/* What is there at a time, with the end of its time where it has one; "-": nothing. STATIC. */
static const char *find(
	struct suite *s, struct queue *q, const char *scope, const char *key, int64_t at_ms)
{
	static char text[256];
	struct buf out;
	int64_t until_ms = 0;
	buf_init(&out, KV_VALUE_MAX);
	enum rc rc = queue_kv_find(q, scope, key, at_ms, &out, &until_ms, &s->err);
	cr_assert(rc == RC_OK || rc == RC_NOT_FOUND, "%s", s->err.msg);
	if (rc == RC_NOT_FOUND)
		snprintf(text, sizeof(text), "-");
	else if (until_ms == 0)
		snprintf(text, sizeof(text), "%.*s", (int)out.n, out.p);
	else
		snprintf(text, sizeof(text), "%.*s +%lld", (int)out.n, out.p,
			(long long)(until_ms - NOW));
	buf_done(&out);
	return text;
}

static struct queue_kv_sum count(struct suite *s, const char *scope)
{
	struct queue_kv_sum sum = {-1, -1};
	suite_ok(s, queue_kv_count(s->runner, scope, &sum, &s->err));
	return sum;
}

QUEUE_CASE(a_value_is_kept_under_its_key_in_its_scope_only)
{
	cr_expect_str_eq(find(s, s->runner, "a", "k", NOW), "-");
	keep(s, "a", "k", "1", 0);
	keep(s, "b", "k", "2", 0);
	keep(s, KV_SHARED, "k", "\"all\"", 0);
	keep(s, "a", "l", "{\"x\":[null]}", 0);
	keep(s, "a", "k", "3", 0);
	cr_expect_str_eq(find(s, s->runner, "a", "k", NOW), "3", "the newest counts");
	cr_expect_str_eq(find(s, s->runner, "b", "k", NOW), "2");
	cr_expect_str_eq(find(s, s->runner, KV_SHARED, "k", NOW), "\"all\"");
	cr_expect_str_eq(find(s, s->runner, "a", "l", NOW), "{\"x\":[null]}");
	suite_commit(s);
	cr_expect_str_eq(find(s, s->receiver, "a", "k", NOW), "3", "any side reads");
}

QUEUE_CASE(a_value_is_gone_at_the_end_of_its_time_and_is_pruned_then)
{
	size_t n = 99;
	keep(s, "a", "short", "1", NOW + 1000);
	keep(s, "a", "long", "2", NOW + 5000);
	keep(s, "a", "ever", "3", 0);
	cr_expect_str_eq(find(s, s->runner, "a", "short", NOW + 999), "1 +1000");
	cr_expect_str_eq(find(s, s->runner, "a", "short", NOW + 1000), "-");
	suite_ok(s, queue_kv_prune(s->runner, NOW + 999, &n, &s->err));
	cr_expect_eq(n, 0u);
	suite_ok(s, queue_kv_prune(s->runner, NOW + 1000, &n, &s->err));
	cr_expect_eq(n, 1u);
	cr_expect_str_eq(find(s, s->runner, "a", "short", NOW), "-", "it was forgotten");
	keep(s, "a", "long", "4", 0);
	suite_ok(s, queue_kv_prune(s->runner, NOW + 9000, &n, &s->err));
	cr_expect_eq(n, 0u, "its time is that of the newest value");
	cr_expect_eq(count(s, "a").n, 2);
}

QUEUE_CASE(what_is_over_is_pruned_a_bounded_number_at_a_time)
{
	size_t n = 0;
	char key[16];
	for (int i = 0; i < 700; i++) {
		snprintf(key, sizeof(key), "%d", i);
		keep(s, "a", key, "1", NOW + 1 + i);
	}
	suite_ok(s, queue_kv_prune(s->runner, NOW + 600, &n, &s->err));
	cr_expect_eq(n, 500u);
	suite_ok(s, queue_kv_prune(s->runner, NOW + 600, &n, &s->err));
	cr_expect_eq(n, 100u);
	cr_expect_str_eq(find(s, s->runner, "a", "600", NOW), "1 +601");
}

QUEUE_CASE(a_value_is_dropped_by_its_key)
{
	bool was = false;
	keep(s, "a", "k", "1", 0);
	keep(s, "a", "old", "1", NOW + 1);
	suite_ok(s, queue_kv_drop(s->runner, "b", "k", NOW, &was, &s->err));
	cr_expect(!was);
	suite_ok(s, queue_kv_drop(s->runner, "a", "k", NOW, &was, &s->err));
	cr_expect(was);
	cr_expect_str_eq(find(s, s->runner, "a", "k", NOW), "-");
	suite_ok(s, queue_kv_drop(s->runner, "a", "k", NOW, &was, &s->err));
	cr_expect(!was);
	suite_ok(s, queue_kv_drop(s->runner, "a", "old", NOW + 1, &was, &s->err));
	cr_expect(!was, "it was over");
	cr_expect_eq(count(s, "a").n, 0);
}

QUEUE_CASE(a_scope_holds_so_many_keys_and_bytes_and_counts_them)
{
	struct queue_kv_sum most = {2, 20};
	suite_ok(s, put(s, "a", "k1", "\"12345\"", 0, &most));
	suite_ok(s, put(s, "a", "k2", "1", NOW, &most));
	cr_expect_eq(count(s, "a").n, 2);
	cr_expect_eq(count(s, "a").bytes, 12);
	suite_ok(s, put(s, "b", "k3", "1", 0, &most));
	suite_ok(s, put(s, "a", "k3", "1", 0, &most));
	cr_expect_eq(count(s, "a").n, 2, "what was over made room");
	cr_expect_eq(put(s, "a", "k4", "1", 0, &most), RC_QUOTA);
	cr_expect(strstr(s->err.msg, "the rule keeps 2 keys already") != NULL, "%s", s->err.msg);
	suite_ok(s, put(s, "a", "k3", "\"123456\"", 0, &most));
	cr_expect_eq(count(s, "a").bytes, 19);
	cr_expect_eq(put(s, "a", "k3", "\"12345678\"", 0, &most), RC_QUOTA);
	cr_expect_str_eq(find(s, s->runner, "a", "k3", NOW), "\"123456\"", "nothing changed");
	suite_ok(s, put(s, "a", "k3", "1", 0, &most));
	cr_expect_eq(count(s, "a").bytes, 12);
	suite_commit(s);
}

QUEUE_CASE(what_cannot_be_a_key_or_a_value_is_refused)
{
	char key[KV_KEY_MAX + 2];
	static char value[KV_VALUE_MAX + 2];
	memset(key, 'k', sizeof(key) - 1);
	memset(value, '1', sizeof(value) - 1);
	key[sizeof(key) - 1] = value[sizeof(value) - 1] = '\0';
	cr_expect_eq(put(s, "a", "", "1", 0, &plenty), RC_INVALID);
	cr_expect_eq(put(s, "a", key, "1", 0, &plenty), RC_INVALID);
	cr_expect_eq(put(s, "a", "k", value, 0, &plenty), RC_TOO_LARGE);
	key[KV_KEY_MAX] = value[KV_VALUE_MAX] = '\0';
	suite_ok(s, put(s, "a", key, value, 0, &plenty));
	cr_expect_eq(count(s, "a").bytes, KV_KEY_MAX + (int64_t)KV_VALUE_MAX);
	struct queue_kv kv = {"a", "k", slice_of("1"), 0};
	cr_expect_eq(queue_kv_put(s->receiver, &kv, NOW, &plenty, &s->err), RC_DENIED);
}

QUEUE_CASE(what_a_rule_keeps_goes_with_it_to_its_new_name)
{
	keep(s, "old", "a", "1", NOW + 5);
	keep(s, "old", "b", "2", 0);
	keep(s, "new", "b", "3", 0);
	suite_ok(s, queue_kv_move(s->runner, "old", "new", &s->err));
	cr_expect_str_eq(find(s, s->runner, "new", "a", NOW), "1 +5");
	cr_expect_str_eq(find(s, s->runner, "new", "b", NOW), "3", "what is there already stays");
	cr_expect_str_eq(find(s, s->runner, "old", "b", NOW), "-");
	cr_expect_eq(count(s, "old").n, 0);
	cr_expect_eq(count(s, "old").bytes, 0);
	cr_expect_eq(count(s, "new").n, 2);
	suite_ok(s, queue_kv_move(s->runner, "new", "new", &s->err));
	cr_expect_eq(count(s, "new").n, 2);
	cr_expect_eq(queue_kv_move(s->runner, KV_SHARED, "new", &s->err), RC_INVALID);
	cr_expect_eq(queue_kv_move(s->runner, "new", KV_SHARED, &s->err), RC_INVALID);
}

QUEUE_CASE(what_rules_keep_of_a_person_is_erased_by_key_and_by_value)
{
	const char *needles[] = {"id-of-ann", "ann@acme.example"};
	struct queue_erase e = {.record = "id-of-ann",
		.needles = needles,
		.needles_n = 2,
		.dry = true,
		.more = true};
	keep(s, "a", "person id-of-ann", "1", 0);
	keep(s, KV_SHARED, "x", "{\"email\":\"ann@acme.example\"}", NOW + 5);
	keep(s, "a", "y", "\"ben@acme.example\"", 0);
	for (int i = 0; e.more && i < 100; i++)
		suite_ok(s, queue_erase_step(s->runner, &e, &s->err));
	cr_expect_eq(e.sum.kept, 2);
	cr_expect_eq(count(s, "a").n, 2, "it only counted");
	e = (struct queue_erase){
		.record = "id-of-ann", .needles = needles, .needles_n = 2, .more = true};
	for (int i = 0; e.more && i < 100; i++)
		suite_ok(s, queue_erase_step(s->runner, &e, &s->err));
	cr_expect_eq(e.sum.kept, 2);
	cr_expect_str_eq(find(s, s->runner, "a", "person id-of-ann", NOW), "-");
	cr_expect_str_eq(find(s, s->runner, KV_SHARED, "x", NOW), "-");
	cr_expect_str_eq(find(s, s->runner, "a", "y", NOW), "\"ben@acme.example\"");
}

Test(queue_sqlite, what_rules_keep_is_there_after_the_next_start)
{
	struct suite s;
	struct err err;
	suite_start(&s, NULL);
	keep(&s, "a", "k", "1", NOW + 5);
	suite_commit(&s);
	keep(&s, "a", "k", "2", 0); /* never committed */
	queue_close(s.runner);
	cr_assert_eq(queue_open(s.store, QUEUE_RUNNER, &s.runner, &err), RC_OK, "%s", err.msg);
	cr_expect_str_eq(find(&s, s.runner, "a", "k", NOW), "1 +5");
	cr_expect_eq(count(&s, "a").n, 1);
	suite_end(&s);
}
