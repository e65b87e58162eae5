/* SPDX-License-Identifier: MIT */
/* Events become runs, runs are claimed in the order of their key, end, come back. */
#include "tests/conformance/queue_suite.h"

static uint8_t digit(size_t i)
{
	return (uint8_t)(i + 1);
}

/* Routes the next delivery as an event with this digest and n runs without key. */
static bool route_digest(struct suite *s, size_t digest, size_t runs_n)
{
	struct queue_raw raw;
	size_t n = 0, claimed = 0;
	struct queue_run_new runs[4] = {0};
	for (size_t i = 0; i < runs_n; i++)
		runs[i] = (struct queue_run_new){
			.rule = "rule", .source_hash = "hash", .key = "", .attempts_max = 3};
	suite_ok(s, queue_inbox_next(s->runner, 1, &raw, &n, &s->err));
	cr_assert_eq(n, 1u);
	struct queue_routing r = {
		.event = {.seq = raw.seq, .id = raw.id, .source = raw.source, .has_digest = true},
		.runs = runs,
		.runs_n = runs_n,
	};
	memset(r.event.digest, digit(digest), DIGEST_N);
	suite_ok(s, queue_route(s->runner, &r, 1, 0, NULL, &claimed, &s->err));
	return r.ret_duplicate;
}

/* --- routing
 * --------------------------------------------------------------------------------------- */

QUEUE_CASE(a_known_digest_becomes_a_duplicate_without_runs)
{
	for (int i = 0; i < 3; i++)
		suite_put(s, NULL, "{}");
	cr_assert_not(route_digest(s, 0, 1));
	cr_assert(route_digest(s, 0, 1));
	cr_assert_not(route_digest(s, 1, 1));
	cr_assert_eq(suite_event_state(s, 1), QUEUE_DUPLICATE);
	cr_assert_eq(suite_runs_n(s, NULL), 2u);
	suite_check_counts(s);
}

QUEUE_CASE(routing_claims_at_birth_what_may_start)
{
	suite_put(s, NULL, "{}");
	suite_put(s, NULL, "{}");
	suite_put(s, NULL, "{}");
	cr_assert_eq(suite_route(s, 2, "rule", "same", 8), 1u);
	cr_assert_eq(s->runs[0].routing, 0u);
	cr_assert_eq(s->runs[0].attempt, 1);
	cr_assert_eq(s->runs[0].attempts_max, 8);
	cr_assert_str_eq(s->runs[0].rule, "rule");
	cr_assert_str_eq(s->runs[0].key, "same");
	cr_assert_str_eq(s->runs[0].source_hash, "hash");
	cr_assert_str_eq(s->runs[0].event_source, "twenty");
	cr_assert_eq(s->runs[0].event_received_ms, SUITE_NOW_MS);
	cr_assert_null(s->runs[0].body);
	cr_assert_eq(suite_route(s, 1, "rule", "other", 0), 0u);
	suite_check_counts(s);
}

QUEUE_CASE(routing_a_delivery_twice_is_refused)
{
	struct queue_routing r = {.event = {.state = QUEUE_DONE}};
	struct queue_raw raw;
	size_t n = 0;
	suite_put(s, NULL, "{}");
	suite_ok(s, queue_inbox_next(s->runner, 1, &raw, &n, &s->err));
	cr_assert_eq(n, 1u);
	r.event.seq = raw.seq;
	suite_ok(s, queue_route(s->runner, &r, 1, 0, NULL, &n, &s->err));
	cr_assert_eq(queue_route(s->runner, &r, 1, 0, NULL, &n, &s->err), RC_INVALID);
	cr_assert_eq(suite_events_n(s, NULL), 1u);
}

QUEUE_CASE(an_event_born_in_the_work_has_its_body_there)
{
	struct queue_run_new run = {
		.rule = "timer", .source_hash = "hash", .key = "", .attempts_max = 1};
	struct queue_routing r = {
		.event = {.via = "timer", .name = "timer", .body = slice_of("payload")},
		.runs = &run,
		.runs_n = 1,
	};
	size_t n = 0;
	suite_ok(s, id_new(SUITE_NOW_MS, &r.event.id, &s->err));
	suite_ok(s, queue_route(s->runner, &r, 1, 0, NULL, &n, &s->err));
	suite_ok(s, id_new(SUITE_NOW_MS, &r.event.id, &s->err));
	suite_ok(s, queue_route(s->runner, &r, 1, 0, NULL, &n, &s->err));
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 2u);
	cr_assert_str_eq(s->runs[0].body, "payload");
	cr_assert_eq(s->runs[0].body_n, 7u);
	cr_assert_str_eq(s->runs[0].event_via, "timer");
}

static enum rc take_headers(void *ctx, const struct queue_event_row *row, struct err *err)
{
	(void)err;
	snprintf(ctx, 64, "%.*s|%.*s", (int)row->headers.n, row->headers.p, (int)row->body.n,
		row->body.p);
	return RC_OK;
}

QUEUE_CASE(an_event_that_is_routed_once_more_keeps_its_headers)
{
	struct queue_run_new run = {
		.rule = "r", .source_hash = "hash", .key = "", .attempts_max = 1};
	struct queue_routing r = {
		.event = {.via = "replay",
			.source = "github",
			.name = "hook:github",
			.headers = slice_of("x-github-event: push\n"),
			.body = slice_of("{}")},
		.runs = &run,
		.runs_n = 1,
	};
	size_t n = 0;
	char text[64] = "";
	suite_ok(s, id_new(SUITE_NOW_MS, &r.event.id, &s->err));
	suite_ok(s, queue_route(s->runner, &r, 1, 0, NULL, &n, &s->err));
	suite_ok(s, queue_event_get(s->runner, r.event.id.text, take_headers, text, &s->err));
	cr_assert_str_eq(text, "x-github-event: push\n|{}");
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	cr_assert_str_eq(s->runs[0].headers, "x-github-event: push\n");
	cr_assert_str_eq(s->runs[0].body, "{}");
}

QUEUE_CASE(an_event_without_runs_has_nothing_left_to_do)
{
	suite_put(s, NULL, "{}");
	cr_assert_not(route_digest(s, 0, 0));
	cr_assert_eq(suite_event_state(s, 0), QUEUE_DONE);
	suite_check_counts(s);
}

/* --- claims and the order of keys
 * ------------------------------------------------------------------ */

QUEUE_CASE(a_claim_gives_the_oldest_first_with_their_bodies)
{
	suite_put(s, NULL, "first");
	suite_put(s, NULL, "second");
	suite_put(s, NULL, "third");
	suite_route(s, 3, "rule", "", 0);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 2), 2u);
	cr_assert_str_eq(s->runs[0].body, "first");
	cr_assert_str_eq(s->runs[0].headers, "x-test: 1\n");
	cr_assert_str_eq(s->runs[1].body, "second");
	cr_assert_eq(s->runs[0].routing, SIZE_MAX);
	cr_assert_lt(s->runs[0].seq, s->runs[1].seq);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 2), 1u);
	cr_assert_str_eq(s->runs[0].body, "third");
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 2), 0u);
}

QUEUE_CASE(of_one_key_only_the_first_may_be_claimed_others_run_beside_it)
{
	for (int i = 0; i < 3; i++)
		suite_event(s, "rule", "a", 0);
	suite_event(s, "rule", "b", 0);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 2u);
	cr_assert_str_eq(s->runs[0].key, "a");
	cr_assert_str_eq(s->runs[1].key, "b");
	struct queue_run first = s->runs[0];
	cr_assert_lt(first.seq, s->runs[1].seq);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	cr_assert_eq(s->runs[0].seq, first.seq + 1);
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	cr_assert_eq(s->runs[0].seq, first.seq + 2);
	suite_check_counts(s);
}

QUEUE_CASE(a_run_with_two_keys_has_to_be_the_first_of_both)
{
	suite_event_also(s, "rule", "record 1", "mail", 8);
	suite_event_also(s, "rule", "record 2", "mail", 8); /* behind the first by its second key */
	suite_event_also(s, "rule", "record 2", "", 8);     /* behind the second by its record */
	suite_event_also(s, "rule", "record 3", "other", 8);
	cr_assert_eq(s->runs_n, 2u);
	int64_t first = s->runs[0].seq;
	cr_assert_eq(s->runs[1].seq, first + 3);
	suite_finish(s, &s->runs[1], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 0u, "the first is still at work");
	suite_check_counts(s);
}

QUEUE_CASE(the_end_of_a_run_with_two_keys_lets_the_next_of_each_go)
{
	suite_event_also(s, "rule", "record 1", "mail", 8);
	suite_event_also(s, "rule", "record 1", "", 8);
	suite_event_also(s, "rule", "record 2", "mail", 8);
	suite_event_also(s, "rule", "record 2", "", 8);
	cr_assert_eq(s->runs_n, 1u);
	int64_t first = s->runs[0].seq;
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 2u);
	cr_assert_eq(s->runs[0].seq, first + 1);
	cr_assert_eq(s->runs[1].seq, first + 2);
	suite_finish(s, &s->runs[1], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	cr_assert_eq(s->runs[0].seq, first + 3);
	suite_check_counts(s);
}

QUEUE_CASE(a_retried_run_waits_for_a_younger_one_that_shares_its_second_key)
{
	suite_event_also(s, "rule", "record 1", "mail", 8);
	struct id old = s->runs[0].id;
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suite_event_also(s, "rule", "record 2", "mail", 8);
	cr_assert_eq(s->runs_n, 2u);
	suite_ok(s, queue_retry(s->runner, old.text, &s->err));
	cr_assert_eq(suite_run_state(s, old.text), QUEUE_WAITING);
	suite_finish(s, &s->runs[1], QUEUE_DONE);
	cr_assert_eq(suite_run_state(s, old.text), QUEUE_DUE);
	suite_check_counts(s);
}

QUEUE_CASE(a_retried_run_that_has_to_wait_still_goes_before_younger_ones)
{
	suite_event_also(s, "rule", "record 1", "mail", 8);
	struct id old = s->runs[0].id;
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suite_event_also(s, "rule", "record 2", "mail", 8); /* at work: the old one waits for it */
	suite_event_also(s, "rule", "record 1", "", 0);     /* due, and younger than the old one */
	struct queue_run busy = s->runs[1];
	suite_ok(s, queue_retry(s->runner, old.text, &s->err));
	cr_assert_eq(suite_run_state(s, old.text), QUEUE_WAITING);
	suite_finish(s, &busy, QUEUE_DONE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	cr_assert_str_eq(s->runs[0].id.text, old.text);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	suite_check_counts(s);
}

QUEUE_CASE(runs_without_a_key_never_wait_for_each_other)
{
	for (int i = 0; i < 3; i++)
		suite_event(s, "rule", "", 0);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 3u);
}

QUEUE_CASE(the_order_of_a_key_holds_through_waiting_and_retries)
{
	int64_t due;
	suite_event(s, "rule", "a", 1);
	suite_event(s, "rule", "a", 1);
	cr_assert_eq(s->runs_n, 1u);
	int64_t first = s->runs[0].seq;
	suite_release(s, &s->runs[0], SUITE_NOW_MS + 500, true);
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, SUITE_NOW_MS + 500);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS + 499, 8), 0u);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS + 500, 8), 1u);
	cr_assert_eq(s->runs[0].seq, first);
	cr_assert_eq(s->runs[0].attempt, 2);
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, INT64_MAX);
	suite_finish(s, &s->runs[0], QUEUE_SKIPPED);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS + 500, 8), 1u);
	cr_assert_eq(s->runs[0].seq, first + 1);
	suite_check_counts(s);
}

QUEUE_CASE(when_the_clock_is_set_what_waits_for_a_time_moves_with_it_and_nothing_else)
{
	int64_t due = 0, day = 24 * 3600 * 1000;
	suite_event(s, "rule", "a", 1);
	suite_event(s, "rule", "a", 1); /* waits for the first */
	suite_event(s, "rule", "b", 1);
	suite_event(s, "rule", "c", 0); /* due */
	suite_release(s, &s->runs[0], SUITE_NOW_MS + 500, true);
	suite_release(s, &s->runs[1], SUITE_NOW_MS + 700, true);
	suite_ok(s, queue_due_shift(s->runner, -day, &s->err));
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, SUITE_NOW_MS + 500 - day);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS + 499 - day, 8), 1u, "the one that was due");
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_ok(s, queue_due_shift(s->runner, 2 * day, &s->err));
	suite_commit(s);
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, SUITE_NOW_MS + 500 + day);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS + 500 + day, 8), 1u);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS + 700 + day, 8), 1u);
	suite_ok(s, queue_due_shift(s->runner, -1000 * day, &s->err));
	suite_check_counts(s);
}

QUEUE_CASE(a_run_born_behind_one_that_waits_for_a_time_waits_too)
{
	suite_event(s, "rule", "a", 1);
	suite_release(s, &s->runs[0], SUITE_NOW_MS + 500, false);
	cr_assert_eq(suite_event(s, "rule", "a", 1), 0u);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 0u);
	suite_check_counts(s);
}

QUEUE_CASE(a_release_without_an_attempt_used_counts_none)
{
	suite_event(s, "rule", "a", 1);
	suite_release(s, &s->runs[0], SUITE_NOW_MS, false);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 1), 1u);
	cr_assert_eq(s->runs[0].attempt, 1);
	cr_assert_eq(s->runs[0].epoch, 2);
}

QUEUE_CASE(a_run_released_as_due_may_be_claimed_at_once)
{
	struct queue_outcome o = {.state = QUEUE_DUE, .died = true, .code = RC_WORKER};
	suite_event(s, "rule", "a", 1);
	suite_ok(s, queue_finish(s->runner, s->runs[0].seq, s->runs[0].epoch, &o, &s->err));
	cr_assert_eq(suite_claim(s, 0, 1), 1u);
	cr_assert_eq(s->runs[0].deaths, 1);
}

/* --- epochs
 * ---------------------------------------------------------------------------------------- */

QUEUE_CASE(a_write_with_an_old_epoch_is_refused)
{
	struct queue_outcome done = {.state = QUEUE_DONE};
	struct queue_call call = {.path = "1", .method = "now"};
	suite_event(s, "rule", "a", 1);
	struct queue_run old = s->runs[0];
	int64_t seq = old.seq, epoch = old.epoch;
	suite_release(s, &old, SUITE_NOW_MS, false);
	cr_assert_eq(queue_finish(s->runner, seq, epoch, &done, &s->err), RC_STALE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 1), 1u);
	cr_assert_gt(s->runs[0].epoch, epoch);
	cr_assert_eq(queue_finish(s->runner, seq, epoch, &done, &s->err), RC_STALE);
	cr_assert_eq(queue_call_put(s->runner, seq, epoch, &call, &s->err), RC_STALE);
	cr_assert_eq(suite_run_state(s, s->runs[0].id.text), QUEUE_RUNNING);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(queue_finish(s->runner, seq, s->runs[0].epoch, &done, &s->err), RC_STALE);
}

/* As if the runner had died: what it had at work is taken back. */
static void lose_runner(struct suite *s)
{
	size_t n = 0;
	suite_commit(s);
	if (suite_shared(s)) {
		queue_close(s->runner);
		suite_ok(s, queue_open(s->store, QUEUE_RUNNER, &s->runner, &s->err));
	}
	suite_ok(s, queue_adopt(s->runner, &n, &s->err));
	cr_assert_eq(n, 1u);
}

QUEUE_CASE(a_run_that_is_adopted_starts_behind_an_older_one_that_was_retried_meanwhile)
{
	suite_event(s, "rule", "a", 1);
	struct id old = s->runs[0].id;
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suite_event(s, "rule", "a", 1);
	struct id young = s->runs[1].id;
	suite_ok(s, queue_retry(s->runner, old.text, &s->err));
	cr_assert_eq(suite_run_state(s, old.text), QUEUE_WAITING, "the younger one is at work");
	lose_runner(s);
	cr_expect_eq(suite_run_state(s, old.text), QUEUE_DUE);
	cr_expect_eq(suite_run_state(s, young.text), QUEUE_WAITING);
	suite_forget_runs(s);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	cr_assert_str_eq(s->runs[0].id.text, old.text);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	cr_assert_str_eq(s->runs[0].id.text, young.text);
	suite_check_counts(s);
}

QUEUE_CASE(adopting_makes_due_what_was_running_and_uses_up_nothing)
{
	size_t n = 9;
	suite_event(s, "rule", "a", 1);
	suite_event(s, "rule", "a", 1);
	suite_event(s, "rule", "b", 0);
	int64_t seq = s->runs[0].seq, epoch = s->runs[0].epoch;
	if (suite_shared(s)) { /* what is ours is not lost as long as we live */
		suite_ok(s, queue_adopt(s->runner, &n, &s->err));
		cr_assert_eq(n, 0u);
		suite_commit(s);
		queue_close(s->runner);
		suite_ok(s, queue_open(s->store, QUEUE_RUNNER, &s->runner, &s->err));
	}
	suite_ok(s, queue_adopt(s->runner, &n, &s->err));
	cr_assert_eq(n, 1u);
	cr_assert_eq(suite_claim(s, 0, 8), 2u);
	cr_assert_eq(s->runs[0].seq, seq);
	cr_assert_eq(s->runs[0].epoch, epoch + 1);
	cr_assert_eq(s->runs[0].attempt, 1);
	cr_assert_eq(s->runs[0].deaths, 0);
	suite_check_counts(s);
}

/* --- ends
 * ------------------------------------------------------------------------------------------ */

QUEUE_CASE(an_event_ends_with_its_last_run_and_the_worst_wins)
{
	static const enum queue_state ends[][3] = {
		{QUEUE_DONE, QUEUE_SKIPPED, QUEUE_DONE},
		{QUEUE_SKIPPED, QUEUE_SKIPPED, QUEUE_SKIPPED},
		{QUEUE_DONE, QUEUE_DEAD, QUEUE_DEAD},
		{QUEUE_SKIPPED, QUEUE_QUARANTINED, QUEUE_QUARANTINED},
		{QUEUE_QUARANTINED, QUEUE_DEAD, QUEUE_QUARANTINED},
	};
	for (size_t i = 0; i < ARRAY_N(ends); i++) {
		suite_put(s, NULL, "{}");
		route_digest(s, i, 2);
		cr_assert_eq(suite_claim(s, 0, 2), 2u);
		suite_finish(s, &s->runs[0], ends[i][0]);
		cr_assert_eq(suite_event_state(s, i), QUEUE_DUE);
		suite_finish(s, &s->runs[1], ends[i][1]);
		cr_assert_eq(suite_event_state(s, i), ends[i][2], "case %zu", i);
	}
	suite_check_counts(s);
}

QUEUE_CASE(only_legal_moves_are_made)
{
	struct queue_outcome o = {.state = QUEUE_DUPLICATE};
	suite_event(s, "rule", "a", 1);
	cr_assert_eq(queue_finish(s->runner, s->runs[0].seq, 1, &o, &s->err), RC_INVALID);
	cr_assert_str_eq(s->err.msg, "a run cannot go from running to duplicate");
	cr_assert_eq(suite_run_state(s, s->runs[0].id.text), QUEUE_RUNNING);
}

struct seen_run {
	struct queue_run_row row;
	char error[32], code[16], detail[32], log[32];
};

static enum rc take_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct seen_run *seen = ctx;
	(void)err;
	seen->row = *row;
	snprintf(seen->error, sizeof(seen->error), "%s", row->error);
	snprintf(seen->code, sizeof(seen->code), "%s", row->error_code);
	snprintf(seen->detail, sizeof(seen->detail), "%s", row->detail);
	snprintf(seen->log, sizeof(seen->log), "%s", row->log);
	return RC_OK;
}

QUEUE_CASE(an_outcome_is_kept_whole)
{
	struct queue_outcome o = {
		.state = QUEUE_DEAD,
		.code = RC_REJECTED,
		.error = "refused",
		.detail = "by Twenty",
		.log = "line\n",
		.api_calls = 3,
		.started_ms = 100,
		.ended_ms = 200,
	};
	struct seen_run seen;
	suite_event(s, "rule", "a", 1);
	suite_release(s, &s->runs[0], 1, true);
	suite_claim(s, SUITE_NOW_MS, 1);
	suite_ok(s, queue_finish(s->runner, s->runs[0].seq, 2, &o, &s->err));
	suite_ok(s, queue_run_get(s->runner, s->runs[0].id.text, take_run, &seen, &s->err));
	cr_assert_eq(seen.row.state, QUEUE_DEAD);
	cr_assert_str_eq(seen.error, "refused");
	cr_assert_str_eq(seen.code, "rejected");
	cr_assert_str_eq(seen.detail, "by Twenty");
	cr_assert_str_eq(seen.log, "line\n");
	cr_assert_eq(seen.row.api_calls, 3);
	cr_assert_eq(seen.row.attempt, 2);
	cr_assert_eq(seen.row.started_ms, SUITE_NOW_MS);
	cr_assert_eq(seen.row.ended_ms, 200);
	cr_assert_eq(seen.row.due_ms, 0);
}

/* --- retry
 * ----------------------------------------------------------------------------------------- */

QUEUE_CASE(a_retried_run_starts_over_and_its_event_with_it)
{
	suite_event(s, "rule", "a", 1);
	struct id id = s->runs[0].id;
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	cr_assert_eq(suite_event_state(s, 0), QUEUE_DEAD);
	suite_ok(s, queue_retry(s->runner, id.text, &s->err));
	cr_assert_eq(suite_run_state(s, id.text), QUEUE_DUE);
	cr_assert_eq(suite_event_state(s, 0), QUEUE_DUE);
	suite_check_counts(s);
	cr_assert_eq(suite_claim(s, 0, 1), 1u);
	cr_assert_eq(s->runs[0].attempt, 1);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_event_state(s, 0), QUEUE_DONE);
	suite_check_counts(s);
}

QUEUE_CASE(retry_refuses_what_is_not_dead)
{
	suite_event(s, "rule", "a", 1);
	cr_assert_eq(queue_retry(s->runner, s->runs[0].id.text, &s->err), RC_INVALID);
	cr_assert_not_null(strstr(s->err.msg, "is running"), "%s", s->err.msg);
	cr_assert_eq(queue_retry(s->runner, "zzzz", &s->err), RC_NOT_FOUND);
}

QUEUE_CASE(a_retried_run_waits_for_a_younger_one_of_its_key_that_is_at_work)
{
	suite_event(s, "rule", "a", 1);
	struct id old = s->runs[0].id;
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suite_event(s, "rule", "a", 1);
	cr_assert_eq(s->runs_n, 2u);
	suite_ok(s, queue_retry(s->runner, old.text, &s->err));
	cr_assert_eq(suite_run_state(s, old.text), QUEUE_WAITING);
	struct queue_run *young = &s->runs[1];
	suite_finish(s, young, QUEUE_DONE);
	cr_assert_eq(suite_run_state(s, old.text), QUEUE_DUE);
	suite_check_counts(s);
}

QUEUE_CASE(a_retried_run_goes_before_younger_ones_of_its_key)
{
	suite_event(s, "rule", "a", 1);
	struct id old = s->runs[0].id;
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suite_event(s, "rule", "a", 0);
	suite_ok(s, queue_retry(s->runner, old.text, &s->err));
	cr_assert_eq(suite_claim(s, 0, 8), 1u);
	cr_assert_str_eq(s->runs[0].id.text, old.text);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, 0, 8), 1u);
	suite_check_counts(s);
}

QUEUE_CASE(a_younger_run_released_while_an_older_came_back_steps_behind_it)
{
	struct queue_outcome o = {.state = QUEUE_DUE};
	suite_event(s, "rule", "a", 1);
	struct id old = s->runs[0].id;
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suite_event(s, "rule", "a", 1);
	struct queue_run *young = &s->runs[1];
	suite_ok(s, queue_retry(s->runner, old.text, &s->err));
	suite_ok(s, queue_finish(s->runner, young->seq, young->epoch, &o, &s->err));
	struct id young_id = young->id;
	cr_assert_eq(suite_claim(s, 0, 8), 1u);
	cr_assert_str_eq(s->runs[0].id.text, old.text);
	cr_assert_eq(suite_run_state(s, young_id.text), QUEUE_WAITING);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, 0, 8), 1u);
	cr_assert_str_eq(s->runs[0].id.text, young_id.text);
	suite_check_counts(s);
}

QUEUE_CASE(a_timed_run_whose_time_comes_behind_a_retried_one_waits_for_it)
{
	suite_event(s, "rule", "a", 1);
	struct id old = s->runs[0].id;
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suite_event(s, "rule", "a", 1);
	suite_release(s, &s->runs[1], SUITE_NOW_MS + 5, true);
	suite_ok(s, queue_retry(s->runner, old.text, &s->err));
	cr_assert_eq(suite_run_state(s, old.text), QUEUE_DUE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS + 9, 8), 1u);
	cr_assert_str_eq(s->runs[0].id.text, old.text);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS + 9, 8), 1u);
	suite_check_counts(s);
}
