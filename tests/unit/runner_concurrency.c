/* SPDX-License-Identifier: MIT */
/*
 * Rules with `concurrency`: so many of their runs are at work at once.
 * From: deliveries. To: a whole runner with real workers and a slow twin.
 */
#include <criterion/criterion.h>
#include <string.h>

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

TestSuite(runner_concurrency, .init = open_stage, .fini = close_stage, .timeout = 180);

/* Runs of a rule that are at work now. */
static long at_work(const struct stage *stage, const char *rule)
{
	long n = 0;
	for (size_t i = 0; i < stage->runner->runs.slots_n; i++) {
		const struct run *run = &stage->runner->runs.slots[i];
		n += run->state != RUN_FREE && strcmp(run->q.rule, rule) == 0;
	}
	return n;
}

static long most_a, most_b;

static bool watched(struct stage *stage, long n)
{
	long a = at_work(stage, "a"), b = at_work(stage, "b");
	most_a = a > most_a ? a : most_a;
	most_b = b > most_b ? b : most_b;
	return stage_ended(stage, n);
}

static void go(const char *head)
{
	char text[1024];
	snprintf(text, sizeof(text),
		"rule \"a\" { on = \"person.updated\", %s run = function(e)\n"
		"  twenty.people:get(e.record.id) end }\n"
		"rule \"b\" { on = \"person.updated\", run = function(e)\n"
		"  twenty.people:get(e.record.id) end }\n",
		head);
	most_a = most_b = 0;
	stage_rule(&s, "a.lua", text);
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	for (int i = 0; i < 12; i++)
		stage_someone(&s, "t");
	stage_until(&s, watched, 24);
}

Test(runner_concurrency, no_more_runs_of_a_rule_are_at_work_than_it_says)
{
	go("concurrency = 2,");
	cr_assert_eq(most_a, 2);
	cr_assert_gt(most_b, 2, "another rule is not held up");
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DONE], 24);
}

Test(runner_concurrency, without_it_they_all_are)
{
	go("");
	cr_assert_gt(most_a, 2);
}

Test(runner_concurrency, it_holds_behind_a_restart)
{
	stage_rule(&s, "a.lua",
		"rule \"a\" { on = \"person.updated\", concurrency = 2, run = function(e)\n"
		"  twenty.people:get(e.record.id) end }\n");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	for (int i = 0; i < 10; i++)
		stage_someone(&s, "t");
	stage_until(&s, stage_ended, 2);
	stage_crash(&s);
	stage_again(&s);
	most_a = 0;
	stage_until(&s, watched, 10);
	cr_assert_leq(most_a, 2);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DONE], 10);
}
