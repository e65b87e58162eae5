/* SPDX-License-Identifier: MIT */
/*
 * Calls of rules: journaled before they leave, replayed after, bounded in number.
 * From: rules against a twin. To: runner/call.c, runner/gate.c, runner/journal.c.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runner/assign.h"
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
	cr_assert(strstr(run->error, "more than 3 calls") != NULL, "by the runner: %s", run->error);
}

/* The id of a new record is made of event, rule and call: none of them may be left out. */
Test(runner_call, alike_creates_of_two_rules_two_events_and_two_calls_are_as_many_records)
{
	stage_rule(&s, "a.lua",
		"for _, name in ipairs { \"one\", \"two\" } do\n"
		"rule(name) { on = \"person.*\", run = function()\n"
		"local a = twenty.notes:create { title = \"n\" }\n"
		"local b = twenty.notes:create { title = \"n\" }\n"
		"skip(a.id .. b.id)\nend }\nend");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 4);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 4);
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(s.runs[i].state, QUEUE_SKIPPED, "%s", s.runs[i].error);
		cr_assert_eq(strlen(s.runs[i].error), 72, "two ids: %s", s.runs[i].error);
		cr_expect_neq(memcmp(s.runs[i].error, s.runs[i].error + 36, 36), 0);
		for (size_t k = 0; k < i; k++)
			cr_expect_null(strstr(s.runs[k].error, s.runs[i].error + 36), "%s and %s",
				s.runs[k].rule, s.runs[i].rule);
	}
}

/* The START that a worker has not been sent yet, from its event on; frames before it, such as the
 * LOAD of its rule, hold zero bytes. */
static const char *unsent(void)
{
	static const char event[] = "\"event\":";
	for (size_t i = 0; i < s.runner->pool.n; i++) {
		struct buf *out = &s.runner->pool.workers[i].channel.out;
		const char *start =
			out->n != 0 ? memmem(out->p, out->n, event, sizeof(event) - 1) : NULL;
		if (start != NULL)
			return start;
	}
	return "";
}

Test(runner_call, the_limits_of_the_configuration_reach_the_worker)
{
	rule("");
	int64_t end = clock_mono_ms() + 60000;
	int runs = 0;
	stage_start(&s, STAGE_ALONE, "limits = { calls = 500000, logs = 300000 }");
	/* The turns of the loop by hand, without sending what has gathered. Where the loop itself
	 * was quicker, as it may be on a busy machine, the next run shows it. */
	while (unsent()[0] == '\0' && clock_mono_ms() < end) {
		if (s.runner->runs.live_n == 0) {
			stage_someone(&s, "x");
			runs++;
		}
		cr_assert_geq(sd_event_run(s.parts.loop, 100000), 0);
		route_step(s.runner);
		assign_place(s.runner);
	}
	cr_expect(strstr(unsent(), "\"logs\":300000,") != NULL, "%s", unsent());
	/* The last word is the runner's, and it has patience with a hundred more. */
	cr_expect(strstr(unsent(), "\"calls\":500101}") != NULL, "%s", unsent());
	stage_until(&s, stage_ended, runs);
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

/* --- what no honest worker sends ---------------------------------------------------------------
 */

#define CALL(object, args)                                                                         \
	"{\"path\":\"1\",\"method\":\"create\",\"object\":\"" object "\",\"args\":" args "}"
#define WAITING "local ok = e.record.jobTitle ~= \"bad\" while not ok do end\n"

/* As if the worker had said this of the run that it was just asked to start. */
static void say(
	struct worker *w, enum frame_kind kind, const struct pool_task *task, struct slice payload)
{
	struct frame f = {kind, task->run, task->generation, payload};
	w->channel.owner.frame(w->channel.owner.ctx, &f);
}

/* The worker that was asked to start a run of this event; NULL: none was. */
static struct worker *starter(const struct id *event, struct pool_task *ret_task)
{
	for (size_t i = 0; i < s.runner->pool.n; i++) {
		struct worker *w = &s.runner->pool.workers[i];
		for (size_t k = 0; k < w->tasks_n; k++) {
			const struct pool_task *t = pool_task_at(w, k);
			if (t->kind != FRAME_START)
				continue;
			struct run *run = run_find(&s.runner->runs, t->run, t->generation);
			if (run == NULL || strcmp(run->q.event.text, event->text) != 0)
				continue;
			*ret_task = *t;
			return w;
		}
	}
	return NULL;
}

static struct id bad;

static bool bad_starts_or_ends(struct stage *stage, long n)
{
	struct pool_task task;
	return starter(&bad, &task) != NULL || stage_ended(stage, n);
}

/* Says it each time the bad run starts, ten times at most; answers how often. The other runs end
 * well all the same. */
static int say_each_time(enum frame_kind kind, struct slice payload)
{
	int times = 0;
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", cpu = \"1s\", run = function(e)\n" WAITING
		"twenty.notes:create { title = \"n\" }\nend }");
	stage_start(&s, STAGE_TWIN, "workers = 1");
	bad = stage_someone(&s, "bad");
	for (int i = 0; i < 5; i++)
		stage_someone(&s, "good");
	for (; times < 10; times++) {
		struct pool_task task;
		stage_until(&s, bad_starts_or_ends, 6);
		struct worker *w = starter(&bad, &task);
		if (w == NULL)
			break;
		say(w, kind, &task, payload);
	}
	cr_assert_lt(times, 10, "it goes on for ever");
	stage_until(&s, stage_ended, 6);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DONE], 5);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 5, "no effect was repeated");
	return times;
}

static void is_refused(const char *call, enum rc code)
{
	int times = say_each_time(FRAME_CALL, slice_of(call));
	const struct stage_run *run = stage_find(&s, "r", &bad);
	cr_expect_eq(run->state, QUEUE_DEAD, "%s", run->error);
	cr_expect_str_eq(run->code, rc_name(code));
	cr_expect(strstr(run->error, "call") != NULL, "%s", run->error);
	cr_expect_eq(times, 1, "at once");
	cr_expect_eq(run->deaths, 0, "nobody died of it");
}

Test(runner_call, a_call_with_nul_in_a_text_ends_its_run_and_no_other)
{
	is_refused(CALL("people", "{\"data\":{\"jobTitle\":\"a\\u0000b\"}}"), RC_INVALID);
}

Test(runner_call, a_call_with_nul_in_a_key_ends_its_run_and_no_other)
{
	is_refused(CALL("people", "{\"data\":{\"a\\u0000b\":1}}"), RC_INVALID);
}

Test(runner_call, a_call_to_an_object_without_such_a_name_ends_its_run)
{
	is_refused(CALL("../metadata", "{\"id\":\"x\"}"), RC_INVALID);
}

Test(runner_call, a_call_that_is_no_call_ends_its_run)
{
	is_refused("[1]", RC_INVALID);
}

Test(runner_call, a_call_with_more_marks_than_are_parsed_ends_its_run)
{
	struct buf call;
	buf_init(&call, 1 << 20);
	cr_assert_eq(buf_put_text(&call, "{\"path\":\"1\",\"method\":\"create\",\"object\":"
					 "\"people\",\"args\":{\"data\":{\"x\":[0"),
		RC_OK);
	for (int i = 0; i < 210000; i++)
		cr_assert_eq(buf_put_text(&call, ",0"), RC_OK);
	cr_assert_eq(buf_put_text(&call, "]}}}"), RC_OK);
	is_refused(call.p, RC_QUOTA);
	buf_done(&call);
}

Test(runner_call, a_worker_that_speaks_nonsense_of_a_run_is_blamed_on_it)
{
	int times = say_each_time(FRAME_START, slice_of("{}"));
	const struct stage_run *run = stage_find(&s, "r", &bad);
	cr_assert_eq(run->state, QUEUE_QUARANTINED, "%s", run->error);
	cr_assert_str_eq(run->code, "worker");
	cr_assert_leq(times, 4, "once among others, three times alone");
}

Test(runner_call, an_end_that_says_nothing_is_blamed_on_its_run)
{
	int times = say_each_time(FRAME_END, slice_of("{\"outcome\":\"a\\u0000\"}"));
	const struct stage_run *run = stage_find(&s, "r", &bad);
	cr_assert_eq(run->state, QUEUE_QUARANTINED, "%s", run->error);
	cr_assert_leq(times, 4, "once among others, three times alone");
}

static struct run *live_run(void)
{
	for (size_t i = 0; i < s.runner->runs.slots_n; i++)
		if (s.runner->runs.slots[i].state != RUN_FREE)
			return &s.runner->runs.slots[i];
	return NULL;
}

static bool both_started(struct stage *stage, long n)
{
	(void)n;
	return stage->runner->pool.workers[0].runs_n == 2;
}

Test(runner_call, an_end_that_was_none_leaves_nothing_behind_in_the_next_worker)
{
	struct pool_task task;
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", cpu = \"10s\", run = function(e)\n" WAITING
		"end }");
	stage_start(&s, STAGE_ALONE, "workers = 1");
	bad = stage_someone(&s, "bad");
	stage_someone(&s, "good");
	stage_until(&s, both_started, 1);
	struct worker *w = starter(&bad, &task);
	cr_assert_not_null(w);
	say(w, FRAME_END, &task, slice_of("{\"outcome\":\"finished\"}"));
	cr_assert_not_null(live_run());
	cr_expect(!live_run()->ended, "a worker that holds it is told when it is over");
}

Test(runner_call, a_worker_that_has_nothing_to_say_to_what_it_waits_for_is_blamed)
{
	say_each_time(FRAME_BEAT, slice_of("{}"));
	const struct stage_run *run = stage_find(&s, "r", &bad);
	cr_assert_eq(run->state, QUEUE_QUARANTINED, "%s", run->error);
}

static bool has_called(struct stage *stage, long n)
{
	(void)stage;
	(void)n;
	const struct run *run = live_run();
	return run != NULL && run->calls != NULL && s.runner->gate.held == NULL;
}

Test(runner_call, a_run_with_another_call_under_way_may_have_nothing_to_say)
{
	rule("twenty.notes:create { title = \"one\" }");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, has_called, 0);
	struct run *run = live_run();
	struct pool_task task = {FRAME_RESUME, run->slot, run->generation, 0};
	say(run->worker, FRAME_BEAT, &task, slice_of("{}"));
	cr_assert_eq(run->state, RUN_SUSPENDED);
	stage_until(&s, stage_ended, 1);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DONE], 1);
}

Test(runner_call, a_run_that_was_claimed_elsewhere_is_left_alone_and_others_go_on)
{
	struct err err = {0};
	struct queue_run stolen[2];
	size_t n = 0;
	char log[256], lines[4096] = "";
	rule("twenty.notes:create { title = \"one\" }\n"
	     "twenty.notes:create { title = \"two\" }");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, has_called, 0);
	cr_assert_eq(queue_adopt(s.work, &n, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(n, 1);
	cr_assert_eq(queue_claim(s.work, clock_wall_ms(), 2, stolen, &n, &err), RC_OK);
	cr_assert_eq(n, 1);
	snprintf(log, sizeof(log), "%s/log", s.dir);
	int before = dup(STDERR_FILENO), fd = open(log, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(before >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	log_start("runner", LOG_JSON, LOG_WARN);
	stage_someone(&s, "y");
	stage_until(&s, stage_ended, 1);
	dup2(before, STDERR_FILENO);
	cr_assert_geq(pread(fd, lines, sizeof(lines) - 1, 0), 1);
	const char *said = strstr(lines, "claimed again elsewhere");
	cr_expect(said != NULL && strstr(said + 1, "claimed again elsewhere") == NULL, "%s", lines);
	cr_assert_eq(s.runner->fatal, RC_OK);
	cr_expect_eq(s.runner->runs.live_n, 0u);
	cr_expect_eq(stage_counts(&s).runs[QUEUE_DONE], 1, "the other one");
	struct queue_outcome o = {.state = QUEUE_DONE, .ended_ms = clock_wall_ms()};
	cr_expect_eq(queue_finish(s.work, stolen[0].seq, stolen[0].epoch, &o, &err), RC_OK, "%s",
		err.msg);
	queue_run_done(&stolen[0]);
	close(before);
	close(fd);
}

/* What the rules can do about it: an error at their own line, before anything is sent. */
Test(runner_call, a_rule_that_says_what_cannot_be_said_fails_where_it_says_it)
{
	static const char *const bodies[] = {"twenty.people:create { jobTitle = \"a\\0b\" }",
		"twenty.people:create { [\"a\\0b\"] = 1 }", "twenty.people:get(\"a\\0b\")",
		"local t = {} for i = 1, 210000 do t[i] = i end twenty.people:create { x = t }",
		"local t = {} for i = 1, 61 do t = { t } end twenty.people:create { x = t }",
		"twenty[(\"x\"):rep(64)]:list()"};
	char text[4096] = "";
	for (size_t i = 0; i < ARRAY_N(bodies); i++) {
		size_t n = strlen(text);
		snprintf(text + n, sizeof(text) - n,
			"rule \"r%zu\" { on = \"person.*\", run = function(e) %s end }\n", i,
			bodies[i]);
	}
	stage_rule(&s, "a.lua", text);
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, ARRAY_N(bodies));
	for (size_t i = 0; i < ARRAY_N(bodies); i++) {
		char name[16], at[32];
		snprintf(name, sizeof(name), "r%zu", i);
		snprintf(at, sizeof(at), "a.lua:%zu: twenty", i + 1);
		const struct stage_run *run = stage_find(&s, name, NULL);
		cr_expect_eq(run->state, QUEUE_DEAD);
		cr_expect_str_eq(run->code, "rule");
		cr_expect(strncmp(run->error, at, strlen(at)) == 0, "%s", run->error);
	}
	cr_assert_eq(stage_requests(&s, "POST", "/rest/people"), 0);
	cr_assert_eq(stage_requests(&s, "GET", "/rest/people/"), 0);
}
