/* SPDX-License-Identifier: MIT */
/*
 * event.actor: who made a change, where it was one of our rules.
 * From: deliveries made here from what a live twin answered. To: a whole runner with real workers.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

TestSuite(runner_actor, .init = open_stage, .fini = close_stage, .timeout = 60);

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

/* A person, a person's change of it, and then the record as the rule "writes" has left it. GIVES.
 */
static json_t *written_record(long ended)
{
	char path[100];
	json_t *person = stage_record(
		&s, "POST", "/rest/people", "{\"jobTitle\":\"old\",\"intro\":\"Paris\"}");
	deliver(person, "intro");
	stage_until(&s, stage_ended, ended);
	snprintf(path, sizeof(path), "/rest/people/%s",
		json_string_value(json_object_get(person, "id")));
	json_decref(person);
	return stage_record(&s, "GET", path, NULL);
}

#define WRITES                                                                                     \
	"rule \"writes \\\"it\\\"\" { on = \"person.updated\", when = changed \"intro\",\n"        \
	"  run = function(e) twenty.people:update(e.record.id, { jobTitle = \"Boss\" }) end }\n"

Test(runner_actor, a_change_by_a_rule_names_the_rule_in_run_when_and_its_own_echo)
{
	stage_rule(&s, "a.lua",
		WRITES "rule \"reads\" { on = \"person.updated\",\n"
		       "  when = function(e) return e.actor.kind == \"rule\" end,\n"
		       "  run = function(e) log.info(e.actor.kind, e.actor.name, e.actor.id, "
		       "e.record.jobTitle, e.before and e.before.jobTitle) end }\n"
		       "rule \"others\" { on = \"person.updated\", echo = true,\n"
		       "  run = function(e) log.info(\"by\", e.actor.kind) end }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *after = written_record(2); /* writes, others */
	struct id echo = deliver(after, "jobTitle");
	stage_until(&s, stage_ended, 4);
	const struct stage_run *run = stage_find(&s, "reads", &echo);
	cr_expect_not_null(
		strstr(run->log, "info  rule writes \"it\" nil Boss old"), "%s", run->log);
	cr_expect_not_null(strstr(stage_find(&s, "others", &echo)->log, "by rule"));
	for (size_t i = 0; i < s.runs_n; i++)
		if (strcmp(s.runs[i].rule, "others") == 0 &&
			strcmp(s.runs[i].event, echo.text) != 0)
			cr_expect_null(strstr(s.runs[i].log, "by rule"), "%s", s.runs[i].log);
	json_decref(after);
}

Test(runner_actor, a_run_that_is_taken_up_after_a_restart_is_told_the_same)
{
	stage_rule(&s, "a.lua",
		WRITES "rule \"reads\" { on = \"person.updated\", when = changed \"jobTitle\",\n"
		       "  run = function(e)\n"
		       "  if kv.incr(\"n\") == 1 then retry_after(\"2s\", e.actor.kind) end\n"
		       "  log.info(e.actor.kind, e.actor.name, e.before.jobTitle) end }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *after = written_record(1);
	struct id echo = deliver(after, "jobTitle");
	stage_until(&s, stage_waiting, 1);
	cr_expect_str_eq(stage_find(&s, "reads", &echo)->error, "rule");
	stage_stop(&s);
	stage_again(&s);
	stage_until(&s, stage_ended, 2);
	const struct stage_run *run = stage_find(&s, "reads", &echo);
	cr_expect_not_null(strstr(run->log, "info  rule writes \"it\" old"), "%s", run->log);
	json_decref(after);
}

Test(runner_actor, a_change_by_a_person_names_the_person)
{
	stage_rule(&s, "a.lua",
		WRITES "rule \"reads\" { on = \"person.updated\", when = changed \"jobTitle\",\n"
		       "  run = function(e) log.info(e.actor.kind, e.actor.name) end }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *after = written_record(1);
	json_object_set_new(after, "jobTitle", json_string("Chief"));
	json_object_set_new(after, "updatedAt", json_string("2126-11-24T09:00:00.000Z"));
	json_object_set_new(after, "updatedBy",
		json_pack("{s:s, s:s, s:s}", "source", "MANUAL", "name", "Ann", "workspaceMemberId",
			"m"));
	struct id id = deliver(after, "jobTitle");
	stage_until(&s, stage_ended, 2);
	const struct stage_run *run = stage_find(&s, "reads", &id);
	cr_expect_not_null(strstr(run->log, "info  person Ann"), "%s", run->log);
	json_decref(after);
}

Test(runner_actor, a_run_of_several_events_is_told_the_rule_too)
{
	stage_rule(&s, "a.lua",
		WRITES "rule \"settled\" { on = \"person.updated\", when = changed \"jobTitle\",\n"
		       "  settle = \"100ms\",\n"
		       "  run = function(e) log.info(e.actor.kind, e.actor.name) end }\n"
		       "rule \"many\" { on = \"person.updated\", when = changed \"jobTitle\",\n"
		       "  batch = \"200ms\",\n"
		       "  run = function(e) log.info(e.batch[1].actor.kind, e.batch[1].actor.name) "
		       "end }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *after = written_record(1);
	deliver(after, "jobTitle");
	stage_until(&s, stage_ended, 3);
	static const char *const rules[] = {"settled", "many"};
	for (size_t i = 0; i < 2; i++) {
		const struct stage_run *run = stage_find(&s, rules[i], NULL);
		cr_expect_not_null(
			strstr(run->log, "info  rule writes \"it\""), "%s: %s", rules[i], run->log);
	}
	json_decref(after);
}
