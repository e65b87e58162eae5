/* SPDX-License-Identifier: MIT */
/* What a run asked and was answered; rule sources; what is live. */
#include "queue/flight.h"
#include "tests/conformance/queue_suite.h"

static void put(struct suite *s, const struct queue_call *call)
{
	suite_ok(s, queue_call_put(s->runner, s->runs[0].seq, s->runs[0].epoch, call, &s->err));
}

static const struct queue_call intent = {
	.path = "1",
	.method = "update",
	.object = "people",
	.effect = true,
	.digest = {1, 2, 3},
	.request = {"{\"id\":1}", 8},
	.started_ms = 100,
};

QUEUE_CASE(an_intent_is_completed_by_the_same_path)
{
	struct queue_call answer = intent, *calls = NULL;
	size_t n = 0;
	suite_event(s, "rule", "a", 1);
	put(s, &intent);
	suite_ok(s, queue_calls_load(s->runner, s->runs[0].seq, &calls, &n, &s->err));
	cr_assert_eq(n, 1u);
	cr_assert_eq(calls[0].answer.n, 0u);
	cr_assert(calls[0].effect);
	queue_calls_free(calls, n);

	answer.answer = slice_of("{\"ok\":true}");
	answer.ended_ms = 150;
	answer.requests = 1;
	put(s, &answer);
	suite_ok(s, queue_calls_load(s->runner, s->runs[0].seq, &calls, &n, &s->err));
	cr_assert_eq(n, 1u);
	cr_assert_str_eq(calls[0].path, "1");
	cr_assert_str_eq(calls[0].method, "update");
	cr_assert_str_eq(calls[0].object, "people");
	cr_assert(digest_equal(calls[0].digest, intent.digest));
	cr_assert(slice_equal(calls[0].request, slice_of("{\"id\":1}")));
	cr_assert(slice_equal(calls[0].answer, slice_of("{\"ok\":true}")));
	cr_assert_eq(calls[0].code, RC_OK);
	cr_assert_eq(calls[0].started_ms, 100);
	cr_assert_eq(calls[0].ended_ms, 150);
	cr_assert_eq(calls[0].requests, 1);
	queue_calls_free(calls, n);
}

QUEUE_CASE(a_journal_comes_back_in_order_of_recording_and_only_that_runs)
{
	static const char *const paths[] = {"1", "3", "2.1", "2"};
	struct queue_call *calls = NULL;
	size_t n = 0;
	suite_event(s, "rule", "a", 2);
	suite_event(s, "rule", "b", 2);
	for (size_t i = 0; i < ARRAY_N(paths); i++) {
		struct queue_call call = {.path = paths[i],
			.method = "get",
			.answer = slice_of("{}"),
			.code = i == 2 ? RC_REJECTED : RC_OK};
		put(s, &call);
	}
	suite_ok(s, queue_call_put(s->runner, s->runs[1].seq, s->runs[1].epoch, &intent, &s->err));
	suite_ok(s, queue_calls_load(s->runner, s->runs[0].seq, &calls, &n, &s->err));
	cr_assert_eq(n, ARRAY_N(paths));
	for (size_t i = 0; i < n; i++)
		cr_assert_str_eq(calls[i].path, paths[i]);
	cr_assert_eq(calls[2].code, RC_REJECTED);
	queue_calls_free(calls, n);
	suite_ok(s, queue_calls_load(s->runner, 12345, &calls, &n, &s->err));
	cr_assert_eq(n, 0u);
	queue_calls_free(calls, n);
}

QUEUE_CASE(a_claim_says_whether_there_is_a_journal)
{
	suite_event(s, "rule", "a", 1);
	cr_assert_not(s->runs[0].has_journal);
	put(s, &intent);
	suite_release(s, &s->runs[0], 1, true);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 1), 1u);
	cr_assert(s->runs[0].has_journal);
}

QUEUE_CASE(a_release_may_forget_the_journal)
{
	struct queue_outcome o = {.state = QUEUE_DUE, .forget_journal = true};
	struct queue_call *calls = NULL;
	size_t n = 9;
	suite_event(s, "rule", "a", 1);
	put(s, &intent);
	suite_ok(s, queue_finish(s->runner, s->runs[0].seq, s->runs[0].epoch, &o, &s->err));
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 1), 1u);
	cr_assert_not(s->runs[0].has_journal);
	suite_ok(s, queue_calls_load(s->runner, s->runs[0].seq, &calls, &n, &s->err));
	cr_assert_eq(n, 0u);
	queue_calls_free(calls, n);
}

QUEUE_CASE(a_rule_source_is_kept_by_its_hash)
{
	struct buf text;
	char file[256];
	buf_init(&text, 4096);
	suite_ok(s, queue_source_put(s->runner, "abc", "a.lua", slice_of("rule{}"), &s->err));
	suite_ok(s, queue_source_put(s->runner, "abc", "b.lua", slice_of("other"), &s->err));
	suite_ok(s, queue_source_get(s->runner, "abc", &text, file, &s->err));
	cr_assert_str_eq(text.p, "rule{}");
	cr_assert_str_eq(file, "a.lua");
	cr_assert_eq(queue_source_get(s->runner, "nope", &text, file, &s->err), RC_NOT_FOUND);
	buf_done(&text);
}

QUEUE_CASE(a_source_may_be_stored_after_a_run_has_named_it)
{
	struct buf text;
	char file[256];
	buf_init(&text, 4096);
	suite_event(s, "rule", "a", 1);
	cr_assert_eq(queue_source_get(s->runner, "hash", &text, file, &s->err), RC_NOT_FOUND);
	suite_ok(s, queue_source_put(s->runner, "hash", "a.lua", slice_of("x"), &s->err));
	suite_ok(s, queue_source_get(s->runner, "hash", &text, file, &s->err));
	cr_assert_str_eq(text.p, "x");
	buf_done(&text);
}

struct rules_seen {
	size_t n;
	char names[4][16];
	char options[64];
	int line;
};

static enum rc take_rule(void *ctx, const struct queue_rule *row, struct err *err)
{
	struct rules_seen *seen = ctx;
	(void)err;
	snprintf(seen->names[seen->n++], 16, "%s", row->name);
	seen->line = row->line;
	snprintf(seen->options, sizeof(seen->options), "%s", row->options);
	return RC_OK;
}

QUEUE_CASE(the_list_of_rules_is_replaced_whole)
{
	struct queue_rule rules[2] = {
		{.name = "one",
			.file = "a.lua",
			.line = 3,
			.on = "x",
			.state = "live",
			.error = ""},
		{.name = "two",
			.file = "a.lua",
			.line = 9,
			.on = "y",
			.state = "live",
			.error = "",
			.options = "settle 20s"},
	};
	struct rules_seen seen = {0};
	suite_ok(s, queue_rules_put(s->runner, rules, 2, &s->err));
	suite_ok(s, queue_rules_put(s->runner, &rules[1], 1, &s->err));
	suite_ok(s, queue_rule_each(s->runner, take_rule, &seen, &s->err));
	cr_assert_eq(seen.n, 1u);
	cr_assert_str_eq(seen.names[0], "two");
	cr_assert_eq(seen.line, 9);
	cr_assert_str_eq(seen.options, "settle 20s");
	suite_ok(s, queue_rules_put(s->runner, rules, 1, &s->err));
	seen.n = 0;
	suite_ok(s, queue_rule_each(s->runner, take_rule, &seen, &s->err));
	cr_assert_str_eq(seen.options, "", "none");
}

static enum rc count_flight(void *ctx, const struct queue_flight *flight, struct err *err)
{
	(void)err;
	cr_assert_str_eq(flight->method, "update");
	cr_assert_str_eq(flight->object, "people");
	cr_assert(slice_equal(flight->request, intent.request));
	cr_assert_eq(flight->began_ms, 100);
	++*(int *)ctx;
	return RC_OK;
}

static int flights(struct suite *s, struct queue *q)
{
	int n = 0;
	suite_ok(s, queue_flight_each(q, count_flight, &n, &s->err));
	return n;
}

/* Where a store has one runner there are no others. */
QUEUE_CASE(an_effect_without_an_answer_is_shown_to_other_runners)
{
	struct queue *other = s->runner;
	struct queue_call answer = intent, read = intent;
	int one = suite_shared(s) ? 1 : 0;
	if (suite_shared(s))
		suite_ok(s, queue_open(s->store, QUEUE_RUNNER, &other, &s->err));
	answer.answer = slice_of("{}");
	read.path = "2";
	read.effect = false;
	suite_event(s, "rule", "a", 1);
	put(s, &read);
	suite_commit(s);
	cr_assert_eq(flights(s, other), 0, "a read is none");
	put(s, &intent);
	put(s, &intent);
	suite_commit(s);
	cr_assert_eq(flights(s, other), one);
	cr_assert_eq(flights(s, s->runner), 0, "our own we know");
	put(s, &answer);
	suite_commit(s);
	cr_assert_eq(flights(s, other), 0);

	put(s, &intent);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_commit(s);
	cr_assert_eq(flights(s, other), 0, "nobody will ever hear of it");
	if (other != s->runner)
		queue_close(other);
}
