/* SPDX-License-Identifier: MIT */
/* A real runner beside a twin that sends no webhooks: what happens there is found by asking. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "queue/copy.h"
#include "queue/gap.h"
#include "tests/unit/runner_stage.h"

static const char rules[] =
	"rule \"tell\" {\n"
	"  on = { \"person.*\", \"company.*\" },\n"
	"  run = function(event)\n"
	"    local fields = {}\n"
	"    for i, f in ipairs(event.fields or {}) do fields[i] = f end\n"
	"    table.sort(fields)\n"
	"    log.info(event.name .. \" \" .. event.via .. \" \" .. table.concat(fields, \",\") ..\n"
	"      \" \" .. tostring(event.before and event.before.jobTitle) .. \" \" ..\n"
	"      tostring(event.record.jobTitle))\n"
	"  end,\n"
	"}\n";

static struct stage s;

static void setup(void)
{
	stage_open(&s);
	stage_rule(&s, "tell.lua", rules);
	stage_start(&s, STAGE_TWIN, "workers = 1");
}

static void teardown(void)
{
	stage_close(&s);
}

TestSuite(runner_gap, .init = setup, .fini = teardown, .timeout = 60);

/* --- the twin --------------------------------------------------------------------------------- */

/* GIVES. */
static json_t *api(const char *method, const char *path, const char *body)
{
	char whole[200];
	snprintf(whole, sizeof(whole), "/rest/%s", path);
	char *text = stage_ask(&s, method, whole, body);
	json_t *json = json_loads(text, 0, NULL);
	cr_assert_not_null(json_object_get(json, "data"), "%s %s: %s", method, path, text);
	free(text);
	return json;
}

static void person(const char *title, char ret_id[static 40])
{
	char body[256];
	snprintf(body, sizeof(body), "{\"jobTitle\":\"%s\"}", title);
	json_t *record = stage_record(&s, "POST", "/rest/people", body);
	snprintf(ret_id, 40, "%s", json_string_value(json_object_get(record, "id")));
	json_decref(record);
}

static void change(const char *method, const char *id, const char *suffix, const char *body)
{
	char path[128];
	snprintf(path, sizeof(path), "people/%s%s", id, suffix);
	json_decref(api(method, path, body));
}

static void restore(const char *id)
{
	char path[128];
	snprintf(path, sizeof(path), "restore/people?filter=id%%5Beq%%5D:%s", id);
	json_decref(api("PATCH", path, NULL));
}

/* --- orders ----------------------------------------------------------------------------------- */

/* What an order is answered; turns the runner until then. GIVES. */
static json_t *order(const char *words)
{
	char text[512];
	snprintf(text, sizeof(text), "1 0 {\"do\":\"reconcile\"%s%s}", words[0] != '\0' ? "," : "",
		words);
	stage_order(&s, text);
	json_t *answer = json_loads(stage_ordered(&s) + 2, 0, NULL);
	cr_assert_not_null(answer);
	return answer;
}

/* How many of a kind the order finds in people; checks that nothing went wrong. */
static int reconciled(const char *words, const char *kind)
{
	json_t *answer = order(words);
	cr_assert(json_is_true(json_object_get(answer, "ok")), "%s",
		json_string_value(json_object_get(answer, "error")));
	json_t *of = json_object_get(json_object_get(answer, "objects"), "person");
	cr_assert_null(json_object_get(of, "problem"), "%s",
		json_string_value(json_object_get(of, "problem")));
	int n = (int)json_integer_value(json_object_get(of, kind));
	json_decref(answer);
	return n;
}

static int found(const char *words)
{
	static const char *const kinds[] = {
		"created", "updated", "deleted", "restored", "destroyed"};
	json_t *answer = order(words);
	json_t *of = json_object_get(json_object_get(answer, "objects"), "person");
	int n = 0;
	for (size_t i = 0; i < ARRAY_N(kinds); i++)
		n += (int)json_integer_value(json_object_get(of, kinds[i]));
	json_decref(answer);
	return n;
}

/* The last words of the i-th run. */
static const char *told(size_t i)
{
	stage_until(&s, stage_ended, (long)i + 1);
	stage_look(&s);
	cr_assert_lt(i, s.runs_n);
	const char *at = strstr(s.runs[i].log, "person.");
	cr_assert_not_null(at, "%s", s.runs[i].log);
	return at;
}

#define cr_told(i, text)                                                                           \
	cr_expect(strncmp(told(i), text "\n", strlen(text) + 1) == 0, "%s instead of %s", told(i), \
		text)

/* --- cases ------------------------------------------------------------------------------------ */

Test(runner_gap, nothing_from_before_the_first_start_becomes_an_event)
{
	char id[40];
	person("before", id);
	cr_expect_eq(found(""), 0, "the first time only sets the watermark");
	cr_expect_eq(found(""), 0);
	cr_expect_eq(found("\"since_ms\":86400000"), 0, "nor by hand");
	cr_expect_eq(stage_counts(&s).events[QUEUE_DONE], 0);
}

Test(runner_gap, each_kind_of_change_is_told_with_what_was_before)
{
	char old[40], new[40];
	person("old", old);
	cr_expect_eq(found(""), 0);
	person("new", new);
	cr_expect_eq(reconciled("", "created"), 1);
	cr_told(0, "person.created gap  nil new");
	change("PATCH", old, "", "{\"jobTitle\":\"older\"}");
	cr_expect_eq(reconciled("", "updated"), 1);
	cr_told(1, "person.updated gap jobTitle old older");
	change("DELETE", old, "?soft_delete=true", NULL);
	cr_expect_eq(reconciled("", "deleted"), 1);
	cr_told(2, "person.deleted gap deletedAt older older");
	restore(old);
	change("PATCH", old, "", "{\"jobTitle\":\"again\"}");
	cr_expect_eq(reconciled("", "restored"), 1);
	cr_told(3, "person.restored gap deletedAt,jobTitle older again");
	cr_expect_eq(found(""), 0);
	change("DELETE", old, "", NULL);
	cr_expect_eq(found(""), 0, "a look cannot see what is gone");
	cr_expect_eq(reconciled("\"ids\":true", "destroyed"), 1);
	cr_told(4, "person.destroyed gap  again again");
	cr_expect_eq(reconciled("\"ids\":true", "destroyed"), 0);
	cr_expect_eq(s.runs_n, 5u);
}

Test(runner_gap, several_changes_are_one_event_and_there_and_back_is_none)
{
	char id[40];
	person("one", id);
	cr_expect_eq(found(""), 0);
	change("PATCH", id, "", "{\"jobTitle\":\"two\"}");
	change("PATCH", id, "", "{\"jobTitle\":\"three\"}");
	cr_expect_eq(found(""), 1);
	cr_told(0, "person.updated gap jobTitle one three");
	change("PATCH", id, "", "{\"jobTitle\":\"four\"}");
	change("PATCH", id, "", "{\"jobTitle\":\"three\"}");
	cr_expect_eq(found(""), 0);
	change("PATCH", id, "", "{\"jobTitle\":\"three\"}");
	cr_expect_eq(found(""), 0, "a write that changes nothing has no webhook either");
}

Test(runner_gap, a_dry_run_tells_and_does_nothing)
{
	char id[40];
	cr_expect_eq(found(""), 0);
	person("new", id);
	cr_expect_eq(reconciled("\"dry_run\":true", "created"), 1);
	cr_expect_eq(reconciled("\"dry_run\":true", "created"), 1);
	stage_turn(&s, 5);
	cr_expect_eq(stage_counts(&s).events[QUEUE_DUE] + stage_counts(&s).events[QUEUE_DONE], 0);
	cr_expect_eq(reconciled("", "created"), 1);
}

/* A webhook of Twenty about a record as it is now. */
static void webhook(const char *action, const char *id)
{
	char path[128];
	snprintf(path, sizeof(path), "/rest/people/%s", id);
	json_t *record = stage_record(&s, "GET", path, NULL);
	json_t *body = json_pack("{s:o, s:o, s:s}", "eventName", json_sprintf("person.%s", action),
		"record", record, "eventDate", "2026-11-23T10:00:00.000Z");
	if (strcmp(action, "updated") == 0)
		json_object_set_new(body, "updatedFields", json_pack("[s]", "jobTitle"));
	char *text = json_dumps(body, 0);
	stage_deliver(&s, "twenty", slice_of(text));
	free(text);
	json_decref(body);
}

Test(runner_gap, a_webhook_that_comes_late_fires_nothing_twice)
{
	char id[40];
	cr_expect_eq(found(""), 0);
	person("one", id);
	json_t *first = stage_record(&s, "GET", "/rest/people", NULL);
	change("PATCH", id, "", "{\"jobTitle\":\"two\"}");
	cr_expect_eq(found(""), 1);
	char *text = json_dumps(first, 0);
	char body[4096];
	snprintf(body, sizeof(body), "{\"eventName\":\"person.created\",\"record\":%s}", text);
	stage_deliver(&s, "twenty", slice_of(body)); /* older than what was told */
	webhook("updated", id);                      /* the same */
	stage_until(&s, stage_parsed, 2);
	cr_expect_eq(stage_counts(&s).events[QUEUE_DUPLICATE], 2);
	cr_expect_eq(metrics_value(METRIC_GAP_LATE), 2);
	change("PATCH", id, "", "{\"jobTitle\":\"three\"}");
	webhook("updated", id);
	stage_until(&s, stage_ended, 2);
	cr_told(1, "person.updated hook jobTitle two three");
	cr_expect_eq(s.runs_n, 2u);
	free(text);
	json_decref(first);
}

/* Of a clock that was wrong: what it wrote down may not silence the record until that time. */
Test(runner_gap, what_is_told_of_a_time_to_come_silences_nothing_before_it)
{
	char id[40];
	struct err err;
	cr_expect_eq(found(""), 0);
	person("one", id);
	change("PATCH", id, "", "{\"jobTitle\":\"two\"}");
	cr_expect_eq(found(""), 1);
	cr_assert_eq(queue_told_put(s.work, "person", id, clock_wall_ms() + 86400000,
			     clock_wall_ms(), &err),
		RC_OK);
	change("PATCH", id, "", "{\"jobTitle\":\"three\"}");
	webhook("updated", id);
	stage_until(&s, stage_ended, 2);
	cr_told(1, "person.updated hook jobTitle two three");
}

static bool is_here(struct stage *st, long n)
{
	(void)n;
	return st->runner->gap.look.state == GAP_HERE;
}

Test(runner_gap, what_webhooks_brought_goes_first)
{
	char id[40];
	cr_expect_eq(found(""), 0);
	person("one", id);
	webhook("created", id);
	stage_until(&s, stage_ended, 1);
	size_t room = s.runner->runs.max;
	s.runner->runs.max = 0; /* nothing is routed for a while */
	change("PATCH", id, "", "{\"jobTitle\":\"two\"}");
	webhook("updated", id);
	stage_order(&s, "1 0 {\"do\":\"reconcile\"}");
	stage_until(&s, is_here, 0);
	stage_turn(&s, 5);
	cr_expect_eq(s.runner->gap.look.state, GAP_HERE, "the page waits for it");
	s.runner->runs.max = room;
	stage_until(&s, stage_ended, 2);
	cr_told(1, "person.updated hook jobTitle one two");
	cr_expect_eq(metrics_value(METRIC_EVENT_GAP), 0);
}

Test(runner_gap, a_change_whose_webhook_comes_while_it_is_told_is_told_once)
{
	char id[40];
	struct err err = {0};
	cr_expect_eq(found(""), 0);
	person("one", id);
	change("PATCH", id, "", "{\"jobTitle\":\"two\"}");
	webhook("created", id);
	stage_until(&s, stage_ended, 1);
	/* as if the page had been judged before the webhook was routed */
	char path[128];
	snprintf(path, sizeof(path), "/rest/people/%s", id);
	json_t *record = stage_record(&s, "GET", path, NULL);
	json_object_set_new(record, "jobTitle", json_string("older"));
	json_object_set(record, "updatedAt", json_object_get(record, "createdAt"));
	s.runner->gap.look.at = gap_object_find(&s.runner->gap.objects, "person");
	cr_assert_eq(gap_bear(&s.runner->gap.look, "updated", record, &err), RC_OK);
	stage_turn(&s, 5);
	cr_expect_eq(stage_counts(&s).events[QUEUE_DUPLICATE], 1);
	cr_expect_eq(metrics_value(METRIC_GAP_RUNNING), 0);
	s.runner->gap.look.at = NULL;
	json_decref(record);
}

/* Changes of the same millisecond, at most 200. */
static void many(int n)
{
	json_t *list = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s}", "jobTitle", "one of many"));
	char *body = json_dumps(list, 0);
	json_decref(api("POST", "batch/people", body));
	free(body);
	json_decref(list);
}

Test(runner_gap, a_request_finds_two_hundred_changes)
{
	cr_expect_eq(found(""), 0);
	many(200);
	many(200);
	many(50);
	json_t *answer = order("\"objects\":[\"people\"]");
	json_t *of = json_object_get(json_object_get(answer, "objects"), "person");
	cr_expect_eq(json_integer_value(json_object_get(of, "created")), 450);
	cr_expect_eq(json_integer_value(json_object_get(of, "requests")), 3);
	cr_expect_eq(json_object_size(json_object_get(answer, "objects")), 1u);
	json_decref(answer);
	stage_until(&s, stage_ended, 450);
	cr_expect_eq(found(""), 0);
}

Test(runner_gap, what_a_runner_told_before_it_died_is_told_once)
{
	char id[40];
	cr_expect_eq(found(""), 0);
	many(100);
	person("one", id);
	stage_order(&s, "1 0 {\"do\":\"reconcile\"}");
	while (metrics_value(METRIC_EVENT_GAP) == 0)
		runner_turn(s.runner);
	stage_crash(&s);
	stage_again(&s);
	(void)found("");
	stage_until(&s, stage_ended, 101);
	cr_expect_eq(found(""), 0);
	stage_look(&s);
	cr_expect_eq(s.runs_n, 101u);
}

/* --- by itself -------------------------------------------------------------------------------- */

static bool is_found(struct stage *st, long n)
{
	(void)st;
	return metrics_value(METRIC_EVENT_GAP) >= n;
}

static bool is_asked(struct stage *st, long n)
{
	(void)st;
	return metrics_value(METRIC_GAP_REQUESTS) >= n;
}

static void start_with(const char *settings)
{
	stage_close(&s);
	stage_open(&s);
	stage_rule(&s, "tell.lua", rules);
	stage_start(&s, STAGE_TWIN, settings);
	stage_until(&s, is_asked, 2);
	stage_turn(&s, 2);
}

Test(runner_gap, without_an_order_too_and_that_is_the_alarm)
{
	char id[40];
	start_with("workers = 1\ngap = { every = \"100ms\", grace = \"0s\" }");
	s.runner->gap.started_ms -= 5000; /* it has been there for a while */
	person("one", id);
	stage_until(&s, is_found, 1);
	cr_told(0, "person.created gap  nil one");
	cr_expect_eq(metrics_value(METRIC_GAP_RUNNING), 1);
	cr_expect_eq(metrics_value(METRIC_GAP_STOPPED), 0);
	stage_stop(&s);
	person("two", id);
	stage_again(&s);
	stage_until(&s, is_found, 2);
	cr_told(1, "person.created gap  nil two");
	cr_expect_eq(metrics_value(METRIC_GAP_RUNNING), 1);
	cr_expect_eq(metrics_value(METRIC_GAP_STOPPED), 1, "nobody could hear of that");
}

Test(runner_gap, what_is_young_is_left_to_its_webhook)
{
	char id[40];
	start_with("workers = 1\ngap = { every = \"100ms\", grace = \"1h\" }");
	s.runner->gap.started_ms -= 5000;
	person("one", id);
	stage_until(&s, is_asked, metrics_value(METRIC_GAP_REQUESTS) + 6);
	cr_expect_eq(metrics_value(METRIC_EVENT_GAP), 0);
	cr_expect_eq(found(""), 1, "whoever orders it wants it now");
}

Test(runner_gap, what_the_first_look_leaves_is_looked_at_again_soon)
{
	char id[40];
	start_with("workers = 1\ngap = { every = \"1h\", grace = \"300ms\" }");
	s.runner->gap.started_ms -= 5000;
	person("one", id);
	s.runner->gap.looked = false; /* as if it had just begun */
	s.runner->gap.look_at_ms = 0;
	stage_until(&s, is_found, 1);
	cr_expect_gt(s.runner->gap.look_at_ms, clock_mono_ms() + 3000000, "the usual again");
}

Test(runner_gap, never_where_it_is_turned_off)
{
	char id[40];
	cr_expect_eq(found(""), 0);
	long before = metrics_value(METRIC_GAP_REQUESTS);
	person("one", id);
	int64_t end = clock_mono_ms() + 600;
	while (clock_mono_ms() < end)
		runner_turn(s.runner);
	cr_expect_eq(metrics_value(METRIC_GAP_REQUESTS), before);
	cr_expect_eq(metrics_value(METRIC_EVENT_GAP), 0);
}

/* --- the sweep -------------------------------------------------------------------------------- */

static bool sweep_is_over(struct stage *st, long n)
{
	(void)n;
	return st->runner->gap.sweep.serial != 0 && st->runner->gap.sweep.state == GAP_IDLE;
}

/* A day has passed. */
static void sweep_now(void)
{
	struct gap *gap = &s.runner->gap;
	gap_object_find(&gap->objects, "person")->swept_ms = 1;
	gap->sweep.serial = 0;
	gap->sweep_at_ms = 0;
	gap->look_at_ms = INT64_MAX;
	s.runner->settings.gap_every_ms = 86400000;
	stage_until(&s, sweep_is_over, 0);
	s.runner->settings.gap_every_ms = 0;
}

Test(runner_gap, many_that_are_gone_at_once_are_not_believed_but_by_order)
{
	char id[40];
	many(60);
	cr_expect_eq(found(""), 0);
	json_t *all = api("GET", "people?limit=200", NULL);
	json_t *people = json_object_get(json_object_get(all, "data"), "people"), *one;
	size_t i;
	json_array_foreach(people, i, one)
	{
		if (i != 0)
			change("DELETE", json_string_value(json_object_get(one, "id")), "", NULL);
	}
	json_decref(all);
	sweep_now();
	struct gap_object *o = gap_object_find(&s.runner->gap.objects, "person");
	cr_expect(
		strstr(o->problem, "59 of 60 records are gone at once: not believed") == o->problem,
		"%s", o->problem);
	cr_expect_eq(metrics_value(METRIC_EVENT_GAP), 0);
	cr_expect_eq(reconciled("\"ids\":true,\"objects\":[\"person\"]", "destroyed"), 59);
	cr_expect_str_eq(o->problem, "");
	person("new", id);
	cr_expect_eq(found(""), 1);
	change("DELETE", id, "", NULL);
	sweep_now();
	cr_expect_eq(metrics_value(METRIC_EVENT_GAP), 61, "one is believed");
	cr_expect_str_eq(o->problem, "");
}

/* Twenty of twenty: more likely the key is that of another workspace. */
Test(runner_gap, all_that_are_gone_at_once_are_not_believed_even_where_they_are_not_many)
{
	many(20);
	cr_expect_eq(found(""), 0);
	json_t *all = api("GET", "people?limit=200", NULL);
	json_t *people = json_object_get(json_object_get(all, "data"), "people"), *one;
	size_t i;
	json_array_foreach(people, i, one)
		change("DELETE", json_string_value(json_object_get(one, "id")), "", NULL);
	json_decref(all);
	sweep_now();
	struct gap_object *o = gap_object_find(&s.runner->gap.objects, "person");
	cr_expect(strstr(o->problem, "20 of 20 records are gone at once") == o->problem, "%s",
		o->problem);
	cr_expect_eq(metrics_value(METRIC_EVENT_GAP), 0);
}

Test(runner_gap, the_sweep_goes_through_pages_and_finds_what_no_look_could)
{
	many(200);
	many(150);
	cr_expect_eq(found(""), 0);
	json_t *answer = api("GET", "people?limit=200", NULL);
	json_t *people = json_object_get(json_object_get(answer, "data"), "people");
	for (size_t i = 50; i < 200; i += 50)
		change("DELETE",
			json_string_value(json_object_get(json_array_get(people, i), "id")), "",
			NULL);
	/* a change that became visible when the watermark was past it */
	const char *late = json_string_value(json_object_get(json_array_get(people, 1), "id"));
	change("PATCH", late, "", "{\"jobTitle\":\"late\"}");
	gap_object_find(&s.runner->gap.objects, "person")->from_ms = clock_wall_ms() - 100;
	struct timespec pause = {0, 150000000};
	nanosleep(&pause, NULL);
	gap_object_find(&s.runner->gap.objects, "person")->from_ms = clock_wall_ms();
	json_t *found_now = order("\"ids\":true,\"objects\":[\"person\"]");
	json_t *of = json_object_get(json_object_get(found_now, "objects"), "person");
	cr_expect_eq(json_integer_value(json_object_get(of, "destroyed")), 3);
	cr_expect_eq(json_integer_value(json_object_get(of, "updated")), 1);
	cr_expect_eq(
		json_integer_value(json_object_get(of, "requests")), 3, "two pages, one doubt");
	json_decref(found_now);
	json_decref(answer);
}

Test(runner_gap, a_copy_whose_id_is_no_uuid_stops_no_sweep)
{
	char id[40];
	cr_expect_eq(found(""), 0);
	stage_deliver(&s, "twenty",
		slice_of("{\"eventName\":\"person.created\",\"record\":{\"id\":\"rubbish\","
			 "\"updatedAt\":\"2020-01-01T00:00:00.000Z\"}}"));
	stage_until(&s, stage_ended, 1);
	person("new", id);
	cr_expect_eq(reconciled("", "created"), 1);
	stage_until(&s, stage_ended, 2);
	change("DELETE", id, "", NULL);
	cr_expect_eq(reconciled("\"ids\":true", "destroyed"), 1);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

Test(runner_gap, an_order_about_nothing_and_a_second_one_are_refused)
{
	json_t *answer = order("\"objects\":[\"rocket\"]");
	const char *error = json_string_value(json_object_get(answer, "error"));
	cr_assert_not_null(error);
	cr_expect(strstr(error, "no rule that is live listens to \"rocket\"") != NULL, "%s", error);
	json_decref(answer);
	stage_order(&s, "7 0 {\"do\":\"reconcile\"}");
	answer = order("");
	cr_expect_str_eq(json_string_value(json_object_get(answer, "code")), "busy");
	json_decref(answer);
}

static void remove_rule(const char *file)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/%s", s.rules, file);
	cr_assert_eq(unlink(path), 0);
}

Test(runner_gap, an_object_that_the_workspace_does_not_have_is_said)
{
	char text[512];
	stage_rule(
		&s, "more.lua", "rule \"x\" { on = \"unicorn.created\", run = function() end }\n");
	stage_reload(&s, text);
	json_t *answer = order("");
	json_t *objects = json_object_get(answer, "objects");
	cr_expect_eq(json_object_size(objects), 3u);
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(objects, "unicorn"), "problem")),
		"the workspace has no such object");
	cr_expect_null(json_object_get(json_object_get(objects, "person"), "problem"));
	json_decref(answer);
	remove_rule("more.lua");
	stage_reload(&s, text);
	cr_expect_eq(found(""), 0);
	cr_expect_null(gap_object_find(&s.runner->gap.objects, "unicorn"), "nobody listens to it");
}

Test(runner_gap, who_orders_while_twenty_is_away_is_told_so)
{
	cr_expect_eq(found(""), 0);
	process_stop(&s.twin, SIGKILL, 2000);
	s.twin.pid = 0;
	json_t *answer = order("");
	cr_expect_str_eq(json_string_value(json_object_get(answer, "code")), "unreachable");
	json_decref(answer);
}
