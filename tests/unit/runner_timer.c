/* SPDX-License-Identifier: MIT */
/*
 * after and cancel in whole runs: armed once, fired once, whatever ends in between.
 * From: rules. To: runner/local_timer.c, runner/timer.c, queue/timer.h.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/pause.h"
#include "queue/timer.h"
#include "tests/unit/runner_stage.h"

#define ID "0a000000-0000-4000-8000-000000000001"
#define OTHER "0a000000-0000-4000-8000-000000000002"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_timer, .init = open_stage, .fini = close_stage, .timeout = 60);

/* "arms" runs for every person, "later" is the target and says what it got. */
static void rules(const char *arms, const char *later)
{
	char text[4096];
	snprintf(text, sizeof(text),
		"rule \"arms\" { on = \"person.*\", run = function(event)\n%s\nend }\n"
		"rule \"later\" { on = \"timer\", run = function(event)\n%s\nend }",
		arms, later);
	stage_rule(&s, "a.lua", text);
}

/* A twin with one person. */
static void begin(void)
{
	stage_start(&s, STAGE_TWIN, NULL);
	json_decref(stage_record(
		&s, "POST", "/rest/people", "{\"id\":\"" ID "\",\"jobTitle\":\"now\"}"));
}

static int64_t armed_n(const char *rule)
{
	int64_t n = -1, next;
	struct err err;
	cr_assert_eq(queue_timer_count(s.work, rule, &n, &next, &err), RC_OK);
	return n;
}

static bool is_armed(struct stage *stage, long n)
{
	(void)stage;
	return armed_n("later") == n;
}

static enum rc count_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	(void)row;
	(void)err;
	++*(long *)ctx;
	return RC_OK;
}

static bool events_are(struct stage *stage, long n)
{
	struct queue_filter any = {0};
	struct err err;
	long is_n = 0;
	(void)stage;
	cr_assert_eq(queue_event_each(s.work, &any, count_event, &is_n, &err), RC_OK);
	return is_n >= n;
}

/* One person's run has armed a timer for later, and that is on the disk. */
static void armed(void)
{
	struct err err;
	stage_person(&s, "created", ID, "x");
	stage_until(&s, stage_ended, 1);
	cr_assert_eq(queue_commit(s.work, &err), RC_OK);
	cr_assert_eq(armed_n("later"), 1);
}

/* Two hours pass for all timers at once. */
static void let_time_pass(void)
{
	struct err err;
	cr_assert_eq(queue_due_shift(s.runner->queue, -INT64_C(7200000), &err), RC_OK);
	timer_again(s.runner);
}

static const char *said(const char *rule)
{
	const struct stage_run *run = stage_find(&s, rule, NULL);
	cr_assert_eq(run->state, QUEUE_SKIPPED, "%s: %s", rule, run->error);
	return run->error;
}

static size_t runs_of(const char *rule)
{
	size_t n = 0;
	stage_look(&s);
	for (size_t i = 0; i < s.runs_n; i++)
		n += strcmp(s.runs[i].rule, rule) == 0;
	return n;
}

static const char tells[] =
	"local r = event.record\n"
	"skip(event.name .. \" \" .. event.via .. \" \" .. tostring(event.object) .. \" \" ..\n"
	"  (r and r.id or \"none\") .. \" \" .. json.encode(event.payload) .. \" \" .. event.at)";

struct told {
	char text[256];
};

static enum rc look_at_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct told *t = ctx;
	(void)err;
	if (strcmp(row->via, "hook") != 0)
		snprintf(t->text, sizeof(t->text), "%s|%s|%s|%s|%s|%d|%s|%d", row->name,
			row->object, row->record, row->via, queue_state_name(row->state),
			row->cause[0] != '\0', row->reason, row->depth);
	return RC_OK;
}

/* The newest event that no delivery brought: name|object|record|via|state|caused|reason|depth. */
static const char *event_told(void)
{
	static struct told t;
	struct err err;
	struct queue_filter any = {0};
	t.text[0] = '\0';
	cr_assert_eq(queue_event_each(s.work, &any, look_at_event, &t, &err), RC_OK);
	return t.text;
}

Test(runner_timer, a_timer_fires_its_rule_with_the_payload_and_the_record_of_the_run_that_armed_it)
{
	rules("local at = after(\"20ms\", \"later\", { n = { 1 } }) assert(#at == 24)", tells);
	begin();
	int64_t before = clock_wall_ms();
	stage_person(&s, "created", ID, "x");
	stage_until(&s, stage_ended, 2);
	char wanted[128], at[CLOCK_TEXT_N];
	clock_format(before, at);
	snprintf(wanted, sizeof(wanted), "timer timer person " ID " {\"n\":[1]} %.11s", at);
	cr_expect_eq(strncmp(said("later"), wanted, strlen(wanted)), 0, "%s", said("later"));
	cr_expect_str_eq(event_told(), "timer|person|" ID "|timer|skipped|1||1");
	cr_expect_eq(armed_n("later"), 0);
}

Test(runner_timer, the_record_is_read_when_the_timer_fires)
{
	rules("after(\"1h\", \"later\")", "skip(event.record.jobTitle)");
	begin();
	armed();
	json_decref(stage_record(&s, "PATCH", "/rest/people/" ID, "{\"jobTitle\":\"newer\"}"));
	let_time_pass();
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(said("later"), "newer");
}

Test(runner_timer, where_the_record_is_gone_the_run_is_skipped)
{
	rules("after(\"1h\", \"later\")", "error(\"it ran\")");
	begin();
	armed();
	free(stage_ask(&s, "DELETE", "/rest/people/" ID, NULL));
	let_time_pass();
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(said("later"), "the person is not there any more");
}

Test(runner_timer, a_time_of_the_day_is_as_good_as_a_delay_and_one_that_is_past_fires_at_once)
{
	rules("after(\"2020-01-01T00:00:00.000Z\", \"later\")", tells);
	begin();
	stage_person(&s, "created", ID, "x");
	stage_until(&s, stage_ended, 2);
	cr_expect(strstr(said("later"), " null 2020-01-01T00:00:00.000Z") != NULL, "%s",
		said("later"));
}

Test(runner_timer, what_is_more_than_ten_years_ahead_is_refused_and_not_fired_at_once)
{
	rules("local _, a = pcall(after, \"4000d\", \"later\")\n"
	      "local _, b = pcall(after, \"20000d\", \"later\")\n"
	      "local _, c = pcall(after, \"106751991167d\", \"later\")\n"
	      "local _, d = pcall(after, \"9999-01-01\", \"later\")\n"
	      "after(\"3600d\", \"later\")\n"
	      "skip(tostring(a.message) .. \"|\" .. tostring(b.message) .. \"|\" ..\n"
	      "  tostring(c.message) .. \"|\" .. tostring(d.message))",
		tells);
	begin();
	stage_person(&s, "created", ID, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(said("arms"),
		"after: that is more than 10 years ahead|after: that is more than 10 years ahead|"
		"after: that is more than 10 years ahead|after: that is more than 10 years ahead");
	cr_expect_eq(armed_n("later"), 1, "what is less is armed");
}

Test(runner_timer, armed_again_it_replaces_and_cancelled_it_does_not_fire)
{
	rules("after(\"1h\", \"later\", 1) after(\"2h\", \"later\", 2)\n"
	      "after(\"1h\", \"later\", 3, { key = \"other\" })\n"
	      "local was, none = cancel(\"later\", \"other\"), cancel(\"later\", \"other\")\n"
	      "skip(tostring(was) .. \" \" .. tostring(none))",
		tells);
	begin();
	stage_person(&s, "created", ID, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(said("arms"), "true false");
	cr_expect_eq(armed_n("later"), 1);
	stage_person(&s, "created", OTHER, "y");
	stage_until(&s, stage_ended, 2);
	cr_expect_eq(armed_n("later"), 2, "another record has another");
}

Test(runner_timer, without_a_key_cancel_means_that_of_the_record)
{
	rules("if event.record.jobTitle == \"arm\" then after(\"1h\", \"later\") else cancel "
	      "\"later\" end",
		tells);
	begin();
	stage_person(&s, "created", ID, "arm");
	stage_until(&s, is_armed, 1);
	stage_person(&s, "updated", ID, "cancel");
	stage_until(&s, is_armed, 0);
}

Test(runner_timer, a_rule_that_is_not_there_or_takes_no_timers_is_an_error_at_the_call)
{
	rules("local _, a = pcall(after, \"1h\", \"latr\")\n"
	      "local _, b = pcall(after, \"1h\", \"arms\")\n"
	      "local _, c = pcall(cancel, \"nothing like it\")\n"
	      "skip(a.message .. \"|\" .. b.message .. \"|\" .. c.code)",
		tells);
	begin();
	stage_person(&s, "created", ID, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(said("arms"),
		"after: there is no rule \"latr\", did you mean \"later\"?|"
		"after: rule \"arms\" takes no timers (a.lua:1): write on = \"timer\" there|"
		"not_found");
	cr_expect_eq(armed_n("later"), 0);
}

Test(runner_timer, a_run_without_a_record_has_to_say_which_timer_it_means)
{
	stage_rule(&s, "a.lua",
		"rule \"arms\" { on = \"hook:other\", run = function(event)\n"
		"local ok, e = pcall(after, \"1h\", \"later\")\n"
		"after(\"1h\", \"later\", nil, { key = \"x\" })\n"
		"skip(e.message) end }\n"
		"rule \"later\" { on = \"timer\", run = function() end }");
	begin();
	stage_deliver(&s, "other", slice_of("{}"));
	stage_until(&s, stage_ended, 1);
	cr_expect(strstr(said("arms"), "the event is about no record, so say which timer") != NULL,
		"%s", said("arms"));
	cr_expect_eq(armed_n("later"), 1);
}

/* The first attempt arms it and fails, the second one replays that. */
Test(runner_timer, a_retry_arms_nothing_twice)
{
	rules("local at = after(\"1h\", \"later\", now())\n"
	      "local n = kv.incr(\"tries\")\n"
	      "if n == 1 then retry_after(\"1ms\") end\n"
	      "skip(at)",
		tells);
	begin();
	stage_person(&s, "created", ID, "x");
	stage_until(&s, stage_ended, 1);
	char first[300];
	snprintf(first, sizeof(first), "%s", said("arms"));
	cr_expect_eq(armed_n("later"), 1);
	int64_t n, next;
	struct err err;
	char at[CLOCK_TEXT_N];
	cr_assert_eq(queue_timer_count(s.work, "later", &n, &next, &err), RC_OK);
	clock_format(next, at);
	cr_expect_str_eq(at, first, "it is the one of the first attempt");
}

Test(runner_timer, what_was_armed_before_a_crash_fires_once_after_it)
{
	struct err err;
	rules("after(\"1h\", \"later\", 7)", tells);
	begin();
	armed();
	stage_crash(&s);
	stage_again(&s);
	cr_assert_eq(armed_n("later"), 1);
	let_time_pass();
	stage_until(&s, stage_ended, 2);
	cr_assert_eq(queue_commit(s.work, &err), RC_OK);
	stage_crash(&s);
	stage_again(&s);
	stage_turn(&s, 2);
	cr_expect_eq(runs_of("later"), 1u);
	cr_expect_eq(armed_n("later"), 0);
}

/* It dies with the event written and the timer taken, and nothing of it committed. */
Test(runner_timer, a_crash_in_the_middle_of_firing_loses_nothing_and_fires_once)
{
	rules("after(\"1h\", \"later\", 7)", tells);
	begin();
	armed();
	let_time_pass();
	cr_assert(timer_step(s.runner));
	route_step(s.runner);
	cr_assert_eq(s.runner->timers.births_n, 0u, "it is routed");
	cr_assert_eq(armed_n("later"), 0);
	stage_crash(&s);
	stage_again(&s);
	cr_assert_eq(armed_n("later"), 1, "nothing was committed");
	cr_assert_eq(runs_of("later"), 0u);
	let_time_pass();
	stage_until(&s, stage_ended, 2);
	cr_expect_eq(runs_of("later"), 1u);
	cr_expect_eq(armed_n("later"), 0);
}

/* The negative control of the two above: an event that does not take its timer along. */
Test(runner_timer, an_event_whose_timer_stays_would_fire_again)
{
	rules("after(\"1h\", \"later\", 7)", tells);
	begin();
	armed();
	let_time_pass();
	cr_assert(timer_step(s.runner));
	for (struct birth *b = s.runner->route.births.first; b != NULL; b = b->next)
		b->take = NULL;
	s.runner->timers.births_n = 0;
	stage_until(&s, stage_ended, 3);
	cr_expect_eq(runs_of("later"), 2u);
}

Test(runner_timer, what_is_cancelled_when_it_is_about_to_fire_is_not_fired)
{
	struct err err;
	bool was = false;
	rules("after(\"1h\", \"later\")", tells);
	begin();
	armed();
	let_time_pass();
	cr_assert(timer_step(s.runner));
	cr_assert_eq(queue_timer_drop(s.runner->queue, "later", ID, &was, &err), RC_OK);
	cr_assert(was);
	stage_until(&s, events_are, 2);
	stage_turn(&s, 2);
	cr_expect_eq(runs_of("later"), 0u);
	cr_expect_str_eq(event_told(),
		"timer|person|" ID "|timer|skipped|1|it was cancelled at the last moment|0");
}

Test(runner_timer, a_timer_for_a_rule_that_is_gone_is_an_event_that_says_so)
{
	char text[512];
	rules("after(\"1h\", \"later\")", tells);
	begin();
	armed();
	stage_rule(&s, "a.lua", "rule \"another\" { on = \"timer\", run = function() end }");
	stage_reload(&s, text);
	let_time_pass();
	stage_until(&s, events_are, 2);
	cr_expect_str_eq(event_told(),
		"timer|person|" ID "|timer|skipped|1|no rule \"later\" waits for it any more|0");
	cr_expect_eq(armed_n("later"), 0);
}

Test(runner_timer, the_timer_of_a_paused_rule_waits_as_its_run_does)
{
	struct err err;
	size_t n;
	rules("after(\"1h\", \"later\")", tells);
	begin();
	struct queue_pause pause = {.rule = "later", .why = "test", .since_ms = 1};
	cr_assert_eq(queue_pause(s.runner->queue, &pause, &n, &err), RC_OK);
	armed();
	let_time_pass();
	stage_until(&s, events_are, 2);
	stage_turn(&s, 2);
	const struct stage_run *run = stage_find(&s, "later", NULL);
	cr_expect_eq(run->state, QUEUE_WAITING);
	cr_expect_lt(run->due_ms, 0, "it is parked");
	cr_assert_eq(queue_resume(s.runner->queue, "later", &n, &err), RC_OK);
	s.runner->orders.pausing = true;
	stage_until(&s, stage_ended, 2);
}

/* Each arms the next; what comes sooner than a minute is a step of one chain. */
Test(runner_timer, a_rule_that_arms_itself_at_once_is_refused_in_the_ninth_step)
{
	stage_rule(&s, "a.lua",
		"rule \"arms\" { on = \"person.*\", run = function() after(\"1ms\", \"later\", 1) "
		"end }\n"
		"rule \"later\" { on = \"timer\", run = function(event)\n"
		"after(\"1ms\", \"later\", event.payload + 1) end }");
	begin();
	stage_person(&s, "created", ID, "x");
	stage_until(&s, stage_ended, 9);
	stage_turn(&s, 2);
	cr_expect_eq(runs_of("later"), 8u);
	stage_look(&s);
	const struct stage_run *last = &s.runs[s.runs_n - 1];
	cr_expect_eq(last->state, QUEUE_DEAD);
	cr_expect_str_eq(last->code, "loop");
	cr_expect(strstr(last->error, "a timer of a minute or more begins anew") != NULL, "%s",
		last->error);
	cr_expect_eq(armed_n("later"), 0);
}

Test(runner_timer, a_rule_that_looks_again_every_minute_goes_on)
{
	struct err err;
	stage_rule(&s, "a.lua",
		"rule \"arms\" { on = \"person.*\", run = function() after(\"1m\", \"later\", 1) "
		"end }\n"
		"rule \"later\" { on = \"timer\", run = function(event)\n"
		"after(\"1m\", \"later\", event.payload + 1) end }");
	begin();
	stage_person(&s, "created", ID, "x");
	for (long i = 1; i <= 12; i++) {
		stage_until(&s, stage_ended, i);
		stage_until(&s, is_armed, 1);
		cr_assert_eq(queue_due_shift(s.runner->queue, -61000, &err), RC_OK);
		timer_again(s.runner);
	}
	stage_until(&s, stage_ended, 13);
	cr_expect_eq(stage_counts(&s).runs[QUEUE_DEAD], 0);
	char told[256];
	snprintf(told, sizeof(told), "%s", event_told());
	cr_expect(strlen(told) > 2 && strcmp(told + strlen(told) - 2, "|0") == 0, "%s", told);
}

Test(runner_timer, a_run_that_arms_timers_without_end_meets_its_quota)
{
	rules("local n = 0\n"
	      "while true do\n"
	      "  n = n + 1\n"
	      "  local ok, e = pcall(after, \"1h\", \"later\", nil, { key = \"k\" .. n })\n"
	      "  if not ok then skip(e.code .. \" \" .. n) end\n"
	      "end",
		tells);
	stage_start(&s, STAGE_ALONE, "limits = { calls = 20 }");
	stage_person(&s, "created", ID, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(said("arms"), "quota 21");
	cr_expect_eq(armed_n("later"), 20);
}

Test(runner_timer, a_hundred_timers_at_once_fire_once_each)
{
	rules("for i = 1, 100 do after(\"1ms\", \"later\", i, { key = \"k\" .. i }) end", tells);
	begin();
	stage_person(&s, "created", ID, "x");
	stage_until(&s, stage_ended, 101);
	stage_turn(&s, 2);
	cr_expect_eq(runs_of("later"), 100u);
	cr_expect_eq(armed_n("later"), 0);
}

static enum rc offer_again(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct birth_new birth = {
		.via = "replay",
		.source = row->source,
		.body = row->body,
		.received_ms = row->received_ms,
	};
	return route_offer(ctx, &birth, err);
}

Test(runner_timer, an_event_of_a_timer_that_is_routed_again_is_for_its_rule_again)
{
	struct err err;
	rules("after(\"1ms\", \"later\", 5)", "skip(event.name .. \" \" .. event.payload)");
	begin();
	stage_person(&s, "created", ID, "x");
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(said("later"), "timer 5");
	cr_assert_eq(queue_event_get(s.work, stage_find(&s, "later", NULL)->event, offer_again,
			     s.runner, &err),
		RC_OK);
	stage_until(&s, stage_ended, 3);
	cr_expect_eq(runs_of("later"), 2u);
	cr_expect_eq(runs_of("arms"), 1u);
}
