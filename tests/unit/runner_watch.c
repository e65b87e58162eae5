/* SPDX-License-Identifier: MIT */
/*
 * Workers that hang or die: whose fault it is, and that nobody else suffers.
 * From: rules that hang, workers that are killed. To: runner/watch.c, runner/pool.c.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "runner/watch.h"
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

TestSuite(runner_watch, .init = open_stage, .fini = close_stage, .timeout = 60);

#define BOMB                                                                                       \
	"rule \"bomb\" { on = \"person.*\", cpu = \"100ms\", run = function(e)\n"                  \
	"  if e.record.jobTitle == \"bomb\" then\n"                                                \
	"    return ((\"a\"):rep(40)):find((\"a?\"):rep(40) .. (\"a\"):rep(40) .. \"b\")\n"        \
	"  end\n"                                                                                  \
	"  twenty.notes:create { title = e.record.jobTitle }\n"                                    \
	"  twenty.notes:create { title = e.record.jobTitle }\nend }\n"

Test(runner_watch, a_rule_that_hangs_in_c_is_killed_and_the_others_act_once)
{
	stage_rule(&s, "a.lua", BOMB);
	stage_start(&s, STAGE_TWIN, "workers = 1");
	struct id bombs[2];
	for (int i = 0; i < 60; i++) {
		if (i % 30 == 10)
			bombs[i / 30] = stage_someone(&s, "bomb");
		else
			stage_someone(&s, "good");
	}
	stage_until(&s, stage_ended, 60);
	struct queue_counts c = stage_counts(&s);
	cr_assert_eq(c.runs[QUEUE_DEAD], 2);
	cr_assert_eq(c.runs[QUEUE_DONE], 58);
	for (int i = 0; i < 2; i++) {
		const struct stage_run *run = stage_find(&s, "bomb", &bombs[i]);
		cr_assert_str_eq(run->code, "cpu");
		cr_assert(strstr(run->error, "killed") != NULL, "%s", run->error);
	}
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 2 * 58);
	cr_assert_eq(metrics_value(METRIC_ABORT_KILLED), 2);
	const struct stage_run *first = stage_find(&s, "bomb", &bombs[0]);
	cr_assert_lt(first->ended_ms - first->started_ms, 10000,
		"ended for its processor time, before the last resort of 15 s");
}

static bool at_work(struct stage *stage, long n)
{
	return (long)stage->runner->runs.live_n >= n && stage->runner->pool.workers[0].runs_n > 0;
}

Test(runner_watch, runs_of_a_worker_that_dies_idle_go_on_elsewhere_and_nobody_is_blamed)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function(e)\n"
		"  for i = 1, 5 do twenty.notes:create { title = i .. e.record.jobTitle } end\nend "
		"}");
	stage_start(&s, STAGE_SLOW_TWIN, "workers = 2");
	stage_until(&s, stage_all_ready, 0); /* else one of them gets it all */
	for (int i = 0; i < 20; i++)
		stage_someone(&s, "x");
	stage_until(&s, at_work, 10);
	kill(s.runner->pool.workers[0].pid, SIGKILL);
	stage_until(&s, stage_ended, 20);
	struct queue_counts c = stage_counts(&s);
	cr_assert_eq(c.runs[QUEUE_DONE], 20);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 100, "no effect was repeated");
	stage_look(&s);
	for (size_t i = 0; i < s.runs_n; i++)
		cr_assert_eq(s.runs[i].deaths, 0);
}

static bool executes(struct stage *stage, long n)
{
	(void)n;
	const struct worker *w = stage->runner->pool.workers;
	for (size_t i = 0; i < stage->runner->pool.n; i++) {
		const struct pool_task *task = pool_task(&w[i]);
		if (task != NULL && task->kind == FRAME_START)
			return true;
	}
	return false;
}

static bool executes_or_ended(struct stage *stage, long n)
{
	return executes(stage, n) || stage_ended(stage, 2);
}

Test(runner_watch, a_run_that_ends_its_worker_three_times_alone_is_quarantined)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", cpu = \"10s\", run = function(e)\n"
		"  while e.record.jobTitle == \"bad\" do end\nend }");
	stage_start(&s, STAGE_ALONE, "workers = 1");
	struct id bad = stage_someone(&s, "bad"), good = stage_someone(&s, "good");
	for (int i = 0; i < 8; i++) {
		stage_until(&s, executes_or_ended, 0);
		if (stage_ended(&s, 2))
			break;
		for (size_t k = 0; k < s.runner->pool.n; k++) {
			const struct worker *w = &s.runner->pool.workers[k];
			const struct pool_task *task = pool_task(w);
			if (task == NULL || task->kind != FRAME_START)
				continue;
			struct run *run = run_find(&s.runner->runs, task->run, task->generation);
			if (run != NULL && strcmp(run->q.event.text, bad.text) == 0)
				kill(w->pid, SIGKILL);
		}
		stage_turn(&s, 3);
	}
	stage_until(&s, stage_ended, 2);
	const struct stage_run *run = stage_find(&s, "r", &bad);
	cr_assert_eq(run->state, QUEUE_QUARANTINED);
	cr_assert_str_eq(run->code, "worker");
	cr_assert_eq(stage_find(&s, "r", &good)->state, QUEUE_DONE);
	cr_assert_eq(metrics_value(METRIC_RUN_QUARANTINED), 1);
}

/* A worker executes, and is stopped in it. */
static pid_t stop_at_work(void)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", cpu = \"3s\", run = function(e)\n"
		"  for i = 1, 20000000 do end\n"
		"  twenty.notes:create { title = \"x\" }\nend }");
	stage_start(&s, STAGE_TWIN, "workers = 1");
	stage_until(&s, stage_all_ready, 0);
	stage_someone(&s, "x");
	stage_until(&s, executes, 0);
	for (size_t i = 0; i < s.runner->pool.n; i++) {
		const struct worker *w = &s.runner->pool.workers[i];
		if (pool_task(w) != NULL && kill(w->pid, SIGSTOP) == 0)
			return w->pid;
	}
	cr_assert_fail("nobody works");
	return 0;
}

Test(runner_watch, a_worker_that_stays_stopped_is_killed_and_its_run_is_not_to_blame_for_its_time)
{
	pid_t pid = stop_at_work();
	for (int i = 0; i < 25; i++) {
		clock_skip_mono_ms(900);
		watch_step(s.runner);
	}
	cr_expect(kill(pid, 0) != 0 || s.runner->pool.workers[0].pid != pid);
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_expect_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_expect_eq(stage_requests(&s, "POST", "/rest/notes"), 1);
}

Test(runner_watch, the_sleep_of_the_whole_machine_is_nobodys_fault)
{
	pid_t pid = stop_at_work();
	watch_step(s.runner);
	watch_step(s.runner);
	clock_skip_mono_ms(3600000);
	watch_step(s.runner);
	watch_step(s.runner);
	cr_expect_eq(kill(pid, SIGCONT), 0, "it lives");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_expect_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_expect_eq(run->deaths, 0);
	cr_expect_eq(metrics_value(METRIC_ABORT_KILLED), 0);
}

static bool one_is_stopped(struct stage *stage, long n)
{
	(void)n;
	return stage->runner->pool.workers[0].state == WORKER_SILENT;
}

Test(runner_watch, a_worker_that_does_not_run_at_all_loses_its_runs_too)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function(e)\n"
		"  for i = 1, 3 do twenty.notes:create { title = i .. e.record.jobTitle } end\nend "
		"}");
	stage_start(&s, STAGE_SLOW_TWIN, "workers = 2");
	stage_until(&s, stage_all_ready, 0); /* else one of them gets it all */
	for (int i = 0; i < 10; i++)
		stage_someone(&s, "x");
	stage_until(&s, at_work, 5);
	pid_t pid = s.runner->pool.workers[0].pid;
	kill(pid, SIGSTOP);
	stage_until(&s, one_is_stopped, 0);
	stage_until(&s, stage_ended, 9);
	kill(pid, SIGCONT);
	stage_until(&s, stage_ended, 10);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DONE], 10);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 30);
}
