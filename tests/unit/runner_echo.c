/* SPDX-License-Identifier: MIT */
/*
 * Echoes: what a rule wrote does not fire it, what others wrote does; chains of rules that set each
 * other off are stopped.
 * From: deliveries made here from what a live twin answered. To: a whole runner with real workers.
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

TestSuite(runner_echo, .init = open_stage, .fini = close_stage, .timeout = 60);

/* A request to the twin with its key; the record in its answer. GIVES. */
static json_t *api(const char *method, const char *path, const char *body)
{
	char url[200];
	struct http_answer answer;
	static const char *const headers[] = {
		"Authorization: Bearer " STAGE_KEY, "Content-Type: application/json", NULL};
	snprintf(url, sizeof(url), "%s%s", s.twin_url, path);
	cr_assert(
		http_request(method, url, headers, body, body != NULL ? strlen(body) : 0, &answer));
	json_t *tree = json_loads(answer.body, 0, NULL);
	json_t *data = json_object_get(tree, "data");
	json_t *record = json_incref(json_object_iter_value(json_object_iter(data)));
	cr_assert(json_is_object(record), "%s %s: %s", method, path, answer.body);
	http_answer_done(&answer);
	json_decref(tree);
	return record;
}

static json_t *make_person(const char *title)
{
	char body[256];
	snprintf(body, sizeof(body), "{\"jobTitle\":\"%s\",\"intro\":\"Paris\"}", title);
	return api("POST", "/rest/people", body);
}

static json_t *get_person(const json_t *person)
{
	char path[100];
	snprintf(path, sizeof(path), "/rest/people/%s",
		json_string_value(json_object_get(person, "id")));
	return api("GET", path, NULL);
}

/* fields: "jobTitle intro", NULL: none are named. */
static struct id deliver(const char *name, const json_t *record, const char *fields)
{
	json_t *list = fields != NULL ? json_array() : NULL;
	char text[200];
	snprintf(text, sizeof(text), "%s", fields != NULL ? fields : "");
	char *rest = text;
	for (char *one = strsep(&rest, " "); fields != NULL && one != NULL;
		one = strsep(&rest, " "))
		json_array_append_new(list, json_string(one));
	json_t *body = json_pack(
		"{s:s, s:O, s:o*}", "eventName", name, "record", record, "updatedFields", list);
	char *bytes = json_dumps(body, 0);
	struct id id = stage_deliver(&s, "twenty", slice_of(bytes));
	free(bytes);
	json_decref(body);
	return id;
}

static enum rc take_state(void *ctx, const struct queue_event_row *row, struct err *err)
{
	(void)err;
	*(enum queue_state *)ctx = row->state;
	return RC_OK;
}

static enum queue_state event_state(const struct id *id)
{
	enum queue_state state = QUEUE_STATE_N;
	struct err err = {0};
	cr_assert_eq(queue_event_get(s.work, id->text, take_state, &state, &err), RC_OK);
	return state;
}

#define RETITLE "  twenty.people:update(e.record.id, { jobTitle = \"Boss\" })\nend }\n"

Test(runner_echo, what_a_rule_wrote_does_not_fire_it_and_fires_others)
{
	stage_rule(&s, "a.lua",
		"rule \"writes\" { on = \"person.updated\", run = function(e)\n" RETITLE
		"rule \"reads\" { on = \"person.updated\", run = function(e)\n"
		"  log.info(table.concat(e.fields, \",\"))\nend }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *person = make_person("old");
	deliver("person.updated", person, "intro");
	stage_until(&s, stage_ended, 2);
	json_t *after = get_person(person);
	struct id echo = deliver("person.updated", after, "jobTitle");
	stage_until(&s, stage_ended, 3);
	stage_turn(&s, 20);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 3, "%zu", s.runs_n);
	cr_assert_eq(stage_find(&s, "reads", &echo)->state, QUEUE_DONE);
	cr_assert_eq(metrics_value(METRIC_ECHO), 1);
	json_decref(person);
	json_decref(after);
}

Test(runner_echo, an_event_that_fires_nothing_for_it_is_an_echo)
{
	stage_rule(&s, "a.lua",
		"rule \"writes\" { on = \"person.updated\", run = function(e)\n" RETITLE);
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *person = make_person("old");
	deliver("person.updated", person, "intro");
	stage_until(&s, stage_ended, 1);
	json_t *after = get_person(person);
	struct id echo = deliver("person.updated", after, "jobTitle");
	stage_until(&s, stage_parsed, 2);
	cr_assert_eq(event_state(&echo), QUEUE_ECHO);
	cr_assert_eq(stage_counts(&s).events[QUEUE_ECHO], 1);
	json_decref(person);
	json_decref(after);
}

Test(runner_echo, a_field_that_a_person_changed_in_the_same_event_fires_for_all)
{
	stage_rule(&s, "a.lua",
		"rule \"writes\" { on = \"person.updated\", run = function(e)\n"
		"  log.info(table.concat(e.fields, \",\"))\n" RETITLE);
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *person = make_person("old");
	deliver("person.updated", person, "intro");
	stage_until(&s, stage_ended, 1);
	json_t *after = get_person(person);
	json_object_set_new(after, "intro", json_string("changed"));
	struct id both = deliver("person.updated", after, "jobTitle intro");
	stage_until(&s, stage_ended, 2);
	const struct stage_run *run = stage_find(&s, "writes", &both);
	cr_assert_eq(run->state, QUEUE_DONE);
	cr_assert(strstr(run->log, " intro\n") != NULL, "%s", run->log);
	json_decref(person);
	json_decref(after);
}
