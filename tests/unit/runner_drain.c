/* SPDX-License-Identifier: MIT */
/*
 * The way out: what is under way ends or stays in its journal, and the next start goes on.
 * From: drain messages. To: runner/drain.c.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "base/link.h"
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

TestSuite(runner_drain, .init = open_stage, .fini = close_stage, .timeout = 60);

static bool live(struct stage *stage, long n)
{
	return (long)stage->runner->runs.live_n >= n;
}

Test(runner_drain, runs_that_wait_for_twenty_are_released_at_once_and_go_on_later)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function(e)\n"
		"  twenty.notes:create { title = e.record.jobTitle }\nend }");
	stage_start(&s, STAGE_ALONE, NULL);
	for (int i = 0; i < 5; i++)
		stage_someone(&s, "x");
	stage_until(&s, live, 5);
	stage_turn(&s, 5);
	int64_t from = clock_mono_ms();
	stage_stop(&s);
	cr_assert_lt(clock_mono_ms() - from, 5000, "nothing moved, so nothing is waited for");
	stage_again(&s);
	stage_until(&s, live, 5);
	stage_look(&s);
	for (size_t i = 0; i < s.runs_n; i++)
		cr_assert_eq(s.runs[i].attempt, 1, "waiting uses up no attempt");
}

Test(runner_drain, runs_under_way_end_and_nothing_new_is_begun)
{
	struct err err;
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function(e)\n"
		"  for i = 1, 3 do twenty.notes:create { title = e.record.jobTitle } end\nend }");
	stage_start(&s, STAGE_TWIN, NULL);
	for (int i = 0; i < 10; i++)
		stage_someone(&s, "x");
	stage_until(&s, live, 10);
	cr_assert_eq(link_send(s.link[0], "drain", slice_of(""), &err), RC_OK);
	for (int i = 0; i < 3 && !s.runner->drain.on; i++)
		stage_turn(&s, 1);
	cr_assert(s.runner->drain.on);
	stage_someone(&s, "late");
	stage_stop(&s);
	stage_again(&s);
	stage_until(&s, stage_ended, 11);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DONE], 11);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 33);
}
