/* SPDX-License-Identifier: MIT */
/* max_writes: a rule that writes too much is paused and loses nothing. Shadow mode: nothing is
 * written at all. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/pause.h"
#include "queue/spend.h"
#include "runner/spend.h"
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

TestSuite(runner_spend, .init = open_stage, .fini = close_stage, .timeout = 90);

static long notes(void)
{
	char *text = stage_ask(&s, "GET", "/_twin/records/notes", NULL);
	json_t *all = json_loads(text, JSON_DECODE_ANY, NULL);
	json_t *list = json_is_array(all) ? all : json_object_get(all, "notes");
	long n = (long)json_array_size(list);
	json_decref(all);
	free(text);
	return n;
}

static bool is_paused(struct stage *stage, long n)
{
	(void)n;
	return queue_paused(stage->work, "r");
}

/* Nothing is at work, and so many wait for the rule to be resumed. */
static bool are_parked(struct stage *stage, long n)
{
	long parked = 0;
	stage_look(stage);
	for (size_t i = 0; i < stage->runs_n; i++)
		parked += stage->runs[i].state == QUEUE_WAITING && stage->runs[i].due_ms < 0;
	return parked >= n;
}

#define WRITES_TWO                                                                                 \
	"rule \"r\" { on = \"person.*\", max_writes = \"3/h\", run = function(event)\n"            \
	"  twenty.notes:create { title = \"a \" .. event.record.id }\n"                            \
	"  twenty.notes:create { title = \"b \" .. event.record.id }\n"                            \
	"end }"

static enum rc find_issue(void *ctx, const struct queue_issue *issue, struct err *err)
{
	(void)err;
	if (strcmp(issue->kind, "max_writes") == 0 && strcmp(issue->about, "r") == 0)
		*(bool *)ctx = true;
	return RC_OK;
}

/* Two runs of two effects each, of which three may go. */
static void reach_the_limit(void)
{
	struct err err = {.msg = ""};
	bool has_issue = false;
	stage_rule(&s, "a.lua", WRITES_TWO);
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	stage_someone(&s, "y");
	stage_until(&s, is_paused, 0);
	stage_until(&s, are_parked, 1);
	cr_expect_eq(notes(), 3, "the fourth is not written");
	cr_expect_eq(queue_issue_each(s.work, find_issue, &has_issue, &err), RC_OK);
	cr_expect(has_issue);
}

/* Resumed, the run goes on where it was. */
static void resume_and_end(void)
{
	stage_order(&s, "1 0 {\"do\":\"resume\",\"rules\":[\"r\"]}");
	const char *said = stage_ordered(&s);
	cr_assert_not_null(strstr(said, "\"ok\":true"), "%s", said);
	stage_until(&s, stage_ended, 2);
	cr_expect_eq(notes(), 4, "what it had written is not written again");
	stage_look(&s);
	for (size_t i = 0; i < s.runs_n; i++) {
		cr_expect_eq(s.runs[i].state, QUEUE_DONE, "%s", s.runs[i].error);
		cr_expect_eq(s.runs[i].attempt, 1, "to wait uses up no attempt");
	}
}

Test(runner_spend, a_rule_past_its_max_writes_is_paused_and_goes_on_when_it_is_resumed)
{
	reach_the_limit();
	resume_and_end();
}

Test(runner_spend, what_a_rule_wrote_counts_after_a_restart)
{
	stage_rule(&s, "a.lua", WRITES_TWO);
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	stage_crash(&s);
	stage_again(&s);
	stage_someone(&s, "y");
	stage_until(&s, is_paused, 0);
	stage_until(&s, are_parked, 1);
	cr_expect_eq(notes(), 3);
	stage_crash(&s);
	stage_again(&s);
	resume_and_end();
}

Test(runner_spend, events_of_a_rule_that_is_paused_for_its_writes_wait)
{
	reach_the_limit();
	stage_someone(&s, "z");
	stage_until(&s, are_parked, 2);
	cr_expect_eq(notes(), 3);
}

Test(runner_spend, a_call_counts_as_many_as_it_writes)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", max_writes = \"3/h\", run = function(event)\n"
		"  twenty.notes:create_many { { title = \"a\" }, { title = \"b\" } }\n"
		"  twenty.notes:create_many { { title = \"c\" }, { title = \"d\" } }\n"
		"end }");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, is_paused, 0);
	stage_until(&s, are_parked, 1);
	cr_expect_eq(notes(), 2);
}

/* What the twin takes for a query, and nobody else for sure. */
#define ODD(roots) "query x( { " roots " }"

Test(runner_spend, a_document_counts_each_of_its_mutations_when_its_answer_is_there)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", max_writes = \"3/h\", run = function(event)\n"
		"  twenty.graphql(\"" ODD(
			"a: notes { totalCount } b: notes { totalCount } "
			"c: notes { totalCount }") "\")\n"
						   "  twenty.notes:create { title = \"a\" }\n"
						   "end }");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, is_paused, 0);
	stage_until(&s, are_parked, 1);
	cr_expect_eq(notes(), 0);
	cr_expect_eq(stage_requests(&s, "POST", "/graphql"), 1);
}

Test(runner_spend, a_mutation_of_many_counts_each_record)
{
	struct client_answer answer = {
		.value = json_pack("{s:[{}, {}, {}], s:{}, s:[]}", "many", "one", "none")};
	cr_expect_eq(spend_told(CLIENT_GRAPHQL, &answer), 4);
	cr_expect_eq(spend_told(CLIENT_CREATE, &answer), 0);
	json_decref(answer.value);
	answer.value = NULL;
	cr_expect_eq(spend_told(CLIENT_GRAPHQL, &answer), 0);
	answer.writes_n = 7;
	cr_expect_eq(spend_told(CLIENT_UPDATE_WHERE, &answer), 7);
}

Test(runner_spend, one_call_that_writes_more_than_a_rule_may_at_all_is_an_error)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", max_writes = \"1/h\", run = function(event)\n"
		"  twenty.notes:create_many { { title = \"a\" }, { title = \"b\" } }\n"
		"end }");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_expect_eq(run->state, QUEUE_DEAD);
	cr_expect_str_eq(run->code, "quota");
	cr_expect_not_null(strstr(run->error, "max_writes of \"1/h\""), "%s", run->error);
	cr_expect_eq(notes(), 0);
	cr_expect_not(queue_paused(s.work, "r"));
}

Test(runner_spend, reading_counts_nothing)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", max_writes = \"1/h\", run = function(event)\n"
		"  for i = 1, 5 do twenty.notes:count() end\n"
		"  twenty.notes:create { title = \"a\" }\n"
		"end }");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_eq(stage_find(&s, "r", NULL)->state, QUEUE_DONE);
}

/* --- shadow ------------------------------------------------------------------------------------
 */

struct calls_n {
	size_t n, unsent;
};

static struct calls_n count_calls(void)
{
	struct calls_n c = {0};
	struct err err = {.msg = ""};
	struct queue_call *calls = NULL;
	cr_assert_eq(queue_calls_load(s.work, 1, &calls, &c.n, &err), RC_OK, "%s", err.msg);
	for (size_t i = 0; i < c.n; i++)
		c.unsent += calls[i].requests == QUEUE_NOT_SENT;
	queue_calls_free(calls, c.n);
	return c;
}

Test(runner_spend, in_shadow_mode_effects_are_recorded_and_not_sent)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", mode = \"shadow\", run = function(event)\n"
		"  local n = twenty.notes:create { title = \"one\" }\n"
		"  local m = twenty.notes:update(n.id, { title = \"two\" })\n"
		"  local d = twenty.notes:delete(n.id)\n"
		"  local p = twenty.people:update(event.record.id, { city = \"Paris\" })\n"
		"  local l = twenty.notes:create_many { { title = \"a\" }, { title = \"b\" } }\n"
		"  local r, made = twenty.notes:ensure({ title = \"c\" }, { body = \"d\" })\n"
		"  local a = http.post(\"https://nobody.example.com\", { json = { a = 1 } })\n"
		"  local real = twenty.notes:count()\n"
		"  skip(table.concat({ n.title, #n.id, m.title, tostring(d.deletedAt ~= nil),\n"
		"    p.jobTitle, p.city, #l, tostring(l[1].id ~= l[2].id), r.title,\n"
		"    tostring(made), a.status, real }, \" \"))\n"
		"end }");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "boss");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_expect_str_eq(run->error, "one 36 two true boss Paris 2 true c true 200 0");
	cr_expect_eq(notes(), 0);
	cr_expect_eq(stage_requests(&s, "POST", "/rest/"), 0);
	cr_expect_eq(stage_requests(&s, "PATCH", "/rest/"), 0);
	struct calls_n c = count_calls();
	cr_expect_eq(c.unsent, 7, "%zu of %zu", c.unsent, c.n);
	cr_expect_eq(c.n, 8, "the count was asked for");
}

Test(runner_spend, a_run_in_shadow_mode_stays_in_it_when_its_rule_becomes_live)
{
	char said[512];
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", mode = \"shadow\", run = function(event)\n"
		"  twenty.notes:create { title = \"one\" }\n"
		"  retry_after(\"1s\", \"later\")\n"
		"end }");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function(event)\n"
		"  twenty.notes:create { title = \"live\" }\n"
		"end }");
	stage_reload(&s, said);
	struct id second = stage_someone(&s, "y");
	stage_until(&s, stage_ended, 1);
	cr_expect_eq(stage_find(&s, "r", &second)->state, QUEUE_DONE);
	cr_expect_eq(notes(), 1, "of the second alone");
}

Test(runner_spend, what_is_not_sent_counts_against_no_limit)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", mode = \"shadow\", max_writes = \"1/h\",\n"
		"  run = function(event)\n"
		"  twenty.notes:create { title = \"a\" }\n"
		"  twenty.notes:create { title = \"b\" }\n"
		"end }");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_eq(stage_find(&s, "r", NULL)->state, QUEUE_DONE);
}
