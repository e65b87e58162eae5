/* SPDX-License-Identifier: MIT */
/*
 * Calls of rules: journaled before they leave, replayed after, bounded in number.
 * From: rules against a twin. To: runner/call.c, runner/gate.c, runner/journal.c.
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

TestSuite(runner_call, .init = open_stage, .fini = close_stage, .timeout = 60);

static void rule(const char *body)
{
	char text[2048];
	snprintf(text, sizeof(text),
		"rule \"r\" { on = \"person.*\", run = function(event)\n%s\nend }", body);
	stage_rule(&s, "a.lua", text);
}

static const struct stage_run *run_once(const char *settings)
{
	stage_start(&s, STAGE_TWIN, settings);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	return stage_find(&s, "r", NULL);
}

Test(runner_call, what_a_call_answers_reaches_the_rule)
{
	rule("local note = twenty.notes:create { title = \"one\" }\n"
	     "local again = twenty.notes:get(note.id)\n"
	     "log.info(again.title)\n"
	     "assert(twenty.notes:get(\"00000000-0000-4000-8000-000000000000\") == nil)\n"
	     "skip(now())");
	const struct stage_run *run = run_once(NULL);
	cr_assert_eq(run->state, QUEUE_SKIPPED, "%s", run->error);
	cr_assert(strstr(run->log, "one") != NULL);
	cr_assert_eq(strlen(run->error), 24, "a time: %s", run->error);
	cr_assert_geq(run->api_calls, 3);
}

Test(runner_call, a_refused_call_can_be_caught)
{
	rule("local ok, err = pcall(function() twenty.people:get(\"../../metadata\") end)\n"
	     "skip(tostring(ok) .. \" \" .. tostring(err.code))");
	const struct stage_run *run = run_once(NULL);
	cr_assert_eq(run->state, QUEUE_SKIPPED, "%s", run->error);
	cr_assert(strncmp(run->error, "false ", 6) == 0, "%s", run->error);
	cr_assert(strstr(run->error, "nil") == NULL, "%s", run->error);
}

Test(runner_call, the_quota_of_calls_is_an_error_the_rule_can_see)
{
	rule("for i = 1, 3 do now() end\n"
	     "local ok, err = pcall(now)\n"
	     "skip(err.code)");
	const struct stage_run *run = run_once("limits = { calls = 3 }");
	cr_assert_eq(run->state, QUEUE_SKIPPED, "%s", run->error);
	cr_assert_str_eq(run->error, "quota");
	cr_assert_eq(metrics_value(METRIC_ABORT_QUOTA), 1);
}

Test(runner_call, a_rule_that_ignores_its_quota_is_ended)
{
	rule("while true do pcall(now) end");
	const struct stage_run *run = run_once("limits = { calls = 3 }");
	cr_assert_eq(run->state, QUEUE_DEAD);
	cr_assert_str_eq(run->code, "quota");
}

static bool sent(struct stage *stage, long n)
{
	(void)n;
	return stage->runner->runs.live_n == 1 && stage->runner->gate.commits > 0 &&
	       stage_requests(stage, "POST", "/rest/notes") >= 1;
}

Test(runner_call, after_a_crash_a_run_goes_on_and_its_effects_happen_once)
{
	rule("local a = twenty.notes:create { title = \"one\" }\n"
	     "local b = twenty.notes:create { title = \"two\" }\n"
	     "local c = twenty.notes:create { title = \"three\" }\n"
	     "skip(a.title .. b.title .. c.title)");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, sent, 0);
	stage_crash(&s);
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_str_eq(run->error, "onetwothree");
	cr_assert_eq(run->attempt, 1, "a crash uses up no attempt");
	cr_assert_leq(stage_requests(&s, "POST", "/rest/notes"), 4, "one may have been repeated");
}

static void add_note(void)
{
	static const char body[] = "{\"title\":\"from outside\"}";
	const char *headers[] = {
		"Authorization: Bearer " STAGE_KEY, "Content-Type: application/json", NULL};
	struct http_answer answer;
	char url[128];
	snprintf(url, sizeof(url), "%s/rest/notes", s.twin_url);
	cr_assert(http_request("POST", url, headers, body, strlen(body), &answer));
	cr_assert_eq(answer.status, 201);
	http_answer_done(&answer);
}

Test(runner_call, a_retry_sees_what_it_saw_before_its_last_effect_and_the_present_behind_it)
{
	rule("local before = #twenty.people:list {}\n"
	     "twenty.notes:create { title = \"n\" .. before }\n"
	     "twenty.people:create { jobTitle = \"p\" }\n"
	     "local notes = #twenty.notes:list {}\n"
	     "if notes < 2 then retry_after(\"200ms\", \"again\") end\n"
	     "skip(before .. \"/\" .. notes)");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	add_note();
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_str_eq(run->error, "0/2", "%s", run->error);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/people"), 1, "no effect was repeated");
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 2);
}

Test(runner_call, a_retry_without_an_effect_starts_from_scratch)
{
	rule("local notes = #twenty.notes:list {}\n"
	     "if notes == 0 then retry_after(\"200ms\", \"again\") end\n"
	     "skip(notes)");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	add_note();
	stage_until(&s, stage_ended, 1);
	cr_assert_str_eq(stage_find(&s, "r", NULL)->error, "1");
}

Test(runner_call, no_effect_leaves_before_its_intent_is_durable)
{
	rule("twenty.notes:create { title = \"one\" }");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	int64_t end = clock_mono_ms() + 10000;
	while (s.runner->gate.held == NULL && s.runner->runs.live_n == 0)
		runner_turn(s.runner);
	/* The turns of the loop by hand, without the commit at their end. */
	while (s.runner->gate.held == NULL && clock_mono_ms() < end) {
		cr_assert_geq(sd_event_run(s.parts.loop, 10000), 0);
		pool_flush(&s.runner->pool);
	}
	cr_assert(s.runner->gate.held != NULL, "the effect waits for the commit");
	for (int i = 0; i < 50; i++)
		cr_assert_geq(sd_event_run(s.parts.loop, 1000), 0);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 0);
	stage_until(&s, stage_ended, 1);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 1);
}
