/* SPDX-License-Identifier: MIT */
/*
 * How runs end: each outcome of a rule, what the store keeps of it, when it is tried again.
 * From: rules. To: runner/outcome.c, runner/call.c, against a twin.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "tests/harness/http.h"
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

TestSuite(runner_outcome, .init = open_stage, .fini = close_stage, .timeout = 60);

static void rule(const char *body)
{
	char text[2048];
	snprintf(text, sizeof(text),
		"rule \"r\" { on = \"person.*\", run = function(event)\n%s\nend }", body);
	stage_rule(&s, "a.lua", text);
}

static const struct stage_run *run_once(const char *body)
{
	rule(body);
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	return stage_find(&s, "r", NULL);
}

Test(runner_outcome, falling_off_the_end_is_done)
{
	const struct stage_run *run = run_once("log.info \"hello\" log.warn \"two\\nlines\"");
	cr_assert_eq(run->state, QUEUE_DONE);
	cr_assert_eq(run->attempt, 1);
	cr_assert(strstr(run->log, "info  hello\n") != NULL, "%s", run->log);
	const char *second = strstr(run->log, "warn  two");
	cr_assert(second != NULL && strstr(second, "lines\n") == second + strcspn(second, "\n") - 5,
		"a line stays one line: %s", run->log);
	cr_assert_eq(metrics_value(METRIC_RUN_DONE), 1);
}

Test(runner_outcome, skip_is_skipped_and_says_why)
{
	const struct stage_run *run = run_once("pcall(skip, \"not now\")");
	cr_assert_eq(run->state, QUEUE_SKIPPED);
	cr_assert_str_eq(run->error, "not now");
}

Test(runner_outcome, reject_is_a_dead_letter_at_once)
{
	const struct stage_run *run = run_once("reject \"no way\"");
	cr_assert_eq(run->state, QUEUE_DEAD);
	cr_assert_str_eq(run->error, "no way");
	cr_assert_str_eq(run->code, "rejected");
	cr_assert_eq(run->attempt, 1);
}

Test(runner_outcome, an_error_of_the_rule_is_a_dead_letter_with_its_line)
{
	const struct stage_run *run = run_once("\nlocal x = nil\nreturn x.y");
	cr_assert_eq(run->state, QUEUE_DEAD);
	cr_assert(strncmp(run->error, "a.lua:4: ", 9) == 0, "%s", run->error);
	cr_assert_str_eq(run->code, "rule");
}

Test(runner_outcome, retry_after_comes_back_and_uses_up_no_attempt)
{
	rule("retry_after(\"1h\", \"later\")");
	stage_start(&s, STAGE_ALONE, NULL);
	int64_t from = clock_wall_ms();
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_eq(run->state, QUEUE_WAITING);
	cr_assert_str_eq(run->error, "later");
	cr_assert_geq(run->due_ms, from + 3600000);
	cr_assert_leq(run->due_ms, from + 3600000 + 30000);
	cr_assert_eq(metrics_value(METRIC_RUN_RETRY), 0);
}

Test(runner_outcome, retry_after_nothing_waits_a_second_all_the_same)
{
	rule("retry_after(\"0s\", \"at once\")");
	stage_start(&s, STAGE_ALONE, NULL);
	int64_t from = clock_wall_ms();
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	cr_assert_geq(stage_find(&s, "r", NULL)->due_ms, from + 1000);
}

Test(runner_outcome, a_rule_that_loops_ends_at_its_processor_time)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", cpu = \"100ms\", run = function() while true do "
		"end end }");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_eq(run->state, QUEUE_DEAD);
	cr_assert_str_eq(run->code, "cpu");
	cr_assert_eq(metrics_value(METRIC_ABORT_CPU), 1);
}

Test(runner_outcome, a_rule_that_takes_all_memory_ends_at_its_memory)
{
	const struct stage_run *run = run_once("local t = {} while true do t[#t + 1] = {} end");
	cr_assert_eq(run->state, QUEUE_DEAD);
	cr_assert_str_eq(run->code, "memory");
	cr_assert_eq(metrics_value(METRIC_ABORT_MEMORY), 1);
}

Test(runner_outcome, a_thousand_log_lines_are_enough)
{
	const struct stage_run *run = run_once("while true do log.info \"again\" end");
	cr_assert_eq(run->state, QUEUE_DEAD);
	cr_assert_str_eq(run->code, "quota");
	cr_assert_lt(strlen(run->log), 80000);
}

Test(runner_outcome, a_failing_call_is_tried_again_until_it_works)
{
	struct http_answer answer;
	char url[128];
	rule("twenty.notes:create { title = \"once\" }");
	stage_start(&s, STAGE_TWIN, NULL);
	snprintf(url, sizeof(url), "%s/_twin/fault", s.twin_url);
	static const char fault[] = "status=400:1,match=POST /rest/notes";
	cr_assert(http_request("POST", url, NULL, fault, strlen(fault), &answer));
	http_answer_done(&answer);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert(run->state == QUEUE_DONE || run->state == QUEUE_DEAD);
	cr_assert_geq(run->api_calls, 1);
}
