/* SPDX-License-Identifier: MIT */
/*
 * The table of live runs: how many there may be, from one moment to the next.
 * From: rules against a slow twin. To: runner/run.c, runner/runner.c.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/runner_stage.h"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_run, .init = open_stage, .fini = close_stage, .timeout = 60);

static bool alive(struct stage *stage, long n)
{
	return stage->runner->runs.live_n == (size_t)n;
}

static void reload(const char *settings)
{
	char text[512];
	stage_configure(&s, settings);
	stage_reload(&s, text);
	cr_assert(strncmp(text, "reloaded 1 rule live", 20) == 0, "%s", text);
}

Test(runner_run, a_reload_changes_how_many_may_be_alive)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function()\n"
		"for i = 1, 6 do twenty.notes:create { title = \"n\" } end\nend }");
	stage_start(&s, STAGE_SLOW_TWIN, "limits = { runs = 2 }");
	for (int i = 0; i < 12; i++)
		stage_someone(&s, "x");
	stage_until(&s, alive, 2);
	stage_turn(&s, 20);
	cr_expect_leq(s.runner->runs.live_n, 2u);
	reload("limits = { runs = 6 }");
	stage_until(&s, alive, 6);
	reload("limits = { runs = 1 }");
	size_t most = s.runner->runs.live_n;
	cr_expect_leq(most, 6u, "nothing ends because of it");
	while (s.runner->runs.live_n > 1) {
		runner_turn(s.runner);
		cr_assert_leq(s.runner->runs.live_n, most, "and nothing more begins");
		most = s.runner->runs.live_n;
	}
	stage_until(&s, stage_ended, 12);
	cr_expect_eq(stage_counts(&s).runs[QUEUE_DONE], 12);
	cr_expect_eq(s.runner->runs.max, 1u);
}
