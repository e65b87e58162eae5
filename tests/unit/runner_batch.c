/* SPDX-License-Identifier: MIT */
/*
 * Rules with `batch`: one run for many events, one of them at a time.
 * From: deliveries. To: a whole runner with real workers.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/runner_stage.h"

static struct stage s;

#define TELLS                                                                                      \
	"  run = function(e)\n"                                                                    \
	"  local t = {}\n"                                                                         \
	"  for i, one in ipairs(e.batch) do t[i] = one.record.jobTitle end\n"                      \
	"  log.info(\"<\" .. #e.batch .. \" \" .. table.concat(t, \",\") .. \">\")\n"              \
	"end }\n"

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_batch, .init = open_stage, .fini = close_stage, .timeout = 180);

static const char *said(size_t run)
{
	static char text[512];
	const char *at = strchr(s.runs[run].log, '<');
	cr_assert_not_null(at, "run %zu said nothing: %s", run, s.runs[run].error);
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at + 1, ">"), at + 1);
	return text;
}

static bool is_open(struct stage *stage, long n)
{
	return stage_counts(stage).events[QUEUE_DUE] >= n;
}

Test(runner_batch, events_of_many_records_are_one_run_that_lists_them)
{
	stage_rule(&s, "a.lua",
		"rule \"digest\" { on = \"person.updated\", batch = \"400ms\",\n" TELLS
		"rule \"each\" { on = \"person.updated\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	for (int i = 0; i < 5; i++) {
		char title[16];
		snprintf(title, sizeof(title), "t%d", i);
		stage_someone(&s, title);
	}
	stage_until(&s, stage_ended, 6);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 6u, "a rule without it runs for each");
	cr_assert_str_eq(said(0), "5 t0,t1,t2,t3,t4");
	cr_assert_eq(stage_counts(&s).events[QUEUE_DONE], 5);
}

Test(runner_batch, each_event_of_it_is_what_it_would_be_alone)
{
	stage_rule(&s, "a.lua",
		"rule \"digest\" { on = \"person.*\", batch = \"200ms\", run = function(e)\n"
		"  local one = e.batch[1]\n"
		"  log.info(\"<\" .. one.name .. \" \" .. one.object .. \" \" .. one.action .. \" "
		"\"\n"
		"    .. one.record.firstName .. \" \" .. one.fields[1] .. \" \" .. one.via .. \" "
		"\"\n"
		"    .. #one.id .. \" \" .. #one.at .. \" \" .. tostring(one.before) .. \" \"\n"
		"    .. tostring(e.record) .. \" \" .. e.name .. \">\")\nend }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "t");
	stage_until(&s, stage_ended, 1);
	stage_look(&s);
	cr_assert_str_eq(said(0),
		"person.updated person updated Ann jobTitle hook 26 24 nil nil person.updated");
}

Test(runner_batch, a_batch_that_is_full_runs_at_once_and_the_next_gathers_meanwhile)
{
	stage_rule(&s, "a.lua",
		"rule \"digest\" { on = \"person.updated\", batch = { every = \"1h\", max = 3 "
		"},\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	for (int i = 0; i < 8; i++)
		stage_someone(&s, "t");
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 3u);
	cr_assert_str_eq(said(0), "3 t,t,t");
	cr_assert_str_eq(said(1), "3 t,t,t");
	cr_assert_eq(s.runs[2].state, QUEUE_WAITING);
}

Test(runner_batch, one_run_of_it_is_at_work_at_a_time)
{
	stage_rule(&s, "a.lua",
		"rule \"digest\" { on = \"person.updated\", batch = { every = \"1h\", max = 2 },\n"
		"  run = function(e) retry_after(\"1h\") end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	for (int i = 0; i < 4; i++)
		stage_someone(&s, "t");
	stage_until(&s, is_open, 4);
	stage_until(&s, stage_waiting, 1);
	stage_turn(&s, 10);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 2u);
	cr_assert_eq(s.runs[0].attempt, 1);
	cr_assert_eq(s.runs[1].attempt, 0, "it waits for the one before it");
}

Test(runner_batch, with_a_key_there_is_one_for_each)
{
	stage_rule(&s, "a.lua",
		"rule \"digest\" { on = \"person.updated\", batch = \"300ms\", key = "
		"\"jobTitle\",\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	static const char *const titles[] = {"a", "b", "a", "b", "a"};
	for (int i = 0; i < 5; i++)
		stage_someone(&s, titles[i]);
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 2u);
	cr_assert_str_eq(said(0), "3 a,a,a");
	cr_assert_str_eq(said(1), "2 b,b");
}

Test(runner_batch, when_is_decided_for_each_event)
{
	stage_rule(&s, "a.lua",
		"rule \"data\" { on = \"person.updated\", batch = \"300ms\",\n"
		"  when = changed { jobTitle = { to = \"b\" } },\n" TELLS
		"rule \"asked\" { on = \"person.updated\", batch = \"300ms\",\n"
		"  when = function(e) return e.record.jobTitle == \"a\" end,\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	static const char *const titles[] = {"a", "b", "a"};
	for (int i = 0; i < 3; i++)
		stage_someone(&s, titles[i]);
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 2u);
	for (size_t i = 0; i < 2; i++)
		cr_assert_str_eq(said(i), strcmp(s.runs[i].rule, "data") == 0 ? "1 b" : "2 a,a");
}

Test(runner_batch, what_does_not_fit_into_a_run_opens_the_next)
{
	static char large[400000];
	stage_rule(&s, "a.lua",
		"rule \"digest\" { on = \"hook:shop\", batch = \"400ms\", run = function(e)\n"
		"  log.info(\"<\" .. #e.batch .. \">\")\nend }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	int at = snprintf(large, sizeof(large), "{\"text\":\"");
	memset(large + at, 'x', sizeof(large) - (size_t)at - 3);
	memcpy(large + sizeof(large) - 3, "\"}", 3);
	for (int i = 0; i < 12; i++)
		stage_deliver(&s, "shop", slice_of(large));
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 2u, "%zu: a sixteenth of 64 MB, and what is over", s.runs_n);
	cr_assert_str_eq(said(0), "10");
	cr_assert_str_eq(said(1), "2");
}

Test(runner_batch, a_batch_survives_a_runner_that_dies)
{
	stage_rule(
		&s, "a.lua", "rule \"digest\" { on = \"person.updated\", batch = \"2s\",\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "a");
	stage_someone(&s, "b");
	stage_until(&s, is_open, 2);
	stage_crash(&s);
	stage_someone(&s, "c");
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	stage_look(&s);
	if (s.runs_n == 1)
		cr_assert_str_eq(said(0), "3 a,b,c");
	else /* the machine took longer than the batch was open */
		cr_assert_str_eq(said(0), "2 a,b");
}
