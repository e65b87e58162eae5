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
#include "runner/outcome.h"
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

Test(runner_outcome, an_error_is_stored_with_its_source_line_frames_call_and_event)
{
	stage_rule(&s, "a.lua",
		"local function owner_of(id)\n"
		"\treturn twenty.people:get(id).name\n"
		"end\n"
		"rule \"r\" { on = \"person.*\", run = function(event) log.info(owner_of(\"x\")) "
		"end }");
	stage_start(&s, STAGE_TWIN, NULL);
	struct id id = stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	char wanted[600];
	snprintf(wanted, sizeof(wanted),
		"    2 |     return twenty.people:get(id).name\n"
		"      |                          ^^^\n"
		"a.lua:2: in owner_of\n"
		"a.lua:4: in the function of line 4\n"
		"call 1: twenty.people:get (denied)\n"
		"event person.updated of ");
	cr_assert(strncmp(run->error, "a.lua:2: ", 9) == 0, "%s", run->error);
	cr_assert(strncmp(run->detail, wanted, strlen(wanted)) == 0, "%s", run->detail);
	cr_assert_not_null(strstr(run->detail, id.text));
}

Test(runner_outcome, an_error_in_when_is_stored_with_its_source_line)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\",\n"
		"  when = function(event) return event.record.none.name end,\n"
		"  run = function() end }");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	static const char wanted[] =
		"    2 |   when = function(event) return event.record.none.name end,\n"
		"      |                                              ^^^^\n"
		"event person.updated of ";
	cr_assert(strncmp(run->error, "a.lua:2: ", 9) == 0, "%s", run->error);
	cr_assert(strncmp(run->detail, wanted, strlen(wanted)) == 0, "%s", run->detail);
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
	cr_assert(strstr(run->error, "100 ms") != NULL, "at the limit of its head: %s", run->error);
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

static void make_fail(const char *fault)
{
	struct http_answer answer;
	char url[128];
	snprintf(url, sizeof(url), "%s/_twin/fault", s.twin_url);
	cr_assert(http_request("POST", url, NULL, fault, strlen(fault), &answer));
	http_answer_done(&answer);
}

Test(runner_outcome, a_failing_call_is_tried_again_until_it_works)
{
	rule("twenty.notes:create { title = \"once\" }");
	stage_start(&s, STAGE_TWIN, NULL);
	make_fail("status=400:1,match=POST /rest/notes");
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_assert_eq(run->attempt, 2);
	cr_assert_eq(run->api_calls, 2);
}

Test(runner_outcome, an_error_of_a_call_that_cannot_get_better_is_a_dead_letter_at_once)
{
	rule("twenty.notes:update(\"9b9b9b9b-0000-4000-8000-00000000000a\", { title = \"x\" })");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_eq(run->state, QUEUE_DEAD);
	cr_assert_str_eq(run->code, "not_found");
	cr_assert_eq(run->attempt, 1);
	cr_assert_eq(metrics_value(METRIC_RUN_RETRY), 0);
}

/* A run that takes too long can get better, but this one does not: 50 ms for each answer. */
#define SLOW(retries)                                                                              \
	"rule \"r\" { on = \"person.*\", timeout = \"20ms\", retry = { max = " retries             \
	" }, run = function()\ntwenty.notes:list {}\nend }"

static bool waits_again(struct stage *stage, long n)
{
	stage_look(stage);
	return stage->runs_n == 1 && stage->runs[0].state == QUEUE_WAITING &&
	       stage->runs[0].attempt == n;
}

Test(runner_outcome, each_retry_waits_about_twice_as_long)
{
	stage_rule(&s, "a.lua", SLOW("5"));
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	int64_t from_ms = clock_wall_ms();
	for (int attempt = 1; attempt <= 2; attempt++) {
		stage_until(&s, waits_again, attempt);
		cr_assert_str_eq(s.runs[0].code, "wall");
		cr_assert_geq(s.runs[0].due_ms, from_ms + attempt * 1000 - attempt * 250,
			"after attempt %d", attempt);
		from_ms = s.runs[0].due_ms; /* it does not begin earlier */
	}
}

Test(runner_outcome, the_last_attempt_that_fails_makes_a_dead_letter)
{
	stage_rule(&s, "a.lua", SLOW("1"));
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_eq(run->state, QUEUE_DEAD);
	cr_assert_str_eq(run->code, "wall");
	cr_assert_eq(run->attempt, 2, "one retry on top of the first attempt");
	cr_assert(strstr(run->error, "after 2 attempts") != NULL, "%s", run->error);
	cr_assert_eq(metrics_value(METRIC_RUN_DEAD), 1);
	cr_assert_eq(metrics_value(METRIC_RUN_RETRY), 1);
}

/* Four refusals make the client wait for 1.9 s at least before it repeats the request. */
Test(runner_outcome, waiting_for_twenty_is_not_counted_as_the_time_of_a_run)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", timeout = \"1s\", run = function()\n"
		"twenty.notes:create { title = \"late\" }\ntwenty.notes:list {}\nend }");
	stage_start(&s, STAGE_TWIN, NULL);
	make_fail("status=503:4,match=POST /rest/notes");
	int64_t from_ms = clock_mono_ms();
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_assert_eq(run->attempt, 1);
	cr_assert_gt(clock_mono_ms() - from_ms, 1500);
}

static struct run *at_work(void)
{
	for (size_t i = 0; i < s.runner->runs.max; i++) {
		if (s.runner->runs.slots[i].state == RUN_SUSPENDED)
			return &s.runner->runs.slots[i];
	}
	return NULL;
}

static bool is_suspended(struct stage *stage, long n)
{
	(void)stage, (void)n;
	return at_work() != NULL;
}

Test(runner_outcome, what_gets_better_by_itself_uses_up_no_attempt)
{
	static const enum rc codes[] = {
		RC_UNREACHABLE, RC_LIMITED, RC_AUTH, RC_BUSY, RC_UPSTREAM, RC_TIMEOUT};
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function() twenty.notes:list {} end }");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	for (size_t i = 0; i < ARRAY_N(codes); i++) {
		struct id event = stage_someone(&s, "x");
		stage_until(&s, is_suspended, 0);
		int64_t from_ms = clock_wall_ms();
		outcome_fail(s.runner, at_work(), codes[i], "not now", NULL);
		const struct stage_run *run = stage_find(&s, "r", &event);
		cr_expect_eq(run->state, QUEUE_WAITING, "%s", rc_name(codes[i]));
		cr_expect_gt(run->due_ms, from_ms, "%s", rc_name(codes[i]));
		cr_expect_eq(metrics_value(METRIC_RUN_RETRY), i < 4 ? 0 : (int64_t)i - 3, "%s",
			rc_name(codes[i]));
	}
}

/* Its time is up while it reads; its note has been made. */
Test(runner_outcome, a_retry_gives_the_same_chance_and_the_same_now)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", timeout = \"70ms\", run = function()\n"
		"twenty.notes:create { title = now() .. random(1000000000) }\n"
		"twenty.notes:list {}\nend }");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_eq(run->state, QUEUE_DONE, "%s: %s", run->code, run->error);
	cr_assert_geq(run->attempt, 2);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 1);
}
