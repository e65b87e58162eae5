/* SPDX-License-Identifier: MIT */
/* How much rules have written, by slots of time; runs in shadow mode. */
#include "queue/spend.h"

#include "queue/erase.h"
#include "tests/conformance/queue_suite.h"

static enum rc add(void *ctx, int64_t slot_ms, int64_t n, struct err *err)
{
	char *text = ctx;
	size_t at = strlen(text);
	(void)err;
	snprintf(text + at, 256 - at, "%s%lld:%lld", at != 0 ? " " : "", (long long)slot_ms,
		(long long)n);
	return RC_OK;
}

/* STATIC. */
static const char *all(struct suite *s, struct queue *q, const char *rule, int64_t since_ms)
{
	static char text[256];
	text[0] = '\0';
	suite_ok(s, queue_spend_each(q, rule, since_ms, add, text, &s->err));
	return text;
}

QUEUE_CASE(what_a_rule_writes_is_summed_up_by_slots)
{
	suite_ok(s, queue_spend_add(s->runner, "a", 2000, 3, &s->err));
	suite_ok(s, queue_spend_add(s->runner, "a", 1000, 1, &s->err));
	suite_ok(s, queue_spend_add(s->runner, "a", 2000, 500, &s->err));
	suite_ok(s, queue_spend_add(s->runner, "b", 2000, 7, &s->err));
	cr_expect_str_eq(all(s, s->runner, "a", 0), "1000:1 2000:503");
	cr_expect_str_eq(all(s, s->runner, "a", 1001), "2000:503");
	cr_expect_str_eq(all(s, s->runner, "nobody", 0), "");
	suite_commit(s);
	cr_expect_str_eq(all(s, s->receiver, "b", 0), "2000:7", "any side reads");
}

QUEUE_CASE(slots_that_are_over_are_forgotten_and_all_of_them_where_a_rule_begins_anew)
{
	for (int i = 1; i <= 3; i++) {
		suite_ok(s, queue_spend_add(s->runner, "a", i * 1000, i, &s->err));
		suite_ok(s, queue_spend_add(s->runner, "b", i * 1000, i, &s->err));
	}
	suite_ok(s, queue_spend_clear(s->runner, "a", 2000, &s->err));
	cr_expect_str_eq(all(s, s->runner, "a", 0), "2000:2 3000:3");
	suite_ok(s, queue_spend_clear(s->runner, "a", INT64_MAX, &s->err));
	cr_expect_str_eq(all(s, s->runner, "a", 0), "");
	cr_expect_str_eq(all(s, s->runner, "b", 0), "1000:1 2000:2 3000:3");
	suite_ok(s, queue_spend_clear(s->runner, "*", INT64_MAX, &s->err));
	cr_expect_str_eq(all(s, s->runner, "b", 0), "");
}

QUEUE_CASE(only_the_runner_says_what_was_written)
{
	cr_expect_eq(queue_spend_add(s->receiver, "a", 1, 1, &s->err), RC_DENIED);
	cr_expect_eq(queue_spend_add(s->runner, "", 1, 1, &s->err), RC_INVALID);
}

static enum rc look(void *ctx, const struct queue_run_row *row, struct err *err)
{
	(void)err;
	*(int *)ctx += row->shadow ? 1 : 100;
	return RC_OK;
}

/* One event with a run in shadow mode and one that is live. */
QUEUE_CASE(a_run_that_is_born_in_shadow_mode_stays_in_it)
{
	struct queue_raw raw;
	size_t n = 0, claimed_n = 0;
	int seen = 0;
	char hash[DIGEST_HEX_N];
	memset(hash, 'a', DIGEST_HEX_N - 1);
	hash[DIGEST_HEX_N - 1] = '\0';
	(void)suite_put(s, "k", "{}");
	suite_ok(s, queue_inbox_next(s->runner, 1, &raw, &n, &s->err));
	cr_assert_eq(n, 1);
	struct queue_run_new runs[] = {
		{.rule = "shy", .source_hash = hash, .attempts_max = 3, .shadow = true},
		{.rule = "bold", .source_hash = hash, .attempts_max = 3}};
	struct queue_routing routing = {.event = {.seq = raw.seq,
						.id = raw.id,
						.source = "twenty",
						.name = "person.created",
						.object = "person",
						.record = "r",
						.via = "hook",
						.reason = "",
						.state = QUEUE_DUE,
						.received_ms = SUITE_NOW_MS},
		.runs = runs,
		.runs_n = 2};
	suite_ok(s, queue_route(s->runner, &routing, 1, 2, s->runs, &claimed_n, &s->err));
	s->runs_n = claimed_n;
	cr_assert_eq(claimed_n, 2);
	for (size_t i = 0; i < 2; i++) {
		bool shadow = false;
		suite_ok(s, queue_shadow_is(s->runner, s->runs[i].seq, &shadow, &s->err));
		cr_expect_eq(shadow, strcmp(s->runs[i].rule, "shy") == 0);
	}
	suite_commit(s);
	suite_ok(s, queue_run_each(s->receiver, NULL, look, &seen, &s->err));
	cr_expect_eq(seen, 101);
}

QUEUE_CASE(what_is_to_be_erased_is_kept_once_until_it_is)
{
	char record[QUEUE_ERASURE_N] = "";
	bool any = true;
	suite_ok(s, queue_erasure_first(s->runner, record, &any, &s->err));
	cr_expect_not(any);
	suite_ok(s, queue_erasure_put(s->runner, "a", &s->err));
	suite_ok(s, queue_erasure_put(s->runner, "a", &s->err));
	suite_ok(s, queue_erasure_first(s->runner, record, &any, &s->err));
	cr_expect(any);
	cr_expect_str_eq(record, "a");
	suite_ok(s, queue_erasure_drop(s->runner, "a", &s->err));
	suite_ok(s, queue_erasure_first(s->runner, record, &any, &s->err));
	cr_expect_not(any);
	cr_expect_eq(queue_erasure_put(s->runner, "", &s->err), RC_INVALID);
	cr_expect_eq(queue_erasure_put(s->receiver, "a", &s->err), RC_DENIED);
}

QUEUE_CASE(what_another_runner_has_written_counts_for_this_one)
{
	if (!suite_shared(s))
		return;
	struct queue *other = NULL;
	suite_commit(s);
	suite_ok(s, queue_open(s->store, QUEUE_RUNNER, &other, &s->err));
	cr_expect_str_eq(all(s, other, "a", 0), "");
	suite_ok(s, queue_spend_add(other, "a", 1000, 3, &s->err));
	suite_ok(s, queue_commit(other, &s->err));
	cr_expect_str_eq(all(s, s->runner, "a", 0), "1000:3");
	suite_ok(s, queue_spend_add(s->runner, "a", 1000, 2, &s->err));
	suite_commit(s);
	cr_expect_str_eq(all(s, other, "a", 0), "1000:5");
	queue_close(other);
}
