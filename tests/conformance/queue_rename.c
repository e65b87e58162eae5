/* SPDX-License-Identifier: MIT */
/* Rules that have got another name: what they had goes with them, once. */
#include "queue/rename.h"

#include "queue/kv.h"
#include "queue/ledger.h"
#include "queue/pause.h"
#include "queue/spend.h"
#include "queue/timer.h"
#include "tests/conformance/queue_suite.h"

static bool renamed(struct suite *s, const char *from, const char *to)
{
	bool moved = false;
	suite_ok(s, queue_rename(s->runner, from, to, &moved, &s->err));
	return moved;
}

static enum rc count(void *ctx, const struct queue_run_row *row, struct err *err)
{
	(void)row;
	(void)err;
	++*(int *)ctx;
	return RC_OK;
}

static int runs_of(struct suite *s, const char *rule)
{
	int n = 0;
	struct queue_filter filter = {.rule = rule};
	suite_ok(s, queue_run_each(s->runner, &filter, count, &n, &s->err));
	return n;
}

QUEUE_CASE(runs_go_by_the_new_name_and_remember_the_one_they_were_born_under)
{
	cr_assert_eq(suite_event(s, "old", "a", 1), 1u);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_event(s, "old", "b", 0);
	suite_event(s, "other", "c", 0);
	cr_expect(renamed(s, "old", "new"));
	cr_expect_eq(runs_of(s, "new"), 2);
	cr_expect_eq(runs_of(s, "old"), 0);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 5), 2u);
	cr_expect_str_eq(s->runs[0].rule, "new");
	cr_assert_not_null(s->runs[0].born);
	cr_expect_str_eq(s->runs[0].born, "old");
	cr_expect_str_eq(s->runs[1].rule, "other");
	cr_expect_null(s->runs[1].born);
}

QUEUE_CASE(a_run_that_is_renamed_twice_remembers_its_first_name)
{
	suite_event(s, "one", "a", 0);
	cr_expect(renamed(s, "one", "two"));
	cr_expect(renamed(s, "two", "three"));
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 5), 1u);
	cr_expect_str_eq(s->runs[0].rule, "three");
	cr_expect_str_eq(s->runs[0].born, "one");
}

QUEUE_CASE(a_rule_is_renamed_once_until_it_is_renamed_back)
{
	suite_event(s, "old", "a", 0);
	cr_expect(renamed(s, "old", "new"));
	suite_event(s, "old", "b", 0);
	cr_expect_not(renamed(s, "old", "new"));
	cr_expect_eq(runs_of(s, "old"), 1, "it belongs to a rule of that name");
	cr_expect(renamed(s, "new", "old"));
	cr_expect_eq(runs_of(s, "old"), 2);
	cr_expect(renamed(s, "old", "new"));
	cr_expect_eq(runs_of(s, "new"), 2);
}

static enum rc find_pause(void *ctx, const struct queue_pause *pause, struct err *err)
{
	char *text = ctx;
	size_t n = strlen(text);
	(void)err;
	snprintf(text + n, 200 - n, "%s: %s%s;", pause->rule, pause->why,
		pause->ending ? " (ending)" : "");
	return RC_OK;
}

QUEUE_CASE(a_pause_goes_with_its_runs)
{
	char text[200] = "";
	size_t n = 0;
	struct queue_pause pause = {.rule = "old", .why = "by hand", .since_ms = 5};
	suite_event(s, "old", "a", 0);
	suite_ok(s, queue_pause(s->runner, &pause, &n, &s->err));
	cr_expect_eq(n, 1u);
	cr_expect(renamed(s, "old", "new"));
	cr_expect(queue_paused(s->runner, "new"));
	cr_expect_not(queue_paused(s->runner, "old"));
	suite_ok(s, queue_pause_each(s->runner, find_pause, text, &s->err));
	cr_expect_str_eq(text, "new: by hand;");
	cr_expect_eq(suite_claim(s, SUITE_NOW_MS, 5), 0u);
	suite_ok(s, queue_resume(s->runner, "new", &n, &s->err));
	cr_expect_eq(n, 1u);
	cr_expect_eq(suite_claim(s, SUITE_NOW_MS, 5), 1u);
}

static enum rc find_issue(void *ctx, const struct queue_issue *issue, struct err *err)
{
	char *text = ctx;
	size_t n = strlen(text);
	(void)err;
	snprintf(text + n, 400 - n, "%s %s;", issue->kind, issue->about);
	return RC_OK;
}

QUEUE_CASE(issues_of_the_rule_go_with_it_and_no_others)
{
	static const char *const abouts[][2] = {
		{"dead", "old: rule"}, {"loop", "old"}, {"dead", "older: rule"}, {"gap", "old"}};
	char text[400] = "";
	for (size_t i = 0; i < 4; i++) {
		struct queue_issue issue = {.kind = abouts[i][0],
			.about = abouts[i][1],
			.text = "x",
			.event = "",
			.count = 1,
			.last_ms = SUITE_NOW_MS - (int64_t)i};
		suite_ok(s, queue_issue_put(s->runner, &issue, &s->err));
	}
	cr_expect(renamed(s, "old", "new"));
	suite_ok(s, queue_issue_each(s->runner, find_issue, text, &s->err));
	cr_expect_str_eq(text, "dead new: rule;loop new;dead older: rule;gap old;");
}

QUEUE_CASE(what_it_kept_and_armed_goes_with_it)
{
	struct buf out;
	int64_t until = 0, n = 0, next = 0;
	struct queue_kv kv = {.scope = "old", .key = "k", .value = slice_of("7")};
	struct queue_kv_sum most = {100, 100000};
	buf_init(&out, 100);
	cr_assert_eq(suite_event(s, "old", "a", 1), 1u);
	suite_ok(s, queue_kv_put(s->runner, &kv, SUITE_NOW_MS, &most, &s->err));
	struct queue_timer timer = {.rule = "old",
		.key = "k",
		.due_ms = SUITE_NOW_MS + 5,
		.payload = slice_of("1"),
		.object = "",
		.record = ""};
	suite_ok(s,
		queue_timer_put(s->runner, s->runs[0].seq, s->runs[0].epoch, &timer, 10, &s->err));
	cr_expect(renamed(s, "old", "new"));
	suite_ok(s, queue_kv_find(s->runner, "new", "k", SUITE_NOW_MS, &out, &until, &s->err));
	cr_expect_str_eq(out.p, "7");
	suite_ok(s, queue_timer_count(s->runner, "new", &n, &next, &s->err));
	cr_expect_eq(n, 1);
	buf_done(&out);
}

static enum rc add_spend(void *ctx, int64_t slot_ms, int64_t n, struct err *err)
{
	char *text = ctx;
	size_t at = strlen(text);
	(void)err;
	snprintf(text + at, 200 - at, "%lld:%lld;", (long long)slot_ms, (long long)n);
	return RC_OK;
}

QUEUE_CASE(how_much_it_wrote_counts_under_its_new_name)
{
	char text[200] = "", old[200] = "", other[200] = "";
	suite_ok(s, queue_spend_add(s->runner, "old", 1000, 3, &s->err));
	suite_ok(s, queue_spend_add(s->runner, "old", 2000, 5, &s->err));
	suite_ok(s, queue_spend_add(s->runner, "new", 2000, 70, &s->err));
	suite_ok(s, queue_spend_add(s->runner, "older", 2000, 9, &s->err));
	cr_expect(renamed(s, "old", "new"));
	suite_ok(s, queue_spend_each(s->runner, "new", 0, add_spend, text, &s->err));
	cr_expect_str_eq(text, "1000:3;2000:75;");
	suite_ok(s, queue_spend_each(s->runner, "old", 0, add_spend, old, &s->err));
	cr_expect_str_empty(old);
	suite_ok(s, queue_spend_each(s->runner, "older", 0, add_spend, other, &s->err));
	cr_expect_str_eq(other, "2000:9;");
}

QUEUE_CASE(a_name_is_not_renamed_to_itself_or_to_nothing)
{
	bool moved;
	cr_expect_eq(queue_rename(s->runner, "a", "a", &moved, &s->err), RC_INVALID);
	cr_expect_eq(queue_rename(s->runner, "", "a", &moved, &s->err), RC_INVALID);
	cr_expect_eq(queue_rename(s->runner, "a", "", &moved, &s->err), RC_INVALID);
	cr_expect_eq(queue_rename(s->receiver, "a", "b", &moved, &s->err), RC_DENIED);
}
