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
#include "queue/pause.h"
#include "runner/birth.h"
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

static json_t *make_person(const char *title)
{
	char body[256];
	snprintf(body, sizeof(body), "{\"jobTitle\":\"%s\",\"intro\":\"Paris\"}", title);
	return stage_record(&s, "POST", "/rest/people", body);
}

static json_t *get_person(const json_t *person)
{
	char path[100];
	snprintf(path, sizeof(path), "/rest/people/%s",
		json_string_value(json_object_get(person, "id")));
	return stage_record(&s, "GET", path, NULL);
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
	stage_turn(&s, 4);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 3, "%zu", s.runs_n);
	cr_assert_eq(stage_find(&s, "reads", &echo)->state, QUEUE_DONE);
	cr_assert_eq(metrics_value(METRIC_ECHO), 1);
	json_decref(person);
	json_decref(after);
}

/* In one event, its own new title and a person's new intro: each rule is asked about what it may
 * see. */
Test(runner_echo, a_changed_field_that_is_the_rules_own_does_not_count)
{
	stage_rule(&s, "a.lua",
		"rule \"title\" { on = \"person.updated\", when = changed \"jobTitle\",\n"
		"  run = function(e)\n" RETITLE "rule \"intro\" { on = \"person.updated\", when = "
		"changed { intro = { to = \"Rome\" } },\n"
		"  run = function(e) log.info(e.before.jobTitle) end }\n"
		"rule \"watch\" { on = \"person.updated\", when = changed \"jobTitle\",\n"
		"  run = function() end }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *person = make_person("old");
	deliver("person.updated", person, "jobTitle");
	stage_until(&s, stage_ended, 2);
	json_t *after = get_person(person);
	json_object_set_new(after, "intro", json_string("Rome"));
	struct id both = deliver("person.updated", after, "jobTitle intro");
	stage_until(&s, stage_ended, 4);
	stage_turn(&s, 4);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 4, "%zu", s.runs_n);
	cr_assert_eq(stage_find(&s, "watch", &both)->state, QUEUE_DONE);
	cr_assert_not_null(strstr(stage_find(&s, "intro", &both)->log, "old"));
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

/* --- events that come before the answer ---------------------------------------------------------
 */

#define RELATED                                                                                    \
	"rule \"x\" { on = { \"person.updated\", \"company.updated\" }, run = function(e)\n"       \
	"  if e.object == \"person\" then\n"                                                       \
	"    twenty.companies:update(e.record.companyId, { employees = 7 })\n"                     \
	"  end\nend }\n"

static json_t *company, *person;

static void fault(const char *spec)
{
	char url[100];
	struct http_answer answer;
	snprintf(url, sizeof(url), "%s/_twin/fault", s.twin_url);
	cr_assert(http_request("POST", url, NULL, spec, strlen(spec), &answer));
	cr_assert_eq(answer.status / 100, 2, "%s", answer.body);
	http_answer_done(&answer);
}

static json_t *get_company(void)
{
	char path[100];
	snprintf(path, sizeof(path), "/rest/companies/%s",
		json_string_value(json_object_get(company, "id")));
	return stage_record(&s, "GET", path, NULL);
}

/* A person whose event makes the rule change a company, which the twin does at once and answers
 * late. */
static void start_related(int late_ms)
{
	char text[100];
	stage_rule(&s, "a.lua", RELATED);
	stage_start(&s, STAGE_TWIN, NULL);
	company = stage_record(&s, "POST", "/rest/companies", "{\"name\":\"Acme\"}");
	snprintf(text, sizeof(text), "{\"companyId\":\"%s\"}",
		json_string_value(json_object_get(company, "id")));
	person = stage_record(&s, "POST", "/rest/people", text);
	snprintf(text, sizeof(text), "late=%d,match=PATCH /rest/companies", late_ms);
	fault(text);
}

static void end_related(void)
{
	json_decref(company);
	json_decref(person);
}

static bool is_written(struct stage *stage, long n)
{
	(void)stage, (void)n;
	json_t *now = get_company();
	bool yes = json_integer_value(json_object_get(now, "employees")) == 7;
	json_decref(now);
	return yes;
}

/* The one company that there is by now. */
static bool is_made(struct stage *stage, long n)
{
	(void)n;
	char *text = stage_ask(stage, "GET", "/_twin/records/companies", NULL);
	json_t *all = json_loads(text, 0, NULL);
	json_t *list = json_is_array(all) ? all : json_object_get(all, "companies");
	company = json_incref(json_array_get(list, 0));
	json_decref(all);
	free(text);
	return company != NULL;
}

Test(runner_echo, an_event_that_comes_before_the_answer_to_our_write_waits_for_it)
{
	start_related(2000);
	deliver("person.updated", person, "intro");
	stage_until(&s, is_written, 0);
	json_t *after = get_company();
	struct id early = deliver("company.updated", after, "employees");
	stage_until(&s, stage_parsed, 2);
	stage_turn(&s, 5);
	cr_assert_eq(stage_find(&s, "x", &early)->state, QUEUE_RUNNING, "it waits");
	cr_assert_eq(stage_find(&s, "x", &early)->ended_ms, 0);
	stage_until(&s, stage_ended, 2);
	cr_assert_eq(stage_find(&s, "x", &early)->state, QUEUE_ECHO);
	cr_assert_eq(event_state(&early), QUEUE_ECHO);
	cr_assert_eq(metrics_value(METRIC_ECHO), 1);
	json_decref(after);
	end_related();
}

Test(runner_echo, somebody_elses_event_that_waited_runs_then_and_others_do_not_wait)
{
	start_related(2000);
	deliver("person.updated", person, "intro");
	stage_until(&s, is_written, 0);
	json_t *after = get_company(), *stranger = make_person("t");
	json_object_set_new(after, "name", json_string("Other"));
	json_object_set_new(after, "updatedAt", json_string("2026-01-01T00:00:00.000Z"));
	struct id other = deliver("company.updated", after, "name");
	struct id free = deliver("person.created", stranger, NULL);
	(void)free;
	json_t *fast = make_person("u");
	struct id quick = deliver("person.updated", fast, "jobTitle");
	stage_until(&s, stage_ended, 1);
	cr_assert_neq(stage_find(&s, "x", &quick)->ended_ms, 0, "it needs not to wait");
	stage_until(&s, stage_ended, 3);
	cr_assert_eq(stage_find(&s, "x", &other)->state, QUEUE_DONE);
	json_decref(after);
	json_decref(stranger);
	json_decref(fast);
	end_related();
}

static struct id early_id;

static bool early_is_echo(struct stage *stage, long n)
{
	(void)stage, (void)n;
	return event_state(&early_id) == QUEUE_ECHO;
}

/* The run that waited ends as an echo; or the answer was found before the event was routed, which
 * has no run then. Fired, it would be done. */
Test(runner_echo, it_waits_over_a_restart_too)
{
	start_related(2000);
	deliver("person.updated", person, "intro");
	stage_until(&s, is_written, 0);
	json_t *after = get_company();
	early_id = deliver("company.updated", after, "employees");
	stage_crash(&s);
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	stage_until(&s, early_is_echo, 0);
	json_decref(after);
	end_related();
}

/* What it made may be any new one of its kind. */
Test(runner_echo, a_new_record_whose_event_comes_before_the_answer_waits_too)
{
	stage_rule(&s, "a.lua",
		"rule \"x\" { on = { \"person.updated\", \"company.created\" }, run = function(e)\n"
		"  if e.object == \"person\" then twenty.companies:create { name = \"New\" } end\n"
		"end }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	person = make_person("old");
	fault("late=2000,match=POST /rest/companies");
	deliver("person.updated", person, "intro");
	stage_until(&s, is_made, 0);
	struct id early = deliver("company.created", company, NULL);
	stage_until(&s, stage_parsed, 2);
	stage_turn(&s, 5);
	cr_assert_eq(stage_find(&s, "x", &early)->state, QUEUE_RUNNING, "it waits");
	stage_until(&s, stage_ended, 2);
	cr_assert_eq(stage_find(&s, "x", &early)->state, QUEUE_ECHO);
	end_related();
}

/* --- by what an event is known ------------------------------------------------------------------
 */

/* A rule that wrote a title; the person after that. */
static json_t *written_person(void)
{
	stage_rule(&s, "a.lua",
		"rule \"writes\" { on = \"person.updated\", run = function(e)\n" RETITLE);
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *made = make_person("old");
	deliver("person.updated", made, "intro");
	stage_until(&s, stage_ended, 1);
	json_t *after = get_person(made);
	json_decref(made);
	return after;
}

static void expect_fires(json_t *record, const char *what)
{
	struct id id = deliver("person.updated", record, "jobTitle");
	stage_until(&s, stage_parsed, 2);
	stage_until(&s, stage_ended, 2);
	cr_assert_eq(stage_find(&s, "writes", &id)->state, QUEUE_DONE, "%s", what);
	json_decref(record);
}

/* What the rule wrote has been seen since, and changed; a second "Boss" is a member's own. */
Test(runner_echo, the_same_value_at_another_time_is_somebody_elses)
{
	json_t *after = written_person(), *between = json_copy(after);
	deliver("person.updated", after, "jobTitle");
	json_object_set_new(between, "updatedAt", json_string("2036-01-01T00:00:00.000Z"));
	json_object_set_new(between, "jobTitle", json_string("Chief"));
	deliver("person.updated", between, "jobTitle");
	stage_until(&s, stage_ended, 2);
	json_object_set_new(after, "updatedAt", json_string("2036-01-01T00:00:01.000Z"));
	struct id id = deliver("person.updated", after, "jobTitle");
	stage_until(&s, stage_ended, 3);
	cr_assert_eq(stage_find(&s, "writes", &id)->state, QUEUE_DONE);
	json_decref(between);
	json_decref(after);
}

/* The webhook of a write was lost, and a member's comes: the fields that it really changed are told
 * by what was seen before, and the rule's own is among them. */
Test(runner_echo, a_write_that_was_never_told_of_is_known_within_a_later_event)
{
	stage_rule(&s, "a.lua",
		"rule \"writes\" { on = \"person.updated\", run = function(e)\n"
		"  log.info(table.concat(e.fields, \",\"))\n" RETITLE);
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *made = make_person("old");
	deliver("person.updated", made, "intro");
	stage_until(&s, stage_ended, 1);
	json_t *after = get_person(made);
	json_object_set_new(after, "updatedAt", json_string("2036-01-01T00:00:00.000Z"));
	json_object_set_new(after, "intro", json_string("theirs"));
	struct id id = deliver("person.updated", after, "intro");
	stage_until(&s, stage_ended, 2);
	const struct stage_run *run = stage_find(&s, "writes", &id);
	cr_assert(strstr(run->log, " intro\n") != NULL, "%s", run->log);
	json_decref(made);
	json_decref(after);
}

Test(runner_echo, another_value_in_the_same_millisecond_is_somebody_elses)
{
	json_t *after = written_person();
	json_object_set_new(after, "jobTitle", json_string("Boss 2"));
	expect_fires(after, "another value");
}

Test(runner_echo, the_same_value_in_the_same_millisecond_by_somebody_else_is_theirs)
{
	json_t *after = written_person();
	json_object_set_new(after, "updatedBy",
		json_pack(
			"{s:s, s:n, s:s}", "source", "MANUAL", "workspaceMemberId", "name", "Ann"));
	expect_fires(after, "another author");
}

Test(runner_echo, a_creation_a_deletion_and_a_destruction_are_known_and_no_others)
{
	stage_rule(&s, "a.lua",
		"rule \"makes\" { on = { \"company.updated\", \"person.*\" }, run = function(e)\n"
		"  if e.object ~= \"company\" then return end\n"
		"  local p = twenty.people:create { jobTitle = \"new\" }\n"
		"  local q = twenty.people:create { jobTitle = \"gone\" }\n"
		"  twenty.people:delete(p.id)\n"
		"  twenty.people:destroy(q.id)\n"
		"  log.info(p.id, q.id)\nend }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *c = stage_record(&s, "POST", "/rest/companies", "{\"name\":\"Acme\"}");
	deliver("company.updated", c, "name");
	stage_until(&s, stage_ended, 1);
	stage_look(&s);
	char p[64], q[64], url[100];
	const char *line = strstr(s.runs[0].log, "info ");
	cr_assert(line != NULL && sscanf(line, "info %63s %63s", p, q) == 2, "%s", s.runs[0].log);
	struct http_answer answer;
	snprintf(url, sizeof(url), "%s/_twin/records/people", s.twin_url);
	cr_assert(http_request("GET", url, NULL, NULL, 0, &answer));
	json_t *all = json_loads(answer.body, 0, NULL), *each, *deleted = NULL;
	json_t *list = json_is_array(all) ? all : json_object_get(all, "people");
	size_t i;
	json_array_foreach(list, i, each)
	{
		if (strcmp(json_string_value(json_object_get(each, "id")), p) == 0)
			deleted = each;
	}
	cr_assert(deleted != NULL, "%s", answer.body);
	json_t *gone = json_pack("{s:s}", "id", q);
	struct id ids[4] = {deliver("person.created", gone, NULL),
		deliver("person.destroyed", gone, NULL),
		deliver("person.deleted", deleted, "deletedAt")};
	json_object_set_new(deleted, "deletedAt", json_string("2036-01-01T00:00:00.000Z"));
	json_object_set_new(deleted, "updatedAt", json_string("2036-01-01T00:00:00.000Z"));
	ids[3] = deliver("person.deleted", deleted, "deletedAt");
	stage_until(&s, stage_parsed, 5);
	stage_until(&s, stage_ended, 2);
	for (i = 0; i < 3; i++)
		cr_assert_eq(event_state(&ids[i]), QUEUE_ECHO, "%zu", i);
	cr_assert_eq(event_state(&ids[3]), QUEUE_DONE, "deleted by somebody else, later");
	json_decref(gone);
	json_decref(all);
	http_answer_done(&answer);
	json_decref(c);
}

/* --- via gap fill
 * --------------------------------------------------------------------------------- */

/* The person as the gap fill found her so long ago. */
static void find_gap(const json_t *made, int64_t ago_ms)
{
	struct err err = {0};
	json_t *now = get_person(made);
	json_t *body = json_pack("{s:s, s:o}", "eventName", "person.updated", "record", now);
	char *text = json_dumps(body, 0);
	struct birth_new birth = {
		.via = "gap", .body = slice_of(text), .received_ms = clock_wall_ms() - ago_ms};
	cr_assert_eq(route_offer(s.runner, &birth, &err), RC_OK, "%s", err.msg);
	free(text);
	json_decref(body);
}

static bool is_born(struct stage *stage, long n)
{
	(void)stage;
	return metrics_value(METRIC_EVENT_GAP) >= n;
}

static bool is_idle(struct stage *stage, long n)
{
	(void)n;
	return stage->runner->runs.live_n == 0;
}

/* A rule that sets itself off, and six times what it wrote is found by asking. How many of its runs
 * ended as a loop. */
static long go_round(int64_t ago_ms)
{
	stage_rule(&s, "a.lua",
		"rule \"self\" { on = \"person.updated\", echo = true, run = function(e)\n"
		"  local n = (tonumber(e.record.jobTitle) or 0) + 1\n"
		"  twenty.people:update(e.record.id, { jobTitle = tostring(n) })\nend }\n"
		"rule \"other\" { on = \"person.updated\", run = function(e)\n"
		"  twenty.people:update(e.record.id, { intro = \"done\" })\nend }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *made = make_person("0");
	deliver("person.updated", made, "intro");
	stage_until(&s, stage_ended, 2);
	for (long i = 1; i <= 6; i++) {
		find_gap(made, ago_ms);
		stage_until(&s, is_born, i);
		stage_until(&s, is_idle, 0);
	}
	json_decref(made);
	stage_look(&s);
	long loops = 0;
	for (size_t i = 0; i < s.runs_n; i++)
		loops += strcmp(s.runs[i].code, "loop") == 0;
	return loops;
}

/* No webhook ever comes. */
Test(runner_echo, a_loop_by_way_of_gap_fill_is_stopped)
{
	long wrote = 0;
	cr_assert_eq(go_round(0), 1);
	for (size_t i = 0; i < s.runs_n; i++)
		wrote += s.runs[i].state == QUEUE_DONE && s.runs[i].api_calls > 0;
	cr_assert_leq(wrote, 8, "%ld", wrote);
	cr_assert(queue_paused(s.work, "self"));
}

/* Others of its chain may have been stopped since, and the rules been mended. */
Test(runner_echo, an_event_that_waited_for_long_pauses_no_rule)
{
	cr_assert_geq(go_round(120000), 1);
	cr_assert_not(queue_paused(s.work, "self"));
}

/* Each time another record, so that nothing comes twice. */
Test(runner_echo, a_chain_ends_when_it_is_deep_whatever_it_is_about)
{
	stage_rule(&s, "a.lua",
		"rule \"grow\" { on = \"company.created\", echo = true, run = function(e)\n"
		"  log.info(twenty.companies:create { name = \"Next\" }.id)\nend }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *now = stage_record(&s, "POST", "/rest/companies", "{\"name\":\"First\"}");
	for (long i = 0;; i++) {
		char path[100], next[64];
		struct id id = deliver("company.created", now, NULL);
		json_decref(now);
		stage_until(&s, stage_ended, i + 1);
		const struct stage_run *run = stage_find(&s, "grow", &id);
		if (run->state != QUEUE_DONE) {
			cr_assert_str_eq(run->code, "loop");
			cr_assert_eq(i, ECHO_DEPTH_MAX + 1, "%ld", i);
			break;
		}
		const char *line = strstr(run->log, "info ");
		cr_assert(line != NULL && sscanf(line, "info %63s", next) == 1, "%s", run->log);
		snprintf(path, sizeof(path), "/rest/companies/%s", next);
		now = stage_record(&s, "GET", path, NULL);
	}
	cr_assert(queue_paused(s.work, "grow"));
}

/* A member changes the intro again and again, and each time the rule's last write is in what is
 * found: GIVES what she leaves. */
static json_t *by_member(const json_t *made, int i)
{
	char at[CLOCK_TEXT_N], intro[32];
	json_t *now = get_person(made);
	int64_t ms = clock_parse(json_string_value(json_object_get(now, "updatedAt")));
	clock_format(ms + 1, at);
	snprintf(intro, sizeof(intro), "draft %d", i);
	json_object_set_new(now, "updatedAt", json_string(at));
	json_object_set_new(now, "intro", json_string(intro));
	json_object_set_new(
		now, "updatedBy", json_pack("{s:s, s:s}", "source", "MANUAL", "name", "Ann"));
	return now;
}

Test(runner_echo, who_edits_a_record_again_and_again_makes_no_loop_of_what_we_answer)
{
	stage_rule(&s, "a.lua",
		"rule \"count\" { on = \"person.updated\", run = function(e)\n"
		"  twenty.people:update(e.record.id, { jobTitle = e.record.intro })\nend }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	json_t *made = make_person("0");
	deliver("person.updated", made, "intro");
	stage_until(&s, stage_ended, 1);
	for (int i = 1; i <= 10; i++) {
		json_t *now = by_member(made, i);
		deliver("person.updated", now,
			"intro"); /* that of our write comes later, or never */
		stage_until(&s, stage_ended, i + 1);
		json_decref(now);
	}
	stage_look(&s);
	for (size_t i = 0; i < s.runs_n; i++)
		cr_expect_eq(s.runs[i].state, QUEUE_DONE, "run %zu: %s", i, s.runs[i].error);
	cr_expect(!queue_paused(s.work, "count"));
	json_decref(made);
}
