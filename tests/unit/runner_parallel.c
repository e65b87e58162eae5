/* SPDX-License-Identifier: MIT */
/*
 * Runs with several calls at once: on the wire together, journaled by path, replayed whatever
 * happens in the middle of a block. From: rules against a twin. To: runner/call.c, runner/assign.c,
 * runner/replay.c.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "tests/harness/http.h"
#include "tests/unit/runner_stage.h"

#define NOTE(title) "function() return twenty.notes:create { title = \"" title "\" } end"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_parallel, .init = open_stage, .fini = close_stage, .timeout = 200);

static void rule(const char *body)
{
	char text[2048];
	snprintf(text, sizeof(text),
		"rule \"r\" { on = \"person.*\", run = function(event)\n%s\nend }", body);
	stage_rule(&s, "a.lua", text);
}

static const struct stage_run *run_once(enum stage_twin twin, const char *settings)
{
	stage_start(&s, twin, settings);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	return stage_find(&s, "r", NULL);
}

static struct run *live_run(void)
{
	for (size_t i = 0; i < s.runner->runs.slots_n; i++)
		if (s.runner->runs.slots[i].state != RUN_FREE)
			return &s.runner->runs.slots[i];
	return NULL;
}

/* So many of its calls have been sent and have no answer. */
static bool on_the_wire(struct stage *stage, long n)
{
	const struct run *run = live_run();
	long busy = 0;
	for (size_t i = 0; run != NULL && i < run->journal.n; i++)
		busy += run->journal.entries[i].state == JOURNAL_BUSY;
	return stage->runner->gate.held == NULL && busy == n;
}

static void set_faults(const char *spec)
{
	struct http_answer answer;
	char url[128];
	snprintf(url, sizeof(url), "%s/_twin/fault", s.twin_url);
	cr_assert(http_request("POST", url, NULL, spec, strlen(spec), &answer));
	cr_assert_lt(answer.status, 300);
	http_answer_done(&answer);
}

Test(runner_parallel, calls_of_all_branches_are_on_the_wire_before_one_is_answered)
{
	rule("local a, b, c = parallel(" NOTE("a") ", " NOTE(
		"b") ",\n"
		     "function() return #twenty.people:list {} end)\n"
		     "skip(a.title .. b.title .. c)");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, on_the_wire, 3);
	cr_assert_eq(live_run()->journal.n, 3);
	cr_assert_eq(live_run()->state, RUN_SUSPENDED);
	cr_assert_str_eq(live_run()->journal.entries[1].path, "1.2.1");
	stage_until(&s, stage_ended, 1);
	cr_assert_str_eq(stage_find(&s, "r", NULL)->error, "ab0");
}

Test(runner_parallel, effects_of_all_branches_wait_for_the_commit)
{
	rule("parallel(" NOTE("a") ", " NOTE("b") ")");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	int64_t end = clock_mono_ms() + 10000;
	while (s.runner->gate.held == NULL && s.runner->runs.live_n == 0)
		runner_turn(s.runner);
	while ((s.runner->gate.held == NULL || s.runner->gate.held->next == NULL) &&
		clock_mono_ms() < end) {
		cr_assert_geq(sd_event_run(s.parts.loop, 10000), 0);
		pool_flush(&s.runner->pool);
	}
	cr_assert(s.runner->gate.held != NULL && s.runner->gate.held->next != NULL);
	for (int i = 0; i < 50; i++)
		cr_assert_geq(sd_event_run(s.parts.loop, 1000), 0);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 0);
	uint64_t commits = s.runner->gate.commits;
	stage_until(&s, stage_ended, 1);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 2);
	cr_assert_geq(s.runner->gate.commits, commits + 1);
}

Test(runner_parallel, a_worker_that_dies_within_a_block_repeats_no_effect)
{
	rule("local one = twenty.notes:create { title = \"1\" }.title\n"
	     "local a, b = parallel(function()\n"
	     "  return twenty.notes:create { title = \"a\" }.title .. now():sub(1, 2)\n"
	     "end, function()\n"
	     "  random() return twenty.notes:create { title = \"b\" }.title\n"
	     "end)\n"
	     "skip(one .. a .. b)");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, on_the_wire, 1);
	stage_until(&s, on_the_wire, 2);
	for (int i = 0; i < 2;
		i++) { /* twice: the second may see answers that have come meanwhile */
		const struct run *run = live_run();
		cr_assert_not_null(run);
		uint32_t generation = run->generation;
		if (run->worker != NULL)
			cr_assert_eq(kill(run->worker->pid, SIGKILL), 0);
		for (int64_t end = clock_mono_ms() + 10000; clock_mono_ms() < end;) {
			run = live_run();
			if (run == NULL || run->generation != generation)
				break;
			runner_turn(s.runner);
		}
	}
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_eq(run->state, QUEUE_SKIPPED, "%s", run->error);
	cr_assert_str_eq(run->error, "1a20b");
	cr_assert_eq(run->attempt, 1);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 3, "%ld",
		stage_requests(&s, "POST", "/rest/notes"));
}

Test(runner_parallel, after_a_crash_within_a_block_the_effects_happen_once)
{
	rule("local a, b = parallel(" NOTE(
		"a") ", function()\n"
		     "local n = #twenty.people:list {}\n"
		     "return twenty.notes:create { title = \"b\" .. n } end)\n"
		     "skip(a.title .. b.title)");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, on_the_wire, 2);
	stage_crash(&s);
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_str_eq(run->error, "ab0", "%s", run->error);
	cr_assert_eq(run->attempt, 1);
	cr_assert_leq(stage_requests(&s, "POST", "/rest/notes"), 3, "one may have been repeated");
}

Test(runner_parallel, a_failure_in_one_branch_gets_better_though_another_had_its_effect)
{
	rule("local a, b = parallel(function()\n"
	     "  return twenty.people:create { jobTitle = \"a\" } end, function()\n"
	     "  twenty.companies:list {} twenty.companies:list { limit = 1 }\n"
	     "  return twenty.notes:create { title = \"b\" } end)\n"
	     "skip(a.jobTitle .. b.title)");
	stage_start(&s, STAGE_TWIN, NULL);
	set_faults("status=400:1,match=POST /rest/people");
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 1, "the other branch went on");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_eq(run->state, QUEUE_SKIPPED, "%s", run->error);
	cr_assert_str_eq(run->error, "ab");
	cr_assert_eq(run->attempt, 2);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/people"), 2);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 1);
	cr_assert_eq(stage_requests(&s, "GET", "/rest/companies"), 2, "answered before an effect");
}

Test(runner_parallel, an_outcome_in_a_branch_waits_for_the_effects_of_the_others)
{
	rule("parallel(" NOTE("a") ", function() now() retry_after(\"100ms\", \"x\") end)");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	cr_assert_eq(stage_find(&s, "r", NULL)->api_calls, 1, "it was waited for");
	for (int i = 0; i < 2; i++) { /* its next attempts find the answer in the journal */
		stage_until(&s, on_the_wire, 0);
		stage_until(&s, stage_waiting, 1);
	}
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 1);
}

Test(runner_parallel, the_quota_of_calls_counts_over_all_branches)
{
	rule("local t = {}\n"
	     "for i = 1, 5 do t[i] = function()\n"
	     "  local ok, e = pcall(now) return ok and \"y\" or e.code end end\n"
	     "skip(table.concat({ parallel(table.unpack(t)) }, \" \"))");
	const struct stage_run *run = run_once(STAGE_TWIN, "limits = { calls = 3 }");
	cr_assert_str_eq(run->error, "y y y quota quota", "%s", run->error);
	cr_assert_eq(metrics_value(METRIC_ABORT_QUOTA), 1);
}

static bool rests(struct stage *stage, long n)
{
	(void)stage;
	(void)n;
	return live_run() != NULL && live_run()->later != NULL;
}

Test(runner_parallel, a_run_that_is_killed_ends_when_all_of_its_effects_have_their_answers)
{
	rule("log.info(\"here\")\n"
	     "parallel(" NOTE("a") ", " NOTE("b") ", function() now()\n"
						  "return (\"a\"):rep(30):find((\"a?\"):rep(30) .. "
						  "(\"a\"):rep(30) .. \"b\") end)");
	stage_start(&s, STAGE_TWIN, "limits = { cpu = \"10ms\" }");
	/* Long enough for a worker to be killed before, on a machine that has much to do. */
	set_faults("slow=4000ms:100%,match=POST /rest/notes");
	stage_someone(&s, "x");
	stage_until(&s, rests, 0);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DEAD], 0);
	cr_assert_eq(live_run()->state, RUN_PENDING);
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_eq(run->state, QUEUE_DEAD);
	cr_assert_str_eq(run->code, "cpu", "%s", run->error);
	cr_assert(strstr(run->error, "the worker was killed") != NULL, "%s", run->error);
	cr_assert(strstr(run->log, "here") != NULL);
	cr_assert_eq(run->api_calls, 2, "what was sent is known");
	cr_assert_eq(s.runner->runs.live_n, 0u);
}

/* Answers given at once meet calls of the same burst; `when` is asked of the same workers. */
Test(runner_parallel, many_runs_with_many_branches_keep_their_workers)
{
	enum { N = 100 };
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", when = function() return true end,\n"
		"run = function(event)\n"
		"local function f() now() return 1 end\n"
		"local function g() now() local a, b = parallel(f, f) return a + b end\n"
		"local n = 0 for _ = 1, 3 do\n"
		"  for _, v in ipairs { parallel(f, g, now, g, f) } do\n"
		"    n = n + (tonumber(v) or 10) end end\n"
		"skip(tostring(n))\nend }");
	stage_start(&s, STAGE_TWIN, "workers = 2");
	stage_until(&s, stage_all_ready, 0);
	int64_t starts = metrics_value(METRIC_WORKER_STARTS);
	for (int i = 0; i < N; i++)
		stage_someone(&s, "x");
	stage_until(&s, stage_ended, N);
	stage_look(&s);
	cr_assert_eq(s.runs_n, N);
	for (size_t i = 0; i < s.runs_n; i++) {
		cr_assert_eq(s.runs[i].deaths, 0);
		cr_assert_str_eq(s.runs[i].error, "48");
	}
	for (size_t i = 0; i < s.runner->pool.base_n; i++)
		cr_assert_eq(s.runner->pool.workers[i].failures, 0);
	cr_assert_leq(metrics_value(METRIC_WORKER_STARTS), starts + 4, "spare ones at most");
}

Test(runner_parallel, a_run_that_is_late_ends_when_all_of_its_effects_have_their_answers)
{
	rule("parallel(" NOTE("a") ", " NOTE("b") ", function() twenty.people:list {} now() end)");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, on_the_wire, 3);
	live_run()->used_us += INT64_C(60000000);
	stage_until(&s, stage_waiting, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_str_eq(run->code, "wall", "%s", run->error);
	cr_assert_geq(run->api_calls, 2, "what was sent is known");
	stage_until(&s, stage_ended, 1);
	cr_assert_eq(stage_find(&s, "r", NULL)->state, QUEUE_DONE);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 2);
}

Test(runner_parallel, a_run_that_was_claimed_elsewhere_lets_go_of_all_its_calls)
{
	struct err err = {0};
	struct queue_run stolen[2];
	size_t n = 0;
	rule("parallel(" NOTE("a") ", " NOTE("b") ", " NOTE("c") ")");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, on_the_wire, 3);
	cr_assert_eq(queue_adopt(s.work, &n, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_claim(s.work, clock_wall_ms(), 2, stolen, &n, &err), RC_OK);
	cr_assert_eq(n, 1);
	stage_someone(&s, "y");
	stage_until(&s, stage_ended, 1);
	cr_assert_eq(s.runner->fatal, RC_OK);
	cr_expect_eq(s.runner->runs.live_n, 0u);
	cr_expect_eq(stage_counts(&s).runs[QUEUE_DONE], 1, "the other one");
	struct queue_outcome o = {.state = QUEUE_DONE, .ended_ms = clock_wall_ms()};
	cr_expect_eq(queue_finish(s.work, stolen[0].seq, stolen[0].epoch, &o, &err), RC_OK);
	queue_run_done(&stolen[0]);
}

Test(runner_parallel, a_drain_within_a_block_keeps_what_is_known)
{
	rule("local a, b = parallel(" NOTE(
		"a") ", function()\n"
		     "for i = 1, 3 do twenty.notes:create { title = \"b\" } end return 3 end)\n"
		     "skip(a.title .. b)");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, on_the_wire, 2);
	stage_stop(&s);
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	cr_assert_str_eq(stage_find(&s, "r", NULL)->error, "a3");
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 4);
}

static bool holds_back(struct stage *stage, long n)
{
	(void)stage;
	return live_run() != NULL && live_run()->held_n >= (size_t)n;
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

/* On the retry all of them are there at once. */
Test(runner_parallel, large_answers_are_handed_over_as_the_run_reads_them)
{
	rule("local p = twenty.people:create { jobTitle = (\"x\"):rep(1 << 20) }\n"
	     "local t, n = {}, 0\n"
	     "for i = 1, 24 do t[i] = function() return #twenty.people:get(p.id).jobTitle end end\n"
	     "for _, v in ipairs { parallel(table.unpack(t)) } do n = n + v end\n"
	     "twenty.notes:create { title = \"n\" }\n"
	     "if #twenty.notes:list {} < 2 then retry_after(\"100ms\", \"x\") end\n"
	     "skip(tostring(n))");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	long gets = stage_requests(&s, "GET", "/rest/people");
	add_note();
	stage_until(&s, holds_back, 10);
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_str_eq(run->error, "25165824");
	cr_assert_eq(run->deaths, 0);
	cr_assert_eq(stage_requests(&s, "GET", "/rest/people"), gets, "they were replayed");
}

Test(runner_parallel, time_on_the_wire_counts_once_for_calls_at_the_same_time)
{
	struct run run = {.limits = {.wall_ms = 1000}};
	int64_t long_ago = clock_mono_us() - 10000000;
	run.counted_from_us = run.counted_us = long_ago;
	run_count(&run, 600000);
	run_count(&run, 600000);
	cr_assert_geq(run_wall_ms(&run), 600);
	cr_assert_leq(run_wall_ms(&run), 900, "%ld", (long)run_wall_ms(&run));
	run_count(&run, 1500000); /* began before the others */
	cr_assert_geq(run_wall_ms(&run), 1500);
	cr_assert_leq(run_wall_ms(&run), 2000);
}
