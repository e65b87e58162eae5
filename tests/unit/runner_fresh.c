/* SPDX-License-Identifier: MIT */
/*
 * Records that are read again before their runs start, and calls that give way to others.
 * From: a twin whose records are newer than the events. To: runner/fresh.c, call.c.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "tests/harness/http.h"
#include "tests/unit/runner_stage.h"

#define ID "4b4b4b4b-0000-4000-8000-00000000000a"
#define ID_GONE "4b4b4b4b-0000-4000-8000-00000000000b"
#define GET "/rest/people/" ID

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_fresh, .init = open_stage, .fini = close_stage, .timeout = 120);

static void rule(const char *head, const char *body)
{
	char text[1200];
	snprintf(text, sizeof(text),
		"rule \"r\" { on = \"person.*\", %s,\nrun = function(event)\n%s\nend }", head,
		body);
	stage_rule(&s, "r.lua", text);
}

static void person_is(const char *title)
{
	char body[200];
	snprintf(body, sizeof(body), "{\"jobTitle\":\"%s\"}", title);
	json_decref(stage_record(&s, "PATCH", "/rest/people/" ID, body));
}

/* A twin with one person, jobTitle "now". */
static void start(const char *settings)
{
	stage_start(&s, STAGE_TWIN, settings);
	json_decref(stage_record(&s, "POST", "/rest/people",
		"{\"id\":\"" ID "\",\"jobTitle\":\"now\",\"name\":{\"firstName\":\"Ann\"}}"));
}

static const struct stage_run *end_of(const struct id *event)
{
	stage_until(&s, stage_ended, 1);
	stage_look(&s);
	return stage_find(&s, "r", event);
}

static bool says(const struct stage_run *run, const char *text)
{
	return strstr(run->log, text) != NULL;
}

Test(runner_fresh, the_rule_sees_the_record_as_it_is_when_it_starts)
{
	rule("fresh = true", "log.info(event.record.jobTitle, event.record.firstName, event.name, "
			     "event.before == nil)");
	start("");
	struct id event = stage_person(&s, "updated", ID, "then");
	const struct stage_run *run = end_of(&event);
	cr_expect_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_expect(says(run, "now Ann person.updated true"), "%s", run->log);
	cr_expect_eq(run->api_calls, 1, "it is a call of the run");
	cr_expect_eq(stage_requests(&s, "GET", GET), 1);
}

Test(runner_fresh, without_it_the_rule_sees_what_the_event_brought)
{
	rule("echo = true", "log.info(event.record.jobTitle)");
	start("");
	const struct stage_run *run;
	struct id event = stage_person(&s, "updated", ID, "then");
	run = end_of(&event);
	cr_expect(says(run, "then"), "%s", run->log);
	cr_expect_eq(run->api_calls, 0);
}

Test(runner_fresh, a_record_that_is_gone_skips_the_run)
{
	rule("fresh = true", "log.info('it ran')");
	start("");
	struct id event = stage_person(&s, "updated", ID_GONE, "then");
	const struct stage_run *run = end_of(&event);
	cr_expect_eq(run->state, QUEUE_SKIPPED);
	cr_expect_str_eq(run->error, "the person is not there any more");
	cr_expect_str_empty(run->log);
}

Test(runner_fresh, depth_brings_what_it_is_related_to)
{
	rule("fresh = { depth = 1 }",
		"log.info(event.record.company and event.record.company.name)");
	start("");
	json_t *company = stage_record(&s, "POST", "/rest/companies", "{\"name\":\"Acme\"}");
	char body[200];
	snprintf(body, sizeof(body), "{\"companyId\":\"%s\"}",
		json_string_value(json_object_get(company, "id")));
	json_decref(stage_record(&s, "PATCH", "/rest/people/" ID, body));
	json_decref(company);
	struct id event = stage_person(&s, "updated", ID, "then");
	const struct stage_run *run = end_of(&event);
	cr_expect(says(run, "Acme"), "%s %s", run->log, run->error);
}

Test(runner_fresh, when_is_about_the_event_and_asks_for_nothing)
{
	rule("fresh = true, when = is { jobTitle = 'then' }", "log.info(event.record.jobTitle)");
	start("");
	stage_person(&s, "updated", ID, "other");
	struct id event = stage_person(&s, "updated", ID, "then");
	const struct stage_run *run = end_of(&event);
	cr_expect(says(run, "now"), "%s", run->log);
	cr_expect_eq(stage_requests(&s, "GET", GET), 1);
}

Test(runner_fresh, a_read_that_fails_is_tried_again_as_any_call)
{
	rule("fresh = true, retry = { max = 3 }", "log.info(event.record.jobTitle)");
	start("");
	free(stage_ask(&s, "POST", "/_twin/fault", "status=500:100%,match=GET " GET));
	struct id event = stage_person(&s, "updated", ID, "then");
	stage_until(&s, stage_waiting, 1);
	stage_look(&s);
	const struct stage_run *run = stage_find(&s, "r", &event);
	cr_expect(strncmp(run->error, "reading the record again: ", 26) == 0, "%s", run->error);
	cr_expect_eq(run->state, QUEUE_WAITING);
	free(stage_ask(&s, "POST", "/_twin/fault", "none"));
	person_is("later");
	run = end_of(&event);
	cr_expect_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_expect(says(run, "later"), "it is read anew: %s", run->log);
}

Test(runner_fresh, a_replay_sees_the_record_that_its_effects_were_made_of)
{
	rule("fresh = true",
		"local task = twenty.tasks:create { title = event.record.jobTitle }\n"
		"log.info(event.record.jobTitle)\n"
		"if twenty.people:get('" ID
		"').email ~= 'a@b.example' then retry_after('1s', 'no email yet') end");
	start("");
	struct id event = stage_person(&s, "updated", ID, "then");
	stage_until(&s, stage_waiting, 1);
	json_decref(stage_record(&s, "PATCH", "/rest/people/" ID,
		"{\"jobTitle\":\"another\",\"emails\":{\"primaryEmail\":\"a@b.example\"}}"));
	const struct stage_run *run = end_of(&event);
	cr_expect_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_expect(says(run, "now") && !says(run, "another"), "%s", run->log);
	cr_expect_eq(stage_requests(&s, "POST", "/rest/tasks"), 1);
}

/* Twenty wants to be left alone for longer than the rule may take. */
Test(runner_fresh, waiting_for_the_budget_is_no_time_at_work)
{
	rule("fresh = true, timeout = '900ms'", "log.info(event.record.jobTitle)");
	start("");
	free(stage_ask(&s, "POST", "/_twin/fault", "status=429:1,retry-after=2,match=GET " GET));
	struct id event = stage_person(&s, "updated", ID, "then");
	const struct stage_run *run = end_of(&event);
	cr_expect_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_expect_geq(run->ended_ms - run->started_ms, 1000);
	cr_expect_eq(run->attempt, 1);
}

Test(runner_fresh, a_runner_that_dies_meanwhile_reads_again)
{
	rule("fresh = true", "log.info(event.record.jobTitle)");
	start("");
	free(stage_ask(&s, "POST", "/_twin/fault", "late=600000,match=GET " GET));
	struct id event = stage_person(&s, "updated", ID, "then");
	for (int i = 0; i < 1000 && stage_requests(&s, "GET", GET) < 1; i++)
		stage_turn(&s, 1);
	cr_assert_eq(stage_requests(&s, "GET", GET), 1);
	stage_crash(&s);
	free(stage_ask(&s, "POST", "/_twin/fault", "none"));
	stage_again(&s);
	const struct stage_run *run = end_of(&event);
	cr_expect_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_expect(says(run, "now"), "%s", run->log);
}

/* --- lanes ------------------------------------------------------------------------------------ */

/* The place of the first request for a path that the twin did not refuse, among all. */
static size_t place_of(const char *path)
{
	char url[128];
	struct http_answer answer;
	size_t place = 0, found = SIZE_MAX;
	snprintf(url, sizeof(url), "%s/_twin/log", s.twin_url);
	cr_assert(http_request("GET", url, NULL, NULL, 0, &answer));
	char *rest = answer.body;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"), place++) {
		json_t *row = json_loads(line, 0, NULL);
		const char *p = json_string_value(json_object_get(row, "path"));
		bool well = json_integer_value(json_object_get(row, "status")) == 200;
		if (well && p != NULL && strncmp(p, path, strlen(path)) == 0 && found == SIZE_MAX)
			found = place;
		json_decref(row);
	}
	http_answer_done(&answer);
	cr_assert(found != SIZE_MAX, "%s", path);
	return found;
}

static bool calls_wait(struct stage *stage, long n)
{
	struct client_status status;
	client_status(stage->parts.client, &status);
	return status.waiting + status.in_flight >= n;
}

/* Three calls of one rule wait, then one of another; Twenty, which refuses all so far, takes one
 * request again: whose is it? True: that of the one that came last. */
static bool overtaken(const char *lane)
{
	char head[80];
	snprintf(head, sizeof(head), "lane = '%s', when = is { jobTitle = { startsWith = 'b' } }",
		lane);
	rule(head, "twenty.companies:count { where = { name = event.record.jobTitle } }");
	stage_rule(&s, "l.lua",
		"rule \"l\" { on = \"person.*\", when = is { jobTitle = \"live\" }, run = "
		"function() "
		"twenty.notes:count { where = { title = \"x\" } } end }");
	start("");
	free(stage_ask(
		&s, "POST", "/_twin/fault", "status=429:100%,retry-after=1,match=GET /rest"));
	stage_someone(&s, "b1");
	stage_someone(&s, "b2");
	stage_someone(&s, "b3");
	stage_until(&s, calls_wait, 3);
	stage_someone(&s, "live");
	stage_until(&s, calls_wait, 4);
	free(stage_ask(&s, "POST", "/_twin/fault", "none"));
	stage_until(&s, stage_ended, 4);
	return place_of("/rest/notes") < place_of("/rest/companies");
}

Test(runner_fresh, calls_in_the_background_give_way_to_those_of_others)
{
	cr_expect(overtaken("background"));
}

Test(runner_fresh, calls_of_live_rules_keep_their_order)
{
	cr_expect_not(overtaken("live"), "the control of the test above");
}
