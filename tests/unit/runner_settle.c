/* SPDX-License-Identifier: MIT */
/*
 * Rules that settle: one run per session of edits of a record.
 * From: deliveries. To: a whole runner with real workers, and where something is written a twin.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "queue/pause.h"
#include "runner/birth.h"
#include "tests/unit/runner_stage.h"

static struct stage s;

#define ANN "11111111-1111-4111-8111-111111111111"
#define BOB "22222222-2222-4222-8222-222222222222"

#define TELLS                                                                                      \
	"  run = function(e)\n"                                                                    \
	"  local f = e.fields and table.concat(e.fields, \",\") or \"-\"\n"                        \
	"  local b = e.before and e.before.stage or \"-\"\n"                                       \
	"  log.info(\"<\" .. e.name .. \" \" .. f .. \" \" .. b .. \" \" .. e.record.stage .. "    \
	"\">\")\n"                                                                                 \
	"end }\n"

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_settle, .init = open_stage, .fini = close_stage, .timeout = 180);

static struct id change(const char *action, const char *id, int second, const char *stage)
{
	char body[1024];
	snprintf(body, sizeof(body),
		"{\"eventName\":\"person.%s\",\"record\":{\"id\":\"%s\",\"stage\":\"%s\","
		"\"score%d\":1,\"createdAt\":\"2026-11-01T00:00:00.000Z\","
		"\"updatedAt\":\"2026-11-01T00:00:%02d.000Z\"},"
		"\"updatedFields\":[\"stage\",\"score%d\"]}",
		action, id, stage, second, second, second);
	return stage_deliver(&s, "twenty", slice_of(body));
}

/* What the one run of the rule said between < and >. */
static const char *said(const char *rule)
{
	static char text[512];
	const char *at = strchr(stage_find(&s, rule, NULL)->log, '<');
	cr_assert_not_null(at, "it said nothing");
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at + 1, ">"), at + 1);
	return text;
}

static bool joined(struct stage *stage, long n)
{
	struct queue_counts counts = stage_counts(stage);
	return counts.events[QUEUE_DUE] >= n;
}

Test(runner_settle, the_edits_of_a_record_are_one_run_with_union_first_before_and_last_record)
{
	stage_rule(&s, "a.lua",
		"rule \"settles\" { on = \"person.*\", settle = \"600ms\",\n" TELLS
		"rule \"each\" { on = \"person.*\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	change("created", ANN, 1, "NEW");
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	for (int i = 2; i <= 6; i++)
		change("updated", ANN, i, i % 2 == 0 ? "WON" : "LOST");
	stage_until(&s, stage_ended, 8);
	stage_turn(&s, 4);
	stage_look(&s);
	size_t settled = 0;
	const struct stage_run *last = NULL;
	for (size_t i = 0; i < s.runs_n; i++) {
		if (strcmp(s.runs[i].rule, "settles") != 0)
			continue;
		settled++;
		last = &s.runs[i];
	}
	cr_assert_eq(s.runs_n, 8u, "a rule that does not settle runs for each");
	cr_assert_eq(settled, 2u);
	cr_assert_not_null(strstr(last->log, "<person.updated "), "%s", last->log);
	cr_assert_not_null(strstr(last->log, "score2"), "%s", last->log);
	cr_assert_not_null(strstr(last->log, "score6"), "%s", last->log);
	cr_assert_not_null(strstr(last->log, " NEW WON>"), "%s", last->log);
	cr_assert_eq(stage_counts(&s).events[QUEUE_DONE], 6);
}

Test(runner_settle, what_is_created_and_edited_is_one_creation)
{
	stage_rule(
		&s, "a.lua", "rule \"settles\" { on = \"person.*\", settle = \"300ms\",\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	change("created", ANN, 1, "NEW");
	change("updated", ANN, 2, "WON");
	change("updated", BOB, 2, "WON");
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 2u, "another record is another session");
	cr_assert_not_null(strstr(s.runs[0].log, "<person.created "), "%s", s.runs[0].log);
	cr_assert_not_null(strstr(s.runs[0].log, " - WON>"), "%s", s.runs[0].log);
	cr_assert_not_null(strstr(s.runs[1].log, "<person.updated "), "%s", s.runs[1].log);
}

Test(runner_settle, when_is_decided_behind_it_by_a_predicate)
{
	stage_rule(&s, "a.lua",
		"rule \"won\" { on = \"person.updated\", settle = \"300ms\",\n"
		"  when = changed { stage = { from = \"NEW\", to = \"WON\" } },\n" TELLS
		"rule \"lost\" { on = \"person.updated\", settle = \"300ms\",\n"
		"  when = changed { stage = { to = \"LOST\" } },\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	change("created", ANN, 1, "NEW");
	change("updated", ANN, 2, "LOST");
	change("updated", ANN, 3, "WON");
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_assert_eq(stage_find(&s, "won", NULL)->state, QUEUE_DONE,
		"no single event went from NEW to WON");
	const struct stage_run *lost = stage_find(&s, "lost", NULL);
	cr_assert_eq(lost->state, QUEUE_SKIPPED);
	cr_assert_str_eq(lost->error, "its `when` does not hold after settling");
}

Test(runner_settle, when_is_decided_behind_it_by_a_function)
{
	stage_rule(&s, "a.lua",
		"rule \"yes\" { on = \"person.updated\", settle = \"300ms\",\n"
		"  when = function(e) return #e.fields == 3 and e.record.stage == \"WON\" "
		"end,\n" TELLS "rule \"no\" { on = \"person.updated\", settle = \"300ms\",\n"
		"  when = function(e) return e.record.stage == \"LOST\" end,\n" TELLS
		"rule \"bad\" { on = \"person.updated\", settle = \"300ms\",\n"
		"  when = function(e) return e.record.nothing.here end,\n" TELLS
		"rule \"part\" { on = \"person.updated\", settle = \"300ms\",\n"
		"  when = all { changed { stage = { to = \"WON\" } },\n"
		"    function(e) return #e.fields == 4 end },\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	change("updated", ANN, 2, "LOST");
	change("updated", ANN, 3, "WON");
	stage_until(&s, stage_ended, 4);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 4u);
	cr_assert_eq(stage_find(&s, "part", NULL)->state, QUEUE_SKIPPED);
	cr_assert_eq(stage_find(&s, "yes", NULL)->state, QUEUE_DONE);
	cr_assert_eq(stage_find(&s, "no", NULL)->state, QUEUE_SKIPPED);
	cr_assert_str_eq(
		stage_find(&s, "no", NULL)->error, "its `when` does not hold after settling");
	cr_assert_eq(stage_find(&s, "bad", NULL)->state, QUEUE_DEAD);
	cr_assert_not_null(strstr(stage_find(&s, "bad", NULL)->error, "a.lua:"), "%s",
		stage_find(&s, "bad", NULL)->error);
}

Test(runner_settle, max_settle_ends_a_session_that_does_not_end)
{
	stage_rule(&s, "a.lua",
		"rule \"settles\" { on = \"person.updated\", settle = \"1m\",\n"
		"  max_settle = \"60100ms\",\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	int64_t from = clock_wall_ms();
	change("updated", ANN, 1, "A");
	stage_until(&s, joined, 1);
	stage_turn(&s, 1);
	change("updated", ANN, 2, "B");
	stage_until(&s, joined, 2);
	stage_look(&s);
	int64_t now = clock_wall_ms();
	cr_assert_eq(s.runs_n, 1u);
	cr_assert_geq(s.runs[0].due_ms, from + 60000);
	cr_assert_leq(s.runs[0].due_ms, now + 60000 + 100);
}

Test(runner_settle, a_session_survives_a_runner_that_dies)
{
	stage_rule(&s, "a.lua",
		"rule \"settles\" { on = \"person.updated\", settle = \"2s\",\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	for (int i = 1; i <= 3; i++)
		change("updated", ANN, i, "A");
	stage_until(&s, joined, 3);
	stage_crash(&s);
	for (int i = 4; i <= 6; i++)
		change("updated", ANN, i, "B");
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	stage_turn(&s, 4);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 1u, "%zu", s.runs_n);
	cr_assert_str_eq(said("settles"),
		"person.updated stage,score1,score2,score3,score4,score5,score6 - B");
	cr_assert_eq(stage_counts(&s).events[QUEUE_DONE], 6);
}

static bool was_tried(struct stage *stage, long n)
{
	stage_look(stage);
	return (long)stage->runs_n >= n && strchr(stage->runs[n - 1].log, '<') != NULL;
}

Test(runner_settle, a_retry_sees_what_the_first_attempt_saw)
{
	stage_rule(&s, "a.lua",
		"rule \"settles\" { on = \"person.updated\", settle = \"300ms\", run = "
		"function(e)\n"
		"  local n = kv.incr(\"tries\")\n"
		"  log.info(\"<\" .. n .. #e.fields .. e.record.stage .. \">\")\n"
		"  if n == 1 then retry_after(\"1s\", \"not yet\") end\nend }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	change("updated", ANN, 1, "A");
	change("updated", ANN, 2, "B");
	stage_until(&s, was_tried, 1);
	cr_assert_not_null(strstr(s.runs[0].log, "<13B>"), "%s", s.runs[0].log);
	change("updated", ANN, 3, "C");
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 2u, "what comes behind its start is the next session");
	cr_assert_not_null(strstr(s.runs[0].log, "<23B>"), "%s", s.runs[0].log);
	cr_assert_not_null(strstr(s.runs[1].log, "<32C>"), "%s", s.runs[1].log);
}

Test(runner_settle, the_key_of_a_function_is_asked_and_when_is_not)
{
	stage_rule(&s, "a.lua",
		"rule \"settles\" { on = \"person.updated\", settle = \"300ms\",\n"
		"  key = function(e) return e.record.stage end,\n"
		"  when = function(e) return #e.fields == 3 end,\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	change("updated", ANN, 1, "A");
	change("updated", ANN, 2, "B");
	stage_until(&s, stage_ended, 1);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 1u);
	cr_assert_eq(s.runs[0].state, QUEUE_DONE, "%s", s.runs[0].error);
}

Test(runner_settle, an_event_found_by_asking_joins_too)
{
	struct err err = {0};
	stage_rule(&s, "a.lua",
		"rule \"settles\" { on = \"person.updated\", settle = \"300ms\",\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	change("updated", ANN, 1, "A");
	struct birth_new birth = {.via = "gap",
		.body = slice_of("{\"eventName\":\"person.updated\",\"record\":{\"id\":\"" ANN
				 "\",\"stage\":\"Z\",\"updatedAt\":\"2026-11-01T00:00:09.000Z\"},"
				 "\"updatedFields\":[\"stage\"]}"),
		.received_ms = clock_wall_ms()};
	cr_assert_eq(route_offer(s.runner, &birth, &err), RC_OK, "%s", err.msg);
	stage_until(&s, stage_ended, 1);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 1u);
	cr_assert_not_null(strstr(said("settles"), " Z"), "%s", said("settles"));
}

Test(runner_settle, of_another_source_every_event_is_a_run)
{
	stage_rule(&s, "a.lua",
		"rule \"settles\" { on = \"hook:shop\", settle = \"1m\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_deliver(&s, "shop", slice_of("{\"n\":1}"));
	stage_deliver(&s, "shop", slice_of("{\"n\":2}"));
	stage_until(&s, stage_ended, 2);
}

Test(runner_settle, a_paused_rule_gathers_and_starts_when_it_is_resumed)
{
	size_t n = 0;
	struct err err = {0};
	struct queue_pause pause = {.rule = "settles", .why = "by hand", .since_ms = 1};
	stage_rule(&s, "a.lua",
		"rule \"settles\" { on = \"person.updated\", settle = \"100ms\",\n" TELLS);
	stage_start(&s, STAGE_ALONE, NULL);
	cr_assert_eq(queue_pause(s.work, &pause, &n, &err), RC_OK, "%s", err.msg);
	for (int i = 1; i <= 3; i++)
		change("updated", ANN, i, "A");
	stage_until(&s, joined, 3);
	for (int64_t end = clock_mono_ms() + 300; clock_mono_ms() < end;)
		stage_turn(&s, 1);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 1u);
	cr_assert_eq(s.runs[0].state, QUEUE_WAITING);
	cr_assert_eq(queue_resume(s.work, "settles", &n, &err), RC_OK, "%s", err.msg);
	s.runner->route.backlog = true;
	stage_until(&s, stage_ended, 1);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 1u);
}

/* --- what it wrote itself --------------------------------------------------------------------- */

static json_t *make_person(void)
{
	return stage_record(
		&s, "POST", "/rest/people", "{\"jobTitle\":\"old\",\"intro\":\"Paris\"}");
}

static json_t *get_person(const json_t *person)
{
	char path[100];
	snprintf(path, sizeof(path), "/rest/people/%s",
		json_string_value(json_object_get(person, "id")));
	return stage_record(&s, "GET", path, NULL);
}

static struct id deliver(const json_t *record, const char *field)
{
	json_t *body = json_pack("{s:s, s:O, s:[s]}", "eventName", "person.updated", "record",
		record, "updatedFields", field);
	char *bytes = json_dumps(body, 0);
	struct id id = stage_deliver(&s, "twenty", slice_of(bytes));
	free(bytes);
	json_decref(body);
	return id;
}

#define SETTLES_AND_WRITES                                                                         \
	"rule \"writes\" { on = \"person.updated\", settle = \"500ms\", run = function(e)\n"       \
	"  log.info(\"<\" .. table.concat(e.fields, \",\") .. \">\")\n"                            \
	"  twenty.people:update(e.record.id, { jobTitle = \"Boss\" })\nend }\n"

Test(runner_settle, an_event_that_is_the_rules_own_write_joins_nothing)
{
	stage_rule(&s, "a.lua", SETTLES_AND_WRITES);
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *person = make_person();
	deliver(person, "intro");
	stage_until(&s, stage_ended, 1);
	json_t *after = get_person(person);
	deliver(after, "jobTitle");
	stage_until(&s, stage_parsed, 2);
	stage_turn(&s, 4);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 1u, "%zu", s.runs_n);
	cr_assert_eq(stage_counts(&s).events[QUEUE_ECHO], 1);
	json_decref(person);
	json_decref(after);
}

Test(runner_settle, our_own_write_within_a_session_is_left_out_of_it)
{
	stage_rule(&s, "a.lua", SETTLES_AND_WRITES);
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *person = make_person();
	deliver(person, "intro");
	stage_until(&s, stage_ended, 1);
	json_t *after = get_person(person);
	json_object_set_new(after, "intro", json_string("Rome"));
	json_t *body = json_pack("{s:s, s:O, s:[s,s]}", "eventName", "person.updated", "record",
		after, "updatedFields", "intro", "jobTitle");
	char *bytes = json_dumps(body, 0);
	stage_deliver(&s, "twenty", slice_of(bytes));
	free(bytes);
	json_decref(body);
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 2u);
	cr_assert_not_null(strstr(s.runs[1].log, "<intro>"), "%s", s.runs[1].log);
	json_decref(person);
	json_decref(after);
}

Test(runner_settle, a_loop_through_settling_rules_is_stopped)
{
	stage_rule(&s, "a.lua",
		"rule \"self\" { on = \"person.updated\", settle = \"100ms\", echo = true,\n"
		"run = function(e)\n"
		"  local n = (tonumber(e.record.jobTitle) or 0) + 1\n"
		"  twenty.people:update(e.record.id, { jobTitle = tostring(n) })\nend }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *person = make_person();
	deliver(person, "intro");
	for (long i = 1; i <= 4; i++) {
		stage_until(&s, stage_ended, i);
		stage_look(&s);
		if (strcmp(s.runs[i - 1].code, "loop") == 0)
			break;
		json_t *after = get_person(person);
		deliver(after, "jobTitle");
		json_decref(after);
	}
	json_decref(person);
	cr_assert_str_eq(s.runs[s.runs_n - 1].code, "loop", "%zu runs", s.runs_n);
	cr_assert_eq(s.runs_n, 3u);
	cr_assert(queue_paused(s.work, "self"));
}
