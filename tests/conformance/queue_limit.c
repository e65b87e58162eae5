/* SPDX-License-Identifier: MIT */
/* Rules of which so many runs are at work at once. */
#include "queue/limit.h"

#include "queue/pause.h"
#include "queue/rename.h"
#include "tests/conformance/queue_suite.h"

static void limit(struct suite *s, const char *rule, int max)
{
	struct queue_limit one = {rule, max};
	suite_ok(s, queue_limits_put(s->runner, &one, max > 0, &s->err));
}

static void events(struct suite *s, const char *rule, int n)
{
	for (int i = 0; i < n; i++) {
		char key[32];
		snprintf(key, sizeof(key), "%s %d", rule, i);
		suite_event(s, rule, key, 0);
	}
}

/* Claims all that may be, keeps them at work behind the others; how many came. */
static size_t claim_more(struct suite *s)
{
	size_t n = 0;
	suite_ok(s, queue_claim(s->runner, SUITE_NOW_MS, 64, &s->runs[s->runs_n], &n, &s->err));
	s->runs_n += n;
	return n;
}

QUEUE_CASE(no_more_than_the_limit_are_claimed_and_others_go_on)
{
	limit(s, "a", 2);
	events(s, "a", 5);
	events(s, "b", 3);
	cr_assert_eq(claim_more(s), 5u, "two of a, three of b");
	cr_assert_eq(claim_more(s), 0u);
	suite_check_counts(s);
	for (size_t i = 0, a = 0; i < 5; i++) {
		a += strcmp(s->runs[i].rule, "a") == 0;
		cr_assert_leq(a, 2u);
	}
}

QUEUE_CASE(without_a_limit_all_are_claimed)
{
	events(s, "a", 5);
	cr_assert_eq(claim_more(s), 5u);
}

QUEUE_CASE(one_that_ends_makes_room_for_the_next_in_order)
{
	int64_t last = 0;
	limit(s, "a", 1);
	events(s, "a", 4);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
		cr_assert_gt(s->runs[0].seq, last);
		last = s->runs[0].seq;
		suite_finish(s, &s->runs[0], QUEUE_DONE);
	}
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 0u);
	suite_check_counts(s);
}

QUEUE_CASE(it_holds_for_runs_that_are_claimed_at_birth)
{
	limit(s, "a", 2);
	for (int i = 0; i < 4; i++) {
		char key[16];
		snprintf(key, sizeof(key), "%d", i);
		cr_assert_eq(suite_event(s, "a", key, 8), i < 2 ? 1u : 0u);
	}
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_event(s, "a", "late", 8), 0u, "it lines up behind what waits");
	cr_assert_eq(claim_more(s), 1u);
	cr_assert_str_eq(s->runs[2].key, "2");
	suite_check_counts(s);
}

QUEUE_CASE(what_waits_for_room_holds_up_no_other_rule_of_its_record)
{
	limit(s, "a", 1);
	suite_event(s, "a", "one", 8);
	suite_event(s, "a", "two", 8);
	cr_assert_eq(suite_event(s, "b", "two", 8), 1u);
	cr_assert_str_eq(s->runs[1].rule, "b");
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(claim_more(s), 0u, "runs of a record never overlap all the same");
	suite_finish(s, &s->runs[1], QUEUE_DONE);
	cr_assert_eq(claim_more(s), 1u);
	suite_check_counts(s);
}

QUEUE_CASE(runs_of_a_record_keep_their_order_while_they_wait_for_room)
{
	limit(s, "a", 1);
	suite_event(s, "a", "busy", 8);
	for (int i = 0; i < 3; i++)
		suite_event(s, "a", "record", 0);
	cr_assert_eq(claim_more(s), 0u);
	int64_t last = 0;
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
		cr_assert_gt(s->runs[0].seq, last);
		last = s->runs[0].seq;
		suite_finish(s, &s->runs[0], QUEUE_DONE);
	}
}

QUEUE_CASE(a_run_that_waits_for_its_record_leaves_its_room_to_the_next)
{
	limit(s, "a", 1);
	suite_event(s, "a", "busy", 8);
	suite_event(s, "b", "record", 8);
	suite_event(s, "a", "record", 8);
	suite_event(s, "a", "free", 8);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(claim_more(s), 1u);
	cr_assert_str_eq(s->runs[2].key, "free");
}

QUEUE_CASE(a_released_run_gives_its_room_up)
{
	limit(s, "a", 1);
	events(s, "a", 2);
	cr_assert_eq(claim_more(s), 1u);
	suite_release(s, &s->runs[0], SUITE_NOW_MS + 1000, true);
	cr_assert_eq(claim_more(s), 1u);
	cr_assert_str_eq(s->runs[1].key, "a 1");
}

QUEUE_CASE(a_limit_that_is_set_counts_what_is_at_work_and_one_that_goes_frees_all)
{
	events(s, "a", 5);
	suite_ok(s, queue_claim(s->runner, SUITE_NOW_MS, 3, s->runs, &s->runs_n, &s->err));
	cr_assert_eq(s->runs_n, 3u);
	limit(s, "a", 2);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(claim_more(s), 0u);
	suite_finish(s, &s->runs[1], QUEUE_DONE);
	cr_assert_eq(claim_more(s), 1u);
	limit(s, "a", 0);
	cr_assert_eq(claim_more(s), 1u);
	suite_check_counts(s);
}

QUEUE_CASE(a_paused_rule_comes_back_within_its_limit)
{
	size_t n = 0;
	struct queue_pause pause = {.rule = "a", .why = "by hand", .since_ms = SUITE_NOW_MS};
	limit(s, "a", 2);
	events(s, "a", 5);
	cr_assert_eq(claim_more(s), 2u);
	suite_ok(s, queue_pause(s->runner, &pause, &n, &s->err));
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(claim_more(s), 0u);
	suite_ok(s, queue_resume(s->runner, "a", &n, &s->err));
	bool more = true;
	for (int i = 0; more && i < 100; i++)
		suite_ok(s, queue_pause_step(s->runner, 10, &more, &s->err));
	cr_assert_eq(claim_more(s), 1u);
	suite_finish(s, &s->runs[1], QUEUE_DONE);
	suite_finish(s, &s->runs[2], QUEUE_DONE);
	cr_assert_eq(claim_more(s), 2u);
	suite_check_counts(s);
}

QUEUE_CASE(a_long_line_does_not_stand_before_others)
{
	limit(s, "a", 1);
	for (int i = 0; i < 300; i++) {
		char key[16];
		snprintf(key, sizeof(key), "%d", i);
		suite_event(s, "a", key, 0);
	}
	events(s, "b", 3);
	size_t n = 0;
	for (int i = 0; i < 3; i++) {
		size_t got = 0;
		suite_ok(s, queue_claim(s->runner, SUITE_NOW_MS, 4, &s->runs[s->runs_n], &got,
				    &s->err));
		s->runs_n += got;
		n += got;
	}
	cr_assert_eq(n, 4u, "one of a, three of b");
}

static void reopen(struct suite *s)
{
	size_t n;
	suite_commit(s);
	suite_forget_runs(s);
	queue_close(s->runner);
	suite_ok(s, queue_open(s->store, QUEUE_RUNNER, &s->runner, &s->err));
	suite_ok(s, queue_adopt(s->runner, &n, &s->err));
}

QUEUE_CASE(what_waited_for_room_when_the_runner_went_is_found_again)
{
	if (s->folder[0] == '\0')
		return; /* what is in memory goes with its handles */
	limit(s, "a", 1);
	events(s, "a", 3);
	cr_assert_eq(claim_more(s), 1u);
	reopen(s);
	limit(s, "a", 1);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u, "%d", i);
		suite_finish(s, &s->runs[0], QUEUE_DONE);
	}
	suite_check_counts(s);
}

QUEUE_CASE(what_waited_for_room_comes_back_where_its_limit_is_gone_after_a_restart)
{
	if (s->folder[0] == '\0')
		return; /* what is in memory goes with its handles */
	limit(s, "a", 1);
	events(s, "a", 3);
	cr_assert_eq(claim_more(s), 1u);
	reopen(s);
	limit(s, "a", 0);
	cr_assert_eq(claim_more(s), 3u);
	suite_check_counts(s);
}

QUEUE_CASE(what_waited_for_room_comes_back_under_a_name_that_has_no_limit)
{
	bool moved = false;
	limit(s, "a", 1);
	events(s, "a", 3);
	cr_assert_eq(claim_more(s), 1u);
	suite_ok(s, queue_rename(s->runner, "a", "b", &moved, &s->err));
	limit(s, "b", 0);
	cr_assert_eq(claim_more(s), 2u);
	suite_check_counts(s);
}
