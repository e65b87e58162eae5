/* SPDX-License-Identifier: MIT */
/*
 * every and cron in whole runs: each tick once, over restarts and clocks that are set.
 * From: rules. To: runner/tick.c, queue/timer.h.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/pause.h"
#include "queue/timer.h"
#include "tests/unit/runner_stage.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_tick, .init = open_stage, .fini = close_stage, .timeout = 60);

static const char says[] =
	"skip(event.name .. \" \" .. event.via .. \" \" .. event.at .. \" \" ..\n"
	"tostring(event.record) .. \" \" .. tostring(event.payload))";

/* "r" runs by this schedule, and says its event. */
static void rule(const char *schedule, const char *body)
{
	char text[1024];
	snprintf(text, sizeof(text), "rule \"r\" { %s, run = function(event)\n%s\nend }", schedule,
		body);
	stage_rule(&s, "a.lua", text);
}

struct last {
	int64_t ms;
	char schedule[128], event[ID_N + 1];
};

static enum rc note(void *ctx, const struct queue_tick *tick, struct err *err)
{
	struct last *last = ctx;
	(void)err;
	last->ms = tick->last_ms;
	snprintf(last->schedule, sizeof(last->schedule), "%s", tick->schedule);
	snprintf(last->event, sizeof(last->event), "%s", tick->event);
	return RC_OK;
}

static struct last last_tick(void)
{
	struct last last = {.ms = -1};
	struct err err;
	cr_assert_eq(queue_tick_each(s.work, note, &last, &err), RC_OK);
	return last;
}

/* The store says that the last one was so long ago. */
static void was_ago(int64_t ms)
{
	struct last last = last_tick();
	struct err err;
	struct queue_tick tick = {"r", last.schedule, clock_wall_ms() - ms, false, last.event};
	tick.relative = strncmp(last.schedule, "every", 5) == 0;
	cr_assert_eq(queue_tick_put(s.work, &tick, &err), RC_OK);
	cr_assert_eq(queue_commit(s.work, &err), RC_OK);
	if (s.runner != NULL)
		tick_again(s.runner, 0);
}

static size_t runs_n(void)
{
	stage_look(&s);
	return s.runs_n;
}

static const char *said(size_t i)
{
	stage_look(&s);
	cr_assert_lt(i, s.runs_n);
	cr_assert_eq(s.runs[i].state, QUEUE_SKIPPED, "%s", s.runs[i].error);
	return s.runs[i].error;
}

/* What the store says of the ticks is known. */
static bool is_known(struct stage *stage, long n)
{
	(void)n;
	return stage->runner->ticks.known;
}

static void start(void)
{
	stage_start(&s, STAGE_ALONE, NULL);
	stage_until(&s, is_known, 0);
}

/* Nothing is due, whatever may be looked at. */
static void quiet(void)
{
	for (int i = 0; i < 3; i++) {
		s.runner->ticks.look = true;
		cr_expect(!tick_step(s.runner));
	}
	stage_turn(&s, 1);
	cr_expect_null(s.runner->route.births.first);
}

Test(runner_tick, a_new_rule_does_not_fire_for_what_is_past)
{
	rule("cron = \"* * * * *\"", says);
	int64_t before = clock_wall_ms();
	start();
	quiet();
	if (clock_wall_ms() / MINUTE_MS == before / MINUTE_MS)
		cr_expect_eq(runs_n(), 0u);
	cr_expect_geq(last_tick().ms, before);
	cr_expect_str_eq(last_tick().schedule, "cron * * * * * UTC");
}

Test(runner_tick, a_tick_is_an_event_with_its_nominal_time_and_no_record)
{
	rule("every = \"1h\"", says);
	start();
	int64_t due = clock_wall_ms() - 5000;
	char wanted[128], at[CLOCK_TEXT_N];
	was_ago(HOUR_MS + 5000);
	due = last_tick().ms + HOUR_MS;
	stage_until(&s, stage_ended, 1);
	clock_format(due, at);
	snprintf(wanted, sizeof(wanted), "cron cron %s nil nil", at);
	cr_expect_str_eq(said(0), wanted);
	cr_expect_eq(last_tick().ms, due);
	cr_expect_str_eq(last_tick().event, s.runs[0].event);
}

Test(runner_tick, ticks_that_were_missed_are_made_up_once_with_the_time_of_the_last)
{
	rule("cron = \"0 0 * * *\", tz = \"Europe/Paris\"", says);
	start();
	stage_crash(&s);
	stage_again(&s);
	was_ago(5 * DAY_MS);
	stage_until(&s, stage_ended, 1);
	quiet();
	cr_expect_eq(runs_n(), 1u);
	int64_t now = clock_wall_ms();
	cr_expect_gt(last_tick().ms, now - DAY_MS - HOUR_MS, "it is the last one");
	cr_expect_leq(last_tick().ms, now);
}

Test(runner_tick, a_tick_that_fired_before_a_crash_does_not_fire_after_it)
{
	struct err err;
	rule("every = \"1h\"", says);
	start();
	was_ago(HOUR_MS + 5000);
	stage_until(&s, stage_ended, 1);
	cr_assert_eq(queue_commit(s.work, &err), RC_OK);
	for (int i = 0; i < 3; i++) {
		stage_crash(&s);
		stage_again(&s);
		quiet();
	}
	cr_expect_eq(runs_n(), 1u);
}

/* It dies with the event written and the tick noted, and nothing of it committed. */
Test(runner_tick, a_crash_in_the_middle_of_firing_loses_no_tick)
{
	rule("every = \"1h\"", says);
	start();
	was_ago(HOUR_MS + 5000);
	cr_assert(tick_step(s.runner));
	route_step(s.runner);
	cr_assert_str_neq(last_tick().event, "", "it is noted");
	stage_crash(&s);
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	quiet();
	cr_expect_eq(runs_n(), 1u);
}

/* The negative control of the two above. */
Test(runner_tick, a_tick_that_is_not_noted_with_its_event_would_fire_again)
{
	struct err err;
	rule("every = \"1h\"", says);
	start();
	was_ago(HOUR_MS + 5000);
	cr_assert(tick_step(s.runner));
	for (struct birth *b = s.runner->route.births.first; b != NULL; b = b->next)
		b->take = NULL;
	stage_until(&s, stage_ended, 1);
	cr_assert_eq(queue_commit(s.work, &err), RC_OK);
	stage_crash(&s);
	stage_again(&s);
	stage_until(&s, stage_ended, 2);
	cr_expect_eq(runs_n(), 2u);
}

Test(runner_tick, ticks_do_not_overlap_and_one_waits_behind)
{
	rule("every = \"1h\"",
		"if kv.incr(\"n\") == 1 then retry_after(\"1h\") end skip(event.at)");
	start();
	was_ago(HOUR_MS + 5000);
	stage_until(&s, stage_waiting, 1);
	was_ago(5 * HOUR_MS + 5000);
	quiet();
	cr_expect_eq(runs_n(), 1u, "the first has not ended");
	struct err err;
	cr_assert_eq(queue_due_shift(s.runner->queue, -2 * HOUR_MS, &err), RC_OK);
	upkeep_again(s.runner);
	was_ago(5 * HOUR_MS + 5000);
	stage_until(&s, stage_ended, 2);
	quiet();
	cr_expect_eq(runs_n(), 2u, "five of them are one");
}

Test(runner_tick, of_a_paused_rule_one_tick_waits_and_no_more)
{
	struct err err;
	size_t n;
	rule("every = \"1h\"", says);
	start();
	struct queue_pause pause = {.rule = "r", .why = "test", .since_ms = 1};
	cr_assert_eq(queue_pause(s.runner->queue, &pause, &n, &err), RC_OK);
	for (int i = 0; i < 3; i++) {
		was_ago(3 * HOUR_MS + 5000);
		stage_turn(&s, 2);
	}
	cr_expect_eq(runs_n(), 1u);
	cr_expect_eq(s.runs[0].state, QUEUE_WAITING);
	cr_expect_gt(last_tick().ms, clock_wall_ms() - HOUR_MS, "the others went by");
	cr_assert_eq(queue_resume(s.runner->queue, "r", &n, &err), RC_OK);
	s.runner->orders.pausing = true;
	stage_until(&s, stage_ended, 1);
	quiet();
	cr_expect_eq(runs_n(), 1u);
}

Test(runner_tick, a_changed_schedule_counts_from_now)
{
	char text[512];
	rule("cron = \"0 0 1 1 *\"", says);
	start();
	was_ago(800 * DAY_MS);
	stage_until(&s, stage_ended, 1);
	int64_t now = clock_wall_ms();
	rule("every = \"1h\"", says);
	stage_reload(&s, text);
	quiet();
	cr_expect_eq(runs_n(), 1u);
	cr_expect_geq(last_tick().ms, now);
	cr_expect_str_eq(last_tick().schedule, "every 3600000");
}

Test(runner_tick, a_reload_without_a_change_keeps_the_last_tick)
{
	char text[512];
	rule("every = \"1h\"", says);
	start();
	was_ago(HOUR_MS / 2);
	int64_t last = last_tick().ms;
	stage_reload(&s, text);
	rule("every = \"1h\"", "skip \"another text\"");
	stage_reload(&s, text);
	quiet();
	cr_expect_eq(last_tick().ms, last);
	cr_expect_eq(runs_n(), 0u);
}

Test(runner_tick, a_clock_that_is_set_forward_or_back_fires_no_interval_early_or_twice)
{
	rule("every = \"1h\"", says);
	start();
	was_ago(HOUR_MS / 2);
	clock_shift_wall_ms(DAY_MS);
	stage_turn(&s, 2);
	quiet();
	cr_expect_eq(runs_n(), 0u, "half an hour has still to pass");
	cr_expect_leq(llabs(clock_wall_ms() - last_tick().ms - HOUR_MS / 2), 2 * MINUTE_MS);
	clock_shift_wall_ms(-2 * DAY_MS);
	stage_turn(&s, 2);
	quiet();
	cr_expect_eq(runs_n(), 0u);
	cr_expect_leq(llabs(clock_wall_ms() - last_tick().ms - HOUR_MS / 2), 2 * MINUTE_MS);
}

/* At 9 it fired; the clock is set back to 8:30 or so: it is 9 a second time. */
Test(runner_tick, a_clock_that_is_set_back_over_a_tick_of_cron_does_not_fire_it_twice)
{
	rule("cron = \"*/10 * * * *\"", says);
	start();
	was_ago(30 * MINUTE_MS);
	stage_until(&s, stage_ended, 1);
	int64_t last = last_tick().ms;
	clock_shift_wall_ms(-15 * MINUTE_MS);
	stage_turn(&s, 2);
	quiet();
	cr_expect_eq(runs_n(), 1u);
	cr_expect_eq(last_tick().ms, last, "it is known by its name");
}

Test(runner_tick, a_clock_that_was_wrong_by_years_does_not_silence_cron)
{
	rule("cron = \"*/10 * * * *\"", says);
	start();
	was_ago(-3000 * DAY_MS);
	quiet();
	cr_expect_leq(last_tick().ms, clock_wall_ms());
	was_ago(30 * MINUTE_MS);
	stage_until(&s, stage_ended, 1);
}

Test(runner_tick, a_time_zone_that_is_none_breaks_the_file_with_its_line)
{
	char text[512];
	stage_rule(&s, "a.lua", "rule \"good\" { every = \"1h\", run = function() end }");
	start();
	stage_rule(&s, "a.lua",
		"\nrule \"r\" { cron = \"0 9 * * *\", tz = \"Europe/Pariss\", run = function() end "
		"}");
	stage_reload(&s, text);
	cr_expect(strstr(text, "a.lua:2: ") != NULL, "%s", text);
	cr_expect(strstr(text, "tz: there is no time zone \"Europe/Pariss\", did you mean "
			       "\"Europe/Paris\"?") != NULL,
		"%s", text);
}

Test(runner_tick, the_next_tick_wakes_the_loop_by_itself)
{
	rule("every = \"1s\"", "kv.incr(\"n\")");
	start();
	stage_until(&s, stage_ended, 2);
	cr_expect_geq(runs_n(), 2u);
}
