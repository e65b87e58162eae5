/* SPDX-License-Identifier: MIT */
/* Which calls of a run are answered from the journal, which are done, and which stop it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "runner/journal.h"

static struct journal journal;

static void done(void)
{
	journal_done(&journal);
}

TestSuite(runner_journal, .fini = done);

static const uint8_t *sum(uint8_t tag)
{
	static uint8_t sums[8][DIGEST_N];
	memset(sums[tag], tag, DIGEST_N);
	return sums[tag];
}

static struct queue_call stored(
	const char *path, bool effect, uint8_t tag, const char *answer, enum rc code)
{
	struct queue_call c = {
		.path = path,
		.method = effect ? "update" : "get",
		.object = "people",
		.effect = effect,
		.answer = slice_of(answer),
		.code = code,
	};
	memcpy(c.digest, sum(tag), DIGEST_N);
	return c;
}

static enum journal_verdict ask(const char *path, uint8_t tag, uint32_t generation)
{
	size_t i = 0;
	return journal_ask(&journal, path, sum(tag), generation, &i);
}

static size_t add(const char *path, bool effect, uint8_t tag, uint32_t generation)
{
	struct journal_call call = {
		path, effect ? "update" : "get", "people", sum(tag), effect, generation};
	size_t i = 99;
	cr_assert_eq(journal_add(&journal, &call, &i), RC_OK);
	return i;
}

Test(runner_journal, a_retry_replays_up_to_its_last_effect_and_goes_live_behind_it)
{
	struct queue_call calls[] = {stored("1", false, 1, "{\"a\":1}", RC_OK),
		stored("2", true, 2, "{}", RC_OK), stored("3", false, 3, "{}", RC_OK)};
	cr_assert_eq(journal_load(&journal, calls, 3), RC_OK);
	cr_assert_eq(journal.n, 2);
	cr_assert(journal_effect(&journal));
	cr_assert_eq(ask("1", 1, 1), JOURNAL_REPLAY);
	cr_assert_str_eq(journal.entries[0].answer, "{\"a\":1}");
	cr_assert_eq(ask("2", 2, 1), JOURNAL_REPLAY);
	cr_assert_eq(ask("3", 3, 1), JOURNAL_NEW);
}

Test(runner_journal, a_run_without_effect_starts_from_scratch)
{
	struct queue_call calls[] = {stored("1", false, 1, "{}", RC_OK),
		stored("2", true, 2, "{\"code\":\"rejected\"}", RC_REJECTED)};
	cr_assert_eq(journal_load(&journal, calls, 2), RC_OK);
	cr_assert_eq(journal.n, 0);
	cr_assert_not(journal_effect(&journal));
	cr_assert_eq(ask("1", 1, 1), JOURNAL_NEW);
}

Test(runner_journal, a_failed_effect_is_tried_again_but_those_before_it_are_not)
{
	struct queue_call calls[] = {stored("1", true, 1, "{}", RC_OK),
		stored("2", true, 2, "{\"code\":\"upstream\"}", RC_UPSTREAM)};
	cr_assert_eq(journal_load(&journal, calls, 2), RC_OK);
	cr_assert_eq(ask("1", 1, 1), JOURNAL_REPLAY);
	cr_assert_eq(ask("2", 2, 1), JOURNAL_NEW);
}

Test(runner_journal, a_failure_that_the_rule_went_on_from_is_replayed)
{
	struct queue_call calls[] = {stored("1", true, 1, "{\"code\":\"duplicate\"}", RC_DUPLICATE),
		stored("2", true, 2, "{}", RC_OK)};
	cr_assert_eq(journal_load(&journal, calls, 2), RC_OK);
	cr_assert_eq(ask("1", 1, 1), JOURNAL_REPLAY);
	cr_assert_eq(journal.entries[0].code, RC_DUPLICATE);
	cr_assert_eq(ask("2", 2, 1), JOURNAL_REPLAY);
}

Test(runner_journal, an_intent_without_answer_is_executed_again)
{
	struct queue_call calls[] = {
		stored("1", false, 1, "{}", RC_OK), stored("2", true, 2, NULL, RC_OK)};
	cr_assert_eq(journal_load(&journal, calls, 2), RC_OK);
	cr_assert(journal_effect(&journal));
	cr_assert_eq(ask("1", 1, 1), JOURNAL_REPLAY);
	cr_assert_eq(ask("2", 2, 1), JOURNAL_AGAIN);
}

Test(runner_journal, an_effect_nobody_knows_about_is_executed_again_at_its_place)
{
	struct queue_call calls[] = {stored("1", false, 1, "{}", RC_OK),
		stored("2", true, 2, "{\"code\":\"timeout\",\"unknown\":true}", RC_TIMEOUT)};
	cr_assert_eq(journal_load(&journal, calls, 2), RC_OK);
	cr_assert_eq(ask("1", 1, 1), JOURNAL_REPLAY);
	cr_assert_eq(ask("2", 2, 1), JOURNAL_AGAIN);
}

Test(runner_journal, another_call_at_the_same_place_stops_the_run)
{
	struct queue_call calls[] = {stored("1", true, 1, "{}", RC_OK)};
	cr_assert_eq(journal_load(&journal, calls, 1), RC_OK);
	cr_assert_eq(ask("1", 5, 1), JOURNAL_DIFFERS);
}

Test(runner_journal, the_same_call_twice_betrays_a_broken_worker)
{
	size_t i = add("1", false, 1, 7);
	cr_assert_eq(ask("1", 1, 7), JOURNAL_TWICE);
	cr_assert_eq(journal_answer(&journal, i, RC_OK, false, slice_of("1")), RC_OK);
	cr_assert_eq(ask("1", 1, 7), JOURNAL_TWICE);
}

Test(runner_journal, in_another_worker_everything_recorded_counts)
{
	size_t a = add("1", false, 1, 1), b = add("2", true, 2, 1);
	cr_assert_eq(journal_answer(&journal, a, RC_OK, false, slice_of("\"one\"")), RC_OK);
	journal_rewind(&journal);
	cr_assert_eq(ask("1", 1, 2), JOURNAL_REPLAY);
	cr_assert_eq(ask("2", 2, 2), JOURNAL_WAIT, "its answer is on the way");
	cr_assert_eq(journal_answer(&journal, b, RC_OK, false, slice_of("2")), RC_OK);
	journal_rewind(&journal);
	cr_assert_eq(ask("1", 1, 3), JOURNAL_REPLAY);
	cr_assert_eq(ask("2", 2, 3), JOURNAL_REPLAY);
}

Test(runner_journal, an_effect_under_way_counts_as_one)
{
	add("1", false, 1, 1);
	cr_assert_not(journal_effect(&journal));
	size_t i = add("2", true, 2, 1);
	cr_assert(journal_effect(&journal));
	cr_assert_eq(journal_answer(&journal, i, RC_REJECTED, false, slice_of("{}")), RC_OK);
	cr_assert_not(journal_effect(&journal), "it was refused, so nothing happened");
}

Test(runner_journal, a_thousand_calls_keep_their_places)
{
	char path[16];
	for (int i = 1; i <= 1000; i++) {
		snprintf(path, sizeof(path), "%d", i);
		cr_assert_eq(ask(path, 1, 1), JOURNAL_NEW);
		size_t at = add(path, false, 1, 1);
		cr_assert_eq(journal_answer(&journal, at, RC_OK, false, slice_of("1")), RC_OK);
	}
	journal_rewind(&journal);
	for (int i = 1; i <= 1000; i++) {
		snprintf(path, sizeof(path), "%d", i);
		cr_assert_eq(ask(path, 1, 2), JOURNAL_REPLAY);
	}
}

Test(runner_journal, an_effect_that_is_not_asked_for_again_is_missed)
{
	struct queue_call calls[] = {stored("1", false, 1, "{}", RC_OK),
		stored("2", true, 2, "{}", RC_OK), stored("3.1.1", true, 3, NULL, RC_OK)};
	cr_assert_eq(journal_load(&journal, calls, 3), RC_OK);
	cr_assert_eq(ask("1", 1, 1), JOURNAL_REPLAY);
	cr_assert_str_eq(journal_missed(&journal, 1, JOURNAL_ALL)->path, "2");
	cr_assert_eq(ask("2", 2, 1), JOURNAL_REPLAY);
	cr_assert_str_eq(journal_missed(&journal, 1, JOURNAL_ALL)->path, "3.1.1");
	cr_assert_null(journal_missed(&journal, 1, JOURNAL_OUTSIDE_BRANCHES));
	cr_assert_eq(ask("3.1.1", 3, 1), JOURNAL_AGAIN);
	cr_assert_null(journal_missed(&journal, 1, JOURNAL_ALL));
	journal_rewind(&journal);
	cr_assert_str_eq(journal_missed(&journal, 2, JOURNAL_ALL)->path, "2", "the next holder");
}

Test(runner_journal, what_may_have_been_done_before_is_known_with_its_time)
{
	struct queue_call calls[] = {
		stored("1", true, 1, "{}", RC_OK), stored("2", true, 2, NULL, RC_OK)};
	calls[1].started_ms = 4711;
	cr_assert_eq(journal_load(&journal, calls, 2), RC_OK);
	cr_assert_eq(journal.entries[0].since_ms, 0);
	cr_assert_eq(journal.entries[1].since_ms, 4711);
	cr_assert_eq(journal.entries[add("3", true, 3, 1)].since_ms, 0);
}

Test(runner_journal, the_time_of_calls_never_goes_back_and_is_later_in_every_attempt)
{
	struct queue_call calls[] = {stored("1", true, 1, "{}", RC_OK)};
	calls[0].started_ms = 1000;
	calls[0].ended_ms = 2000;
	cr_assert_eq(journal_load(&journal, calls, 1), RC_OK);
	cr_assert_eq(journal_time(&journal, 500), 2001, "the clock was set back meanwhile");
	cr_assert_eq(journal_time(&journal, 3000), 3000);
	cr_assert_eq(journal_time(&journal, 2500), 3000);
}
