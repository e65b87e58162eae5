/* SPDX-License-Identifier: MIT */
/* Timers: one of a rule and a key, due in order, taken once; and the ticks of rules by the clock.
 */
#include "queue/timer.h"

#include "queue/erase.h"
#include "tests/conformance/queue_suite.h"

#define NOW SUITE_NOW_MS
#define MOST 100

/* The first claimed run arms one. */
static enum rc put_from(struct suite *s, const struct queue_run *run, const char *rule,
	const char *key, int64_t due_ms, const char *payload, int64_t most)
{
	struct queue_timer timer = {
		.rule = rule,
		.key = key,
		.due_ms = due_ms,
		.relative = due_ms % 2 == 0,
		.payload = slice_of(payload),
		.object = "opportunity",
		.record = "r1",
		.depth = 3,
	};
	return queue_timer_put(s->runner, run->seq, run->epoch, &timer, most, &s->err);
}

/* A run that is at work. */
static const struct queue_run *work(struct suite *s)
{
	if (s->runs_n == 0)
		cr_assert_eq(suite_event(s, "arms", NULL, 1), 1u);
	return &s->runs[0];
}

static void arm(struct suite *s, const char *rule, const char *key, int64_t due_ms)
{
	suite_ok(s, put_from(s, work(s), rule, key, due_ms, "{\"n\":1}", MOST));
}

static enum rc add(void *ctx, const struct queue_timer *t, struct err *err)
{
	char *text = ctx;
	size_t n = strlen(text);
	(void)err;
	snprintf(text + n, 512 - n, "%s%s/%s +%lld", n != 0 ? ", " : "", t->rule, t->key,
		(long long)(t->due_ms - NOW));
	return RC_OK;
}

/* STATIC. */
static const char *all(struct suite *s, struct queue *q, const char *rule)
{
	static char text[512];
	text[0] = '\0';
	suite_ok(s, queue_timer_each(q, rule, 0, add, text, &s->err));
	return text;
}

static const char *due(struct suite *s, int64_t now_ms, size_t max)
{
	static char text[512];
	text[0] = '\0';
	suite_ok(s, queue_timer_due(s->runner, now_ms, max, add, text, &s->err));
	return text;
}

static int64_t next(struct suite *s)
{
	int64_t ms = -1;
	suite_ok(s, queue_timer_next(s->runner, &ms, &s->err));
	return ms;
}

static enum rc look(void *ctx, const struct queue_timer *t, struct err *err)
{
	char *text = ctx;
	(void)err;
	snprintf(text, 512, "%s %s %s %.*s %s %d %d", t->object, t->record, t->rule_from,
		(int)t->payload.n, t->payload.p, t->relative ? "relative" : "fixed", t->depth,
		t->run > 0);
	return RC_OK;
}

QUEUE_CASE(a_timer_is_kept_with_all_that_it_was_armed_with)
{
	char text[512] = "";
	cr_expect_eq(next(s), INT64_MAX);
	arm(s, "a", "k", NOW + 10);
	suite_ok(s, queue_timer_due(s->runner, NOW + 10, 9, look, text, &s->err));
	cr_expect_str_eq(text, "opportunity r1 arms {\"n\":1} relative 3 1");
	suite_commit(s);
	cr_expect_str_eq(all(s, s->receiver, NULL), "a/k +10", "any side reads");
	cr_expect_eq(next(s), NOW + 10);
}

QUEUE_CASE(timers_are_due_in_the_order_of_their_times_a_bounded_number_at_once)
{
	arm(s, "a", "1", NOW + 30);
	arm(s, "b", "1", NOW + 10);
	arm(s, "a", "2", NOW + 20);
	arm(s, "b", "2", NOW + 20);
	cr_expect_str_eq(due(s, NOW + 9, 9), "");
	cr_expect_str_eq(due(s, NOW + 20, 9), "b/1 +10, a/2 +20, b/2 +20");
	cr_expect_str_eq(due(s, NOW + 20, 2), "b/1 +10, a/2 +20");
	cr_expect_str_eq(all(s, s->runner, "a"), "a/2 +20, a/1 +30");
}

QUEUE_CASE(armed_again_it_takes_the_place_of_the_one_before_under_a_new_number)
{
	bool was = true;
	arm(s, "a", "k", NOW + 10);
	arm(s, "a", "k", NOW + 50);
	cr_expect_str_eq(all(s, s->runner, NULL), "a/k +50");
	suite_ok(s, queue_timer_drop(s->runner, "a", "k", &was, &s->err));
	cr_expect(was);
	suite_ok(s, queue_timer_drop(s->runner, "a", "k", &was, &s->err));
	cr_expect(!was);
	cr_expect_eq(next(s), INT64_MAX);
}

static enum rc note_seq(void *ctx, const struct queue_timer *t, struct err *err)
{
	(void)err;
	*(int64_t *)ctx = t->seq;
	return RC_OK;
}

static int64_t seq_of(struct suite *s, const char *rule)
{
	int64_t seq = 0;
	suite_ok(s, queue_timer_each(s->runner, rule, 1, note_seq, &seq, &s->err));
	return seq;
}

QUEUE_CASE(a_timer_is_taken_once_and_never_another_in_its_place)
{
	bool was = false;
	arm(s, "a", "k", NOW + 10);
	int64_t old = seq_of(s, "a");
	arm(s, "a", "k", NOW + 10);
	int64_t new = seq_of(s, "a");
	cr_expect_neq(old, new);
	suite_ok(s, queue_timer_take(s->runner, old, &was, &s->err));
	cr_expect(!was, "it was armed again meanwhile");
	suite_ok(s, queue_timer_take(s->runner, new, &was, &s->err));
	cr_expect(was);
	suite_ok(s, queue_timer_take(s->runner, new, &was, &s->err));
	cr_expect(!was);
	suite_commit(s);
	arm(s, "a", "k", NOW + 10);
	cr_expect_gt(seq_of(s, "a"), new, "no number comes twice");
}

static void count(struct suite *s, const char *rule, int64_t n, int64_t next_ms)
{
	int64_t is_n = -1, is_next = -1;
	suite_ok(s, queue_timer_count(s->runner, rule, &is_n, &is_next, &s->err));
	cr_expect_eq(is_n, n, "%s: %lld", rule, (long long)is_n);
	cr_expect_eq(is_next, next_ms, "%s", rule);
}

QUEUE_CASE(a_rule_has_so_many_timers_and_they_are_counted)
{
	bool was;
	const struct queue_run *run = work(s);
	suite_ok(s, put_from(s, run, "a", "1", NOW + 1, "1", 2));
	suite_ok(s, put_from(s, run, "a", "2", NOW + 2, "1", 2));
	suite_ok(s, put_from(s, run, "b", "1", NOW + 3, "1", 2));
	count(s, "a", 2, NOW + 1);
	cr_expect_eq(put_from(s, run, "a", "3", NOW, "1", 2), RC_QUOTA);
	cr_expect(strstr(s->err.msg, "2 timers are armed for \"a\"") != NULL, "%s", s->err.msg);
	suite_ok(s, put_from(s, run, "a", "1", NOW + 9, "1", 2));
	count(s, "a", 2, NOW + 2);
	suite_ok(s, queue_timer_drop(s->runner, "a", "2", &was, &s->err));
	count(s, "a", 1, NOW + 9);
	count(s, "b", 1, NOW + 3);
	count(s, "c", 0, INT64_MAX);
	suite_ok(s, put_from(s, run, "a", "3", NOW, "1", 2));
}

QUEUE_CASE(only_a_run_that_is_at_work_arms_timers)
{
	struct queue_run run = *work(s);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_expect_eq(put_from(s, &run, "a", "k", NOW, "1", MOST), RC_STALE);
	cr_expect_str_eq(all(s, s->runner, NULL), "");
	cr_expect_eq(queue_timer_put(s->receiver, 1, 1,
			     &(struct queue_timer){.rule = "a", .key = "k"}, 1, &s->err),
		RC_DENIED);
}

QUEUE_CASE(what_cannot_be_a_timer_is_refused)
{
	static char payload[TIMER_PAYLOAD_MAX + 2];
	char key[TIMER_KEY_MAX + 2];
	memset(payload, '1', sizeof(payload) - 1);
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	const struct queue_run *run = work(s);
	cr_expect_eq(put_from(s, run, "", "k", NOW, "1", MOST), RC_INVALID);
	cr_expect_eq(put_from(s, run, "a", "", NOW, "1", MOST), RC_INVALID);
	cr_expect_eq(put_from(s, run, "a", key, NOW, "1", MOST), RC_INVALID);
	cr_expect_eq(put_from(s, run, "a", "k", NOW, payload, MOST), RC_TOO_LARGE);
	key[TIMER_KEY_MAX] = payload[TIMER_PAYLOAD_MAX] = '\0';
	suite_ok(s, put_from(s, run, "a", key, NOW, payload, MOST));
}

/* arm() makes those with an even time relative. */
QUEUE_CASE(a_clock_that_is_set_moves_what_counts_from_a_moment_and_nothing_else)
{
	struct queue_tick every = {"e", "every 1", NOW, true, ""},
			  cron = {"c", "cron", NOW, false, ""};
	arm(s, "a", "relative", NOW + 10);
	arm(s, "a", "fixed", NOW + 11);
	suite_ok(s, queue_tick_put(s->runner, &every, &s->err));
	suite_ok(s, queue_tick_put(s->runner, &cron, &s->err));
	suite_ok(s, queue_due_shift(s->runner, 5000, &s->err));
	cr_expect_str_eq(all(s, s->runner, NULL), "a/fixed +11, a/relative +5010");
	suite_ok(s, queue_due_shift(s->runner, -6000, &s->err));
	cr_expect_str_eq(all(s, s->runner, NULL), "a/relative +-990, a/fixed +11");
}

QUEUE_CASE(timers_and_the_tick_of_a_rule_go_with_it_to_its_new_name)
{
	struct queue_tick tick = {"old", "every 1", NOW, true, "e1"};
	arm(s, "old", "1", NOW + 1);
	arm(s, "old", "2", NOW + 2);
	arm(s, "new", "2", NOW + 9);
	suite_ok(s, queue_tick_put(s->runner, &tick, &s->err));
	suite_ok(s, queue_timer_move(s->runner, "old", "new", &s->err));
	cr_expect_str_eq(all(s, s->runner, NULL), "new/1 +1, new/2 +9");
	count(s, "old", 0, INT64_MAX);
	count(s, "new", 2, NOW + 1);
	cr_expect_eq(queue_timer_move(s->runner, "", "new", &s->err), RC_INVALID);
}

QUEUE_CASE(timers_of_a_person_are_erased_by_record_key_and_payload)
{
	const char *needles[] = {"ann"};
	struct queue_erase e = {.record = "ann", .needles = needles, .needles_n = 1, .more = true};
	arm(s, "a", "of ann", NOW + 1);
	arm(s, "a", "of ben", NOW + 2);
	suite_ok(s, put_from(s, work(s), "a", "x", NOW + 3, "{\"to\":\"ann@x.example\"}", MOST));
	for (int i = 0; e.more && i < 100; i++)
		suite_ok(s, queue_erase_step(s->runner, &e, &s->err));
	cr_expect_eq(e.sum.timers, 2);
	cr_expect_str_eq(all(s, s->runner, NULL), "a/of ben +2");
	count(s, "a", 1, NOW + 2);
}

static enum rc add_tick(void *ctx, const struct queue_tick *t, struct err *err)
{
	char *text = ctx;
	size_t n = strlen(text);
	(void)err;
	snprintf(text + n, 512 - n, "%s%s|%s|+%lld|%s|%s", n != 0 ? ", " : "", t->rule, t->schedule,
		(long long)(t->last_ms - NOW), t->relative ? "relative" : "fixed", t->event);
	return RC_OK;
}

static const char *ticks(struct suite *s)
{
	static char text[512];
	text[0] = '\0';
	suite_ok(s, queue_tick_each(s->runner, add_tick, text, &s->err));
	return text;
}

QUEUE_CASE(the_newest_tick_of_a_rule_counts_and_moves_with_the_clock_and_the_name)
{
	struct queue_tick b = {"b", "cron 0 9 * * * UTC", NOW, false, NULL};
	struct queue_tick a = {"a", "every 5", NOW + 1, true, "e1"};
	cr_expect_str_eq(ticks(s), "");
	suite_ok(s, queue_tick_put(s->runner, &b, &s->err));
	suite_ok(s, queue_tick_put(s->runner, &a, &s->err));
	a.last_ms = NOW + 6;
	suite_ok(s, queue_tick_put(s->runner, &a, &s->err));
	cr_expect_str_eq(ticks(s), "a|every 5|+6|relative|e1, b|cron 0 9 * * * UTC|+0|fixed|");
	suite_ok(s, queue_due_shift(s->runner, 100, &s->err));
	suite_ok(s, queue_timer_move(s->runner, "a", "c", &s->err));
	suite_ok(s, queue_timer_move(s->runner, "b", "c", &s->err));
	cr_expect_str_eq(ticks(s), "c|every 5|+106|relative|e1");
	a.rule = "";
	cr_expect_eq(queue_tick_put(s->runner, &a, &s->err), RC_INVALID);
}

QUEUE_CASE(an_event_is_over_when_all_its_runs_are_or_when_it_is_gone)
{
	bool over = true;
	struct id id = suite_put(s, NULL, "{}");
	suite_ok(s, queue_event_over(s->runner, id.text, &over, &s->err));
	cr_expect(over, "nothing is routed yet");
	cr_assert_eq(suite_route(s, 1, "rule", "k", 1), 1u);
	suite_ok(s, queue_event_over(s->runner, id.text, &over, &s->err));
	cr_expect(!over);
	suite_release(s, &s->runs[0], NOW + 1000, true);
	suite_ok(s, queue_event_over(s->runner, id.text, &over, &s->err));
	cr_expect(!over, "it waits");
	suite_claim(s, NOW + 2000, 1);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_ok(s, queue_event_over(s->runner, id.text, &over, &s->err));
	cr_expect(over);
}

Test(queue_sqlite, a_timer_is_there_after_the_next_start_where_it_was_committed)
{
	struct suite s;
	struct err err;
	suite_start(&s, NULL);
	arm(&s, "a", "kept", NOW + 1);
	suite_commit(&s);
	arm(&s, "a", "lost", NOW + 2);
	suite_forget_runs(&s);
	queue_close(s.runner);
	cr_assert_eq(queue_open(s.store, QUEUE_RUNNER, &s.runner, &err), RC_OK, "%s", err.msg);
	cr_expect_str_eq(all(&s, s.runner, NULL), "a/kept +1");
	suite_end(&s);
}
