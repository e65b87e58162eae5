/* SPDX-License-Identifier: MIT */
/*
 * The wall clock is set while runs wait: by an hour, by a day, forward and back, while the runner
 * lives and while it does not. Their time is the monotonic clock's.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/unit/runner_stage.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function() retry_after(\"2s\") end }");
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_jump, .init = open_stage, .fini = close_stage, .timeout = 60);

static int64_t due_ms(void)
{
	return stage_find(&s, "r", NULL)->due_ms;
}

/* It has been begun again, and has ended as before. */
static bool came_again(int64_t before_ms)
{
	int64_t due = due_ms();
	return due > 0 && llabs(due - before_ms) > 1000;
}

static void wait_ms(int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;
	while (clock_mono_ms() < end)
		stage_turn(&s, 1);
}

static void comes_in_its_time(int64_t by_ms)
{
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	int64_t from = clock_mono_ms(), before = due_ms();
	clock_shift_wall_ms(by_ms);
	stage_turn(&s, 2);
	cr_expect_leq(llabs(due_ms() - before - by_ms), 100, "moved by the same");
	wait_ms(1200);
	cr_expect_not(came_again(before + by_ms), "not before its time");
	while (!came_again(before + by_ms) && clock_mono_ms() < from + 10000)
		stage_turn(&s, 1);
	cr_expect_lt(clock_mono_ms() - from, 4000, "nor much later");
}

Test(runner_jump, an_hour_forward_brings_no_attempt_sooner)
{
	comes_in_its_time(HOUR_MS);
}

Test(runner_jump, a_day_forward_brings_no_attempt_sooner)
{
	comes_in_its_time(DAY_MS);
}

Test(runner_jump, an_hour_back_delays_no_attempt)
{
	comes_in_its_time(-HOUR_MS);
}

Test(runner_jump, a_day_back_delays_no_attempt)
{
	comes_in_its_time(-DAY_MS);
}

Test(runner_jump, a_clock_set_back_while_no_runner_ran_delays_no_attempt)
{
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	int64_t from = clock_mono_ms(), before = due_ms();
	stage_stop(&s);
	clock_shift_wall_ms(-DAY_MS);
	stage_again(&s);
	cr_expect_leq(due_ms(), before - DAY_MS + 2000);
	while (!came_again(before - DAY_MS) && clock_mono_ms() < from + 10000)
		stage_turn(&s, 1);
	cr_expect_lt(clock_mono_ms() - from, 5000);
}

Test(runner_jump, drift_is_followed_and_moves_nothing)
{
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	int64_t before = due_ms();
	for (int i = 0; i < 10; i++) {
		clock_shift_wall_ms(-200);
		stage_turn(&s, 1);
	}
	cr_expect_eq(due_ms(), before);
}
