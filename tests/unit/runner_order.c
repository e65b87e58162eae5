/* SPDX-License-Identifier: MIT */
/* Orders on a real runner; this test is the supervisor's end of its link. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "queue/audit.h"
#include "queue/pause.h"
#include "tests/unit/runner_stage.h"

static struct stage s;

static void setup(void)
{
	stage_open(&s);
	stage_rule(&s, "bad.lua",
		"rule \"bad\" { on = \"person.updated\", run = function(event)\n"
		"  if event.record.jobTitle == \"fine\" then return end\n"
		"  error(\"no \" .. event.record.jobTitle)\nend }\n");
	stage_rule(&s, "good.lua",
		"rule \"good\" { on = \"person.created\", run = function(event) end }\n");
	stage_start(&s, STAGE_ALONE, "workers = 1");
}

static void teardown(void)
{
	stage_close(&s);
}

TestSuite(runner_order, .init = setup, .fini = teardown, .timeout = 60);

Test(runner_order, an_order_is_answered_with_its_number)
{
	stage_order(&s, "17 0 {\"do\":\"ping\"}");
	cr_expect_str_eq(stage_ordered(&s), "17 {\"ready\":true,\"ok\":true}");
}

Test(runner_order, what_is_no_order_is_refused_with_a_sentence)
{
	stage_order(&s, "1 0 {\"do\":\"dance\"}");
	const char *got = stage_ordered(&s);
	cr_expect(strstr(got, "1 {\"ok\":false,\"error\":\"this daemon knows no order") == got,
		"%s", got);
	cr_expect(strstr(got, "\"code\":\"unsupported\"") != NULL, "%s", got);
	static const char *const wrong[] = {
		"2 0 {}", "2 0 []", "2 0 {\"do\":7}", "2 0 rubbish", "2 0 "};
	for (size_t i = 0; i < ARRAY_N(wrong); i++) {
		stage_order(&s, wrong[i]);
		got = stage_ordered(&s);
		cr_expect(strstr(got, "\"code\":\"invalid\"") != NULL, "%s: %s", wrong[i], got);
	}
	stage_order(&s, "no number"); /* dropped; the next is answered */
	stage_order(&s, "3 0 {\"do\":\"ping\"}");
	cr_expect(strstr(stage_ordered(&s), "3 {") != NULL);
}

/* The answer to an order with this number as an object. GIVES. */
static json_t *have_done(int number, const char *words)
{
	char text[1024];
	snprintf(text, sizeof(text), "%d 1000 %s", number, words);
	stage_order(&s, text);
	const char *got = stage_ordered(&s);
	char begin[16];
	int n = snprintf(begin, sizeof(begin), "%d ", number);
	cr_assert_eq(strncmp(got, begin, (size_t)n), 0, "%s", got);
	json_t *answer = json_loads(got + n, 0, NULL);
	cr_assert_not_null(answer);
	return answer;
}

static json_int_t number_of(json_t *answer, const char *key)
{
	cr_assert(json_is_true(json_object_get(answer, "ok")), "%s",
		json_string_value(json_object_get(answer, "error")));
	json_int_t n = json_integer_value(json_object_get(answer, key));
	json_decref(answer);
	return n;
}

static void refused(json_t *answer, const char *sentence)
{
	cr_assert(json_is_false(json_object_get(answer, "ok")));
	cr_assert_str_eq(json_string_value(json_object_get(answer, "error")), sentence);
	json_decref(answer);
}

static bool at_rest(struct stage *st, long n)
{
	(void)n;
	return !order_busy(st->runner) && !st->runner->orders.pausing;
}

static bool dead_are(struct stage *st, long n)
{
	return stage_counts(st).runs[QUEUE_DEAD] == n;
}

static bool done_are(struct stage *st, long n)
{
	return stage_counts(st).runs[QUEUE_DONE] == n;
}

Test(runner_order, a_paused_rule_waits_and_resumed_it_goes_on)
{
	refused(have_done(1, "{\"do\":\"pause\",\"rules\":[\"goood\"]}"),
		"there is no rule \"goood\"; did you mean \"good\"?");
	refused(have_done(2, "{\"do\":\"pause\",\"rules\":[]}"),
		"name a rule, or all of them with --all");
	refused(have_done(3, "{\"do\":\"resume\",\"rules\":[\"good\"]}"),
		"there is no paused rule \"good\"; `moonhook rules list` says which are");
	cr_assert_eq(number_of(have_done(4, "{\"do\":\"pause\",\"rules\":[\"good\"]}"), "runs"), 0);
	stage_person(&s, "created", "0a000000-0000-4000-8000-000000000001", "x");
	stage_person(&s, "updated", "0a000000-0000-4000-8000-000000000001", "fine");
	stage_until(&s, done_are, 1);
	stage_until(&s, at_rest, 0);
	cr_assert_eq(stage_find(&s, "good", NULL)->state, QUEUE_WAITING);
	refused(have_done(5, "{\"do\":\"resume\",\"rules\":[\"godo\"]}"),
		"there is no paused rule \"godo\"; did you mean \"good\"?");
	cr_assert_eq(
		number_of(have_done(6, "{\"do\":\"resume\",\"rules\":[\"good\"]}"), "runs"), 1);
	stage_until(&s, done_are, 2);
}

Test(runner_order, everything_is_paused_with_a_star_and_that_outlives_the_runner)
{
	cr_assert_eq(number_of(have_done(1, "{\"do\":\"pause\",\"rules\":[\"*\"]}"), "runs"), 0);
	for (int i = 0; i < 20; i++)
		stage_someone(&s, "fine");
	stage_until(&s, stage_waiting, 20);
	stage_stop(&s);
	stage_again(&s);
	stage_turn(&s, 50);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_WAITING], 20);
	cr_assert_eq(number_of(have_done(2, "{\"do\":\"resume\",\"rules\":[\"*\"]}"), "runs"), 20);
	stage_until(&s, done_are, 20);
}

#define RETRY "{\"do\":\"retry\",\"what\":\"runs\",\"filter\":"
#define PURGE "{\"do\":\"purge\",\"what\":\"runs\",\"filter\":"

Test(runner_order, dead_letters_are_tried_again_by_filter_and_removed)
{
	for (int i = 0; i < 3; i++)
		stage_someone(&s, "one");
	stage_someone(&s, "two");
	stage_until(&s, dead_are, 4);
	cr_assert_eq(number_of(have_done(1, RETRY "{\"rule\":\"good\"}}"), "n"), 0);
	cr_assert_eq(number_of(have_done(2, RETRY "{\"error\":\"no one\"}}"), "n"), 3);
	stage_until(&s, dead_are, 4); /* they fail again */
	refused(have_done(3, RETRY "{\"state\":\"done\"}}"),
		"runs that are done cannot be tried again");
	refused(have_done(4, PURGE "{}}"), "to remove everything is no filter");
	cr_assert_eq(number_of(have_done(5, PURGE "{\"error\":\"no one\"}}"), "n"), 3);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 1u);
	cr_assert_eq(number_of(have_done(6, PURGE "{\"state\":\"dead\"}}"), "n"), 1);
	cr_assert_eq(
		stage_counts(&s).events[QUEUE_DEAD], 0, "their events have nothing left to do");
	cr_assert_eq(stage_counts(&s).events[QUEUE_DONE], 4);
	refused(have_done(7, RETRY "{\"id\":\"zzzz\"}}"), "no run has the id \"zzzz\"");
}

/* A condition that is not understood may not count as none. */
Test(runner_order, a_filter_that_is_not_understood_is_refused)
{
	static const char *const wrong[] = {"{\"rule\":7}}", "{\"rule\":null}}",
		"{\"ruel\":\"good\"}}", "{\"since_ms\":\"1\"}}", "[]}"};
	stage_someone(&s, "one");
	stage_until(&s, dead_are, 1);
	for (size_t i = 0; i < ARRAY_N(wrong); i++) {
		char text[200];
		snprintf(text, sizeof(text), PURGE "%s", wrong[i]);
		refused(have_done(1, text), "retry and purge are of runs or events, by filter");
	}
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DEAD], 1);
}

/* What is looked for to be erased is said by the record, whose fields anybody may fill. */
Test(runner_order, only_whole_addresses_are_erased_with_a_record)
{
	stage_deliver(&s, "twenty",
		slice_of("{\"eventName\":\"note.updated\",\"record\":{\"id\":"
			 "\"7f1c2f4e-0a3d-4c0e-9d8e-3b6b1c8d2a11\",\"intro\":\"@acme.com\","
			 "\"jobTitle\":\"@done\",\"city\":\"a@b@c.de\","
			 "\"mail\":\"ann@acme.com\"}}"));
	stage_until(&s, stage_parsed, 1);
	cr_assert_eq(number_of(have_done(1, "{\"do\":\"erase\",\"dry_run\":true,\"record\":"
					    "\"7f1c2f4e-0a3d-4c0e-9d8e-3b6b1c8d2a11\"}"),
			     "addresses"),
		1);
}

Test(runner_order, a_dead_letter_that_is_tried_again_runs_the_rule_as_it_is_now)
{
	char text[512];
	stage_someone(&s, "one");
	stage_until(&s, dead_are, 1);
	stage_rule(&s, "bad.lua",
		"rule \"bad\" { on = \"person.updated\", run = function(event) end }\n");
	stage_reload(&s, text);
	cr_assert_eq(number_of(have_done(1, RETRY "{}}"), "n"), 1);
	stage_until(&s, done_are, 1);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DEAD], 0);
}

Test(runner_order, many_dead_letters_are_tried_again_while_others_go_on)
{
	for (int i = 0; i < 1200; i++)
		stage_someone(&s, "one");
	stage_until(&s, dead_are, 1200);
	cr_assert_eq(number_of(have_done(1, RETRY "{}}"), "n"), 1200);
	stage_until(&s, dead_are, 1200);
	cr_assert_eq(metrics_value(METRIC_RUN_DEAD), 2400);
}

Test(runner_order, what_is_open_is_neither_retried_nor_removed)
{
	stage_someone(&s, "one");
	stage_until(&s, dead_are, 1);
	cr_assert_eq(number_of(have_done(1, "{\"do\":\"pause\",\"rules\":[\"*\"]}"), "runs"), 0);
	cr_assert_eq(number_of(have_done(2, RETRY "{}}"), "n"), 1);
	char words[200];
	snprintf(words, sizeof(words), PURGE "{\"id\":\"%s\"}}", stage_find(&s, "bad", NULL)->id);
	json_t *answer = have_done(3, words);
	cr_assert(json_is_false(json_object_get(answer, "ok")));
	json_decref(answer);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_WAITING], 1);
}

#define EVENTS "\"what\":\"events\",\"filter\":"

static bool quarantined_are(struct stage *st, long n)
{
	return stage_counts(st).events[QUEUE_QUARANTINED] == n;
}

/* One that the receiver set aside though it can be read, and one that cannot. */
static void set_aside(void)
{
	static const char body[] =
		"{\"eventName\":\"person.updated\",\"record\":{\"id\":"
		"\"0a000000-0000-4000-8000-000000000009\",\"jobTitle\":\"fine\"},"
		"\"updatedFields\":[\"jobTitle\"]}";
	struct err err = {0};
	struct queue_delivery d = {.source = "twenty",
		.body = slice_of(body),
		.quarantine = "the clock was wrong",
		.received_ms = clock_wall_ms()};
	uint64_t one = 1;
	cr_assert_eq(id_new(d.received_ms, &d.id, &err), RC_OK);
	cr_assert_eq(queue_inbox_put(s.inbox, &d, 1, &err), RC_OK);
	cr_assert_eq(write(s.parts.wake_fd, &one, sizeof(one)), (ssize_t)sizeof(one));
	stage_deliver(&s, "twenty", slice_of("no JSON"));
}

Test(runner_order, events_in_quarantine_are_tried_again_as_new_ones_and_once_only)
{
	set_aside();
	stage_until(&s, quarantined_are, 2);
	cr_assert_eq(number_of(have_done(1, "{\"do\":\"retry\"," EVENTS "{}}"), "n"), 2);
	stage_until(&s, done_are, 1);
	stage_until(&s, quarantined_are, 1); /* what cannot be read is there again */
	cr_assert_eq(
		number_of(have_done(2, "{\"do\":\"retry\"," EVENTS "{\"error\":\"clock\"}}"), "n"),
		0, "it has been dealt with");
	cr_assert_eq(number_of(have_done(3, "{\"do\":\"purge\"," EVENTS "{\"state\":"
					    "\"quarantined\"}}"),
			     "n"),
		1);
	cr_assert_eq(stage_counts(&s).events[QUEUE_QUARANTINED], 0);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DONE], 1);
}

Test(runner_order, a_rule_is_told_that_an_event_is_tried_again)
{
	char said[512];
	stage_rule(&s, "bad.lua",
		"rule \"bad\" { on = \"person.updated\", run = function(event) skip(event.via) end "
		"}");
	stage_reload(&s, said);
	set_aside();
	stage_until(&s, quarantined_are, 2);
	cr_assert_eq(number_of(have_done(1, "{\"do\":\"retry\"," EVENTS "{}}"), "n"), 2);
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(stage_find(&s, "bad", NULL)->error, "replay");
}

static enum rc take_audit(void *ctx, const struct queue_audit *a, struct err *err)
{
	char *text = ctx;
	size_t n = strlen(text);
	(void)err;
	snprintf(text + n, 1024 - n, "%d %s %d %s; ", (int)a->uid, a->what, (int)a->n, a->result);
	return RC_OK;
}

static enum rc take_issue(void *ctx, const struct queue_issue *i, struct err *err)
{
	char *text = ctx;
	size_t n = strlen(text);
	(void)err;
	snprintf(text + n, 1024 - n, "%s/%s %d%s; ", i->kind, i->about, (int)i->count,
		i->acknowledged ? " seen" : "");
	return RC_OK;
}

Test(runner_order, what_was_ordered_is_kept_and_what_went_wrong_is_counted)
{
	char audits[1024] = "", issues[1024] = "";
	struct err err = {0};
	stage_someone(&s, "one");
	stage_someone(&s, "two");
	stage_deliver(&s, "twenty", slice_of("no JSON"));
	stage_until(&s, dead_are, 2);
	stage_until(&s, quarantined_are, 1);
	cr_assert_eq(number_of(have_done(1, PURGE "{\"state\":\"dead\"}}"), "n"), 2);
	refused(have_done(2, "{\"do\":\"acknowledge\",\"issues\":[{\"kind\":\"dead\",\"about\":"
			     "\"x\"}]}"),
		"there is no issue dead of x");
	cr_assert_eq(number_of(have_done(3, "{\"do\":\"acknowledge\",\"issues\":[{\"kind\":"
					    "\"dead\",\"about\":\"bad: rule\"}]}"),
			     "n"),
		1);
	cr_assert_eq(queue_audit_each(s.work, 0, take_audit, audits, &err), RC_OK);
	cr_expect(strstr(audits, "1000 {\"do\":\"purge\",\"filter\":{\"state\":\"dead\"},\"what\":"
				 "\"runs\"} 2 2 runs removed; ") == audits,
		"%s", audits);
	cr_expect(strstr(audits, "acknowledge") != NULL, "%s", audits);
	cr_assert_eq(queue_issue_each(s.work, take_issue, issues, &err), RC_OK);
	cr_expect(strstr(issues, "dead/bad: rule 2 seen; ") != NULL, "%s", issues);
	cr_expect(strstr(issues, "quarantined/source twenty 1; ") != NULL, "%s", issues);
}
