/* SPDX-License-Identifier: MIT */
/* Deliveries go in once, and come out in order. */
#include "tests/conformance/queue_suite.h"

#include <unistd.h>

QUEUE_CASE(a_repeat_gives_the_first_id)
{
	struct id first = suite_put(s, "key", "one");
	struct id again = suite_put(s, "key", "two");
	cr_assert_str_eq(first.text, again.text);
	cr_assert_eq(suite_events_n(s, NULL), 1u);
}

QUEUE_CASE(a_repeat_within_a_batch_is_a_repeat)
{
	struct queue_delivery d[3] = {0};
	for (int i = 0; i < 3; i++) {
		d[i].source = "twenty";
		d[i].dedupe = slice_of(i == 1 ? "other" : "same");
		d[i].body = slice_of("{}");
		suite_ok(s, id_new(SUITE_NOW_MS, &d[i].id, &s->err));
	}
	suite_ok(s, queue_inbox_put(s->receiver, d, 3, &s->err));
	cr_assert(!d[0].ret_repeated && !d[1].ret_repeated && d[2].ret_repeated);
	cr_assert_str_eq(d[0].id.text, d[2].id.text);
	cr_assert_eq(suite_events_n(s, NULL), 2u);
}

QUEUE_CASE(the_same_key_of_another_source_is_no_repeat)
{
	suite_put(s, "key", "one");
	struct queue_delivery d = {
		.source = "stripe", .dedupe = slice_of("key"), .body = slice_of("{}")};
	suite_ok(s, id_new(SUITE_NOW_MS, &d.id, &s->err));
	suite_ok(s, queue_inbox_put(s->receiver, &d, 1, &s->err));
	cr_assert(!d.ret_repeated);
}

QUEUE_CASE(without_a_key_nothing_is_a_repeat)
{
	struct id a = suite_put(s, NULL, "same");
	struct id b = suite_put(s, NULL, "same");
	cr_assert_str_neq(a.text, b.text);
	cr_assert_eq(suite_events_n(s, NULL), 2u);
}

QUEUE_CASE(deliveries_come_out_in_order_with_all_they_had)
{
	struct queue_raw raw[4];
	size_t n = 9;
	struct id first = suite_put(s, "a", "one");
	struct queue_delivery bad = {
		.source = "stripe",
		.body = {"\0\1", 2},
		.quarantine = "clock skew",
		.received_ms = 5,
	};
	suite_ok(s, id_new(SUITE_NOW_MS, &bad.id, &s->err));
	suite_ok(s, queue_inbox_put(s->receiver, &bad, 1, &s->err));
	suite_ok(s, queue_inbox_next(s->runner, 4, raw, &n, &s->err));
	cr_assert_eq(n, 2u);
	cr_assert_str_eq(raw[0].id.text, first.text);
	cr_assert_str_eq(raw[0].source, "twenty");
	cr_assert(slice_equal(raw[0].body, slice_of("one")));
	cr_assert(slice_equal(raw[0].headers, slice_of("x-test: 1\n")));
	cr_assert_eq(raw[0].received_ms, SUITE_NOW_MS);
	cr_assert_null(raw[0].quarantine);
	cr_assert_gt(raw[1].seq, raw[0].seq);
	cr_assert_str_eq(raw[1].source, "stripe");
	cr_assert_str_eq(raw[1].quarantine, "clock skew");
	cr_assert(slice_equal(raw[1].body, (struct slice){"\0\1", 2}));
}

static size_t put_keys(struct suite *s, const char *const *keys, size_t n, struct id *ret_new)
{
	struct queue_delivery d[8] = {0};
	size_t new_n = 0;
	for (size_t i = 0; i < n; i++) {
		d[i].source = "twenty";
		d[i].dedupe = slice_of(keys[i]);
		d[i].body = slice_of("{}");
		suite_ok(s, id_new(SUITE_NOW_MS, &d[i].id, &s->err));
	}
	suite_ok(s, queue_inbox_put(s->receiver, d, n, &s->err));
	for (size_t i = 0; i < n; i++)
		if (!d[i].ret_repeated)
			ret_new[new_n++] = d[i].id;
	return new_n;
}

QUEUE_CASE(a_batch_comes_out_as_it_came_whatever_its_keys)
{
	static const char *const first[] = {"f", "e", NULL, "c", "b", "a"};
	static const char *const second[] = {"z", "c", NULL, "y", "x", "y", NULL};
	static const char *const third[] = {"q", NULL, "p", "o"};
	struct id ids[17];
	struct queue_raw raw[17];
	size_t n = put_keys(s, first, 6, ids), got = 0;
	cr_assert_eq(n, 6u);
	n += put_keys(s, second, 7, ids + n);
	cr_assert_eq(n, 11u);
	n += put_keys(s, third, 4, ids + n);
	cr_assert_eq(n, 15u);
	suite_ok(s, queue_inbox_next(s->runner, 17, raw, &got, &s->err));
	cr_assert_eq(got, n);
	for (size_t i = 0; i < n; i++)
		cr_expect_str_eq(raw[i].id.text, ids[i].text, "place %zu", i);
	cr_expect_eq(suite_events_n(s, NULL), n);
}

QUEUE_CASE(next_gives_at_most_as_many_as_asked_and_only_what_has_no_event)
{
	struct queue_raw raw[8];
	size_t n = 9;
	for (int i = 0; i < 5; i++)
		suite_put(s, NULL, "{}");
	suite_ok(s, queue_inbox_next(s->runner, 3, raw, &n, &s->err));
	cr_assert_eq(n, 3u);
	suite_route(s, 3, "rule", "", 0);
	suite_ok(s, queue_inbox_next(s->runner, 8, raw, &n, &s->err));
	cr_assert_eq(n, 2u);
	suite_route(s, 2, "rule", "", 0);
	suite_ok(s, queue_inbox_next(s->runner, 8, raw, &n, &s->err));
	cr_assert_eq(n, 0u);
}

QUEUE_CASE(a_large_body_comes_out_whole)
{
	size_t n = 3 << 20, got = 0;
	char *body = malloc(n);
	cr_assert_not_null(body);
	for (size_t i = 0; i < n; i++)
		body[i] = (char)(i * 7);
	struct queue_delivery d[2] = {
		{.source = "twenty", .body = {body, n}}, {.source = "twenty", .body = {body, n}}};
	struct queue_raw raw[2];
	suite_ok(s, queue_inbox_put(s->receiver, d, 2, &s->err));
	suite_ok(s, queue_inbox_next(s->runner, 2, raw, &got, &s->err));
	cr_assert_geq(got, 1u);
	cr_assert(slice_equal(raw[0].body, (struct slice){body, n}));
	free(body);
}

QUEUE_CASE(a_side_may_do_only_what_is_its_own)
{
	struct queue *reader;
	struct queue_delivery d = {.source = "twenty"};
	size_t n;
	suite_put(s, NULL, "{}");
	suite_ok(s, queue_open(s->store, QUEUE_READER, &reader, &s->err));
	cr_assert_eq(queue_inbox_put(s->runner, &d, 1, &s->err), RC_DENIED);
	cr_assert_eq(queue_adopt(s->receiver, &n, &s->err), RC_DENIED);
	cr_assert_eq(queue_retry(reader, "x", &s->err), RC_DENIED);
	cr_assert_str_eq(s->err.msg, "a reader cannot retry runs of the store");
	cr_assert_eq(queue_checkpoint(reader, &s->err), RC_DENIED);
	queue_close(reader);
}

QUEUE_CASE(a_second_writer_of_a_side_is_told_the_pid_of_the_first)
{
	struct queue *second = NULL;
	char pid[32];
	if (suite_shared(s)) { /* any number of them */
		suite_ok(s, queue_open(s->store, QUEUE_RECEIVER, &second, &s->err));
		queue_close(second);
		suite_ok(s, queue_open(s->store, QUEUE_RUNNER, &second, &s->err));
		queue_close(second);
		return;
	}
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	cr_assert_eq(queue_open(s->store, QUEUE_RECEIVER, &second, &s->err), RC_BUSY);
	cr_assert_not_null(strstr(s->err.msg, pid), "%s", s->err.msg);
	cr_assert_eq(queue_open(s->store, QUEUE_RUNNER, &second, &s->err), RC_BUSY);
	cr_assert_null(second);
	queue_close(s->receiver);
	suite_ok(s, queue_open(s->store, QUEUE_RECEIVER, &s->receiver, &s->err));
}
