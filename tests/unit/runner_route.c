/* SPDX-License-Identifier: MIT */
/*
 * Deliveries become events and runs: which, in which order, how often, and what is kept aside.
 * From: the inbox. To: runner/route.c with real workers and store.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
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

TestSuite(runner_route, .init = open_stage, .fini = close_stage, .timeout = 60);

#define ID_A "11111111-1111-4111-8111-111111111111"
#define ID_B "22222222-2222-4222-8222-222222222222"

Test(runner_route, an_event_gets_a_run_of_every_rule_that_it_is_for)
{
	stage_rule(&s, "a.lua",
		"rule \"all\" { on = \"person.*\", run = function() end }\n"
		"rule \"new\" { on = \"person.created\", run = function() end }\n"
		"rule \"deals\" { on = \"opportunity.*\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	struct id created = stage_person(&s, "created", ID_A, "x");
	struct id updated = stage_person(&s, "updated", ID_B, "x");
	stage_until(&s, stage_ended, 3);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 3);
	cr_assert_eq(stage_find(&s, "all", &created)->state, QUEUE_DONE);
	cr_assert_eq(stage_find(&s, "new", &created)->state, QUEUE_DONE);
	cr_assert_eq(stage_find(&s, "all", &updated)->state, QUEUE_DONE);
	cr_assert_str_eq(s.runs[0].key, ID_A);
	cr_assert_eq(stage_counts(&s).events[QUEUE_DONE], 2);
}

Test(runner_route, an_event_that_no_rule_wants_is_done)
{
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_parsed, 1);
	cr_assert_eq(stage_counts(&s).events[QUEUE_DONE], 1);
	cr_assert_eq(metrics_value(METRIC_EVENT_HOOK), 1);
}

Test(runner_route, what_cannot_be_parsed_is_kept_in_quarantine_and_the_rest_goes_on)
{
	static const char *const bad[] = {"", "null", "{\"eventName\":\"person.created\"", "[]",
		"{\"eventName\":\"person.created\",\"record\":{\"id\":\"\xff\"}}",
		("{\"eventName\":\"person.created\",\"eventName\":\"a.b\",\"record\":{\"id\":\"x\"}"
		 "}")};
	stage_rule(&s, "a.lua", "rule \"all\" { on = \"person.*\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	for (size_t i = 0; i < ARRAY_N(bad); i++)
		stage_deliver(&s, "twenty", slice_of(bad[i]));
	size_t n = 2 << 20;
	char *bomb = malloc(n);
	cr_assert(bomb != NULL);
	memset(bomb, '{', n);
	stage_deliver(&s, "twenty", (struct slice){bomb, n});
	free(bomb);
	struct id good = stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_assert_eq(stage_find(&s, "all", &good)->state, QUEUE_DONE);
	cr_assert_eq(stage_counts(&s).events[QUEUE_QUARANTINED], ARRAY_N(bad) + 1);
	cr_assert_eq(metrics_value(METRIC_EVENT_QUARANTINED), ARRAY_N(bad) + 1);
}

/* Signed right but at the wrong time: somebody may have kept it back, so it is shown and not run.
 */
Test(runner_route, what_the_receiver_put_into_quarantine_stays_there)
{
	struct err err = {0};
	struct queue_delivery d = {.source = "twenty",
		.body = slice_of(
			"{\"eventName\":\"person.updated\",\"record\":{\"id\":\"" ID_A "\"}}"),
		.quarantine = "signed correctly, but the timestamp is outside the time window",
		.received_ms = clock_wall_ms()};
	stage_rule(&s, "a.lua", "rule \"all\" { on = \"person.*\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	cr_assert_eq(id_new(d.received_ms, &d.id, &err), RC_OK);
	cr_assert_eq(queue_inbox_put(s.inbox, &d, 1, &err), RC_OK, "%s", err.msg);
	struct id good = stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_assert_eq(stage_find(&s, "all", &good)->state, QUEUE_DONE);
	cr_assert_eq(s.runs_n, 1, "only the good one ran");
	cr_assert_eq(stage_counts(&s).events[QUEUE_QUARANTINED], 1);
}

Test(runner_route, the_same_change_sent_twice_runs_once)
{
	stage_rule(&s, "a.lua", "rule \"all\" { on = \"person.*\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_deliver(&s, "twenty",
		slice_of("{\"eventName\":\"person.updated\",\"eventDate\":\"2026-01-01T00:00:00Z\","
			 "\"record\":{\"id\":\"" ID_A "\",\"n\":1}}"));
	stage_deliver(&s, "twenty",
		slice_of("{\"eventName\":\"person.updated\",\"eventDate\":\"2026-01-01T00:00:45Z\","
			 "\"record\":{\"id\":\"" ID_A "\",\"n\":1}}"));
	stage_deliver(&s, "twenty",
		slice_of("{\"eventName\":\"person.updated\",\"eventDate\":\"2026-01-01T00:00:45Z\","
			 "\"record\":{\"id\":\"" ID_A "\",\"n\":2}}"));
	stage_until(&s, stage_parsed, 3);
	stage_until(&s, stage_ended, 2);
	cr_assert_eq(stage_counts(&s).events[QUEUE_DUPLICATE], 1);
	cr_assert_eq(metrics_value(METRIC_EVENT_DUPLICATE), 1);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 2);
}

Test(runner_route, runs_of_one_record_go_one_after_the_other_in_order_of_arrival)
{
	stage_rule(&s, "a.lua",
		"rule \"all\" { on = \"person.*\", run = function(e)\n"
		"  twenty.notes:create { title = e.record.jobTitle }\nend }\n");
	stage_start(&s, STAGE_TWIN, NULL);
	for (int i = 0; i < 20; i++) {
		char title[16];
		snprintf(title, sizeof(title), "%d", i);
		stage_person(&s, "updated", ID_A, title);
	}
	stage_until(&s, stage_ended, 20);
	stage_look(&s);
	for (size_t i = 1; i < s.runs_n; i++)
		cr_assert_geq(s.runs[i].started_ms, s.runs[i - 1].ended_ms, "run %zu", i);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 20);
}

#define NOTE "run = function() twenty.notes:create { title = \"n\" } end }\n"

/* How many runs of this rule began before an earlier one of it had ended. */
static size_t overlaps(const char *rule)
{
	const struct stage_run *last = NULL;
	size_t n = 0;
	stage_look(&s);
	for (size_t i = 0; i < s.runs_n; i++) {
		const struct stage_run *run = &s.runs[i];
		if (strcmp(run->rule, rule) != 0)
			continue;
		n += last != NULL && run->started_ms < last->ended_ms;
		last = run;
	}
	return n;
}

Test(runner_route, runs_whose_rule_names_one_key_do_not_overlap_whatever_their_records)
{
	stage_rule(&s, "a.lua",
		"rule \"field\" { on = \"person.created\", key = \"companyId\", " NOTE
		"rule \"function\" { on = \"person.updated\",\n"
		"  key = function(e) return \"k:\" .. e.record.jobTitle end, " NOTE
		"rule \"none\" { on = \"person.deleted\", key = function() end, " NOTE
		"rule \"absent\" { on = \"person.restored\", key = \"nothingLikeIt\", " NOTE);
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	static const char *const actions[] = {"created", "updated", "deleted", "restored"};
	for (size_t i = 0; i < 4 * ARRAY_N(actions); i++) {
		char id[40];
		snprintf(id, sizeof(id), "00000000-0000-4000-8000-%012zu", i);
		stage_person(&s, actions[i % 4], id, "boss");
	}
	stage_until(&s, stage_ended, 16);
	cr_assert_eq(overlaps("field"), 0);
	cr_assert_eq(overlaps("function"), 0);
	cr_assert_gt(overlaps("none"), 0, "without a key of its own only the record counts");
	cr_assert_gt(overlaps("absent"), 0);
}

Test(runner_route, when_decides_and_its_error_is_a_dead_run_that_says_where)
{
	stage_rule(&s, "a.lua",
		"rule \"some\" { on = \"person.*\", run = function() end,\n"
		"  when = function(e) return e.record.jobTitle == \"yes\" end }\n"
		"rule \"bad\" { on = \"person.*\", run = function() end,\n"
		"  when = function(e) return e.record.nothing.deeper end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	struct id no = stage_someone(&s, "no"), yes = stage_someone(&s, "yes");
	stage_until(&s, stage_ended, 3);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 3);
	cr_assert_eq(stage_find(&s, "some", &yes)->state, QUEUE_DONE);
	const struct stage_run *bad = stage_find(&s, "bad", &no);
	cr_assert_eq(bad->state, QUEUE_DEAD);
	cr_assert(strncmp(bad->error, "a.lua:4: ", 9) == 0, "%s", bad->error);
	cr_assert_str_eq(bad->code, "rule");
	cr_assert_eq(stage_find(&s, "bad", &yes)->state, QUEUE_DEAD);
}

Test(runner_route, a_when_that_never_answers_is_killed_and_set_aside_after_three)
{
	stage_rule(&s, "a.lua",
		"rule \"slow\" { on = \"person.*\", run = function() end,\n"
		"  when = function(e) return ((\"a\"):rep(40)):find((\"a?\"):rep(40) .. "
		"(\"a\"):rep(40) "
		".. \"b\") end }\n"
		"rule \"good\" { on = \"person.*\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	for (int i = 0; i < 4; i++) {
		stage_someone(&s, "x");
		stage_until(&s, stage_ended, 2 * (i + 1));
	}
	stage_look(&s);
	int good = 0, dead = 0;
	for (size_t i = 0; i < s.runs_n; i++) {
		good += strcmp(s.runs[i].rule, "good") == 0 && s.runs[i].state == QUEUE_DONE;
		dead += strcmp(s.runs[i].rule, "slow") == 0 && s.runs[i].state == QUEUE_DEAD;
	}
	cr_assert_eq(good, 4);
	cr_assert_eq(dead, 4);
	cr_assert(strstr(s.runs[s.runs_n - 2].error, "set aside") != NULL, "%s",
		s.runs[s.runs_n - 2].error);
	cr_assert(ruleset_find(s.runner->rules.live, "slow")->set_aside);
	char answer[512];
	stage_reload(&s, answer);
	cr_assert_not(ruleset_find(s.runner->rules.live, "slow")->set_aside);
}

Test(runner_route, more_events_than_slots_all_run)
{
	stage_rule(&s, "a.lua",
		"rule \"all\" { on = \"person.*\", run = function(e)\n"
		"  twenty.notes:create { title = e.record.jobTitle }\nend }\n");
	stage_start(&s, STAGE_TWIN, "limits = { runs = 8 }");
	for (int i = 0; i < 200; i++)
		stage_someone(&s, "x");
	stage_until(&s, stage_ended, 200);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DONE], 200);
	cr_assert_eq(stage_requests(&s, "POST", "/rest/notes"), 200);
}

Test(runner_route, what_came_before_the_start_is_routed_in_its_order)
{
	stage_rule(&s, "a.lua", "rule \"all\" { on = \"person.*\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_stop(&s);
	struct id ids[130];
	for (size_t i = 0; i < ARRAY_N(ids); i++)
		ids[i] = stage_someone(&s, "x");
	stage_again(&s);
	stage_until(&s, stage_ended, ARRAY_N(ids));
	stage_look(&s);
	for (size_t i = 0; i < ARRAY_N(ids); i++)
		cr_assert_str_eq(s.runs[i].event, ids[i].text);
}

/* --- answers that are none ---------------------------------------------------------------------
 */

/* The worker that is asked for a `when` or `key`; NULL: none is. */
static struct worker *asked(struct pool_task *ret_task)
{
	for (size_t i = 0; i < s.runner->pool.n; i++) {
		struct worker *w = &s.runner->pool.workers[i];
		for (size_t k = 0; k < w->tasks_n; k++) {
			*ret_task = *pool_task_at(w, k);
			if (ret_task->kind == FRAME_WHEN)
				return w;
		}
	}
	return NULL;
}

static bool asks_or_ended(struct stage *stage, long n)
{
	struct pool_task task;
	return asked(&task) != NULL || stage_ended(stage, n);
}

/* Whoever is asked says this, for the first event. Answers how often, ten times at most. */
static int answer_with(enum frame_kind kind, const char *text)
{
	int times = 0;
	stage_rule(&s, "a.lua",
		"rule \"keyed\" { on = \"person.created\", run = function() end,\n"
		"  key = function(e) while e.record.jobTitle == \"x\" do end end }\n"
		"rule \"plain\" { on = \"person.*\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, "workers = 1");
	stage_person(&s, "created", ID_A, "x");
	for (; times < 10; times++) {
		struct pool_task task;
		stage_until(&s, asks_or_ended, 2);
		struct worker *w = asked(&task);
		if (w == NULL)
			break;
		struct frame f = {kind, task.run, task.generation, slice_of(text)};
		w->channel.owner.frame(w->channel.owner.ctx, &f);
	}
	stage_until(&s, stage_ended, 2);
	stage_person(&s, "created", ID_B, "good");
	stage_until(&s, stage_ended, 4);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DONE], 3, "the rest goes on");
	return times;
}

Test(runner_route, an_answer_that_cannot_be_read_is_a_dead_run_and_routing_goes_on)
{
	int times = answer_with(FRAME_WHEN, "{\"match\":true,\"key\":\"a\\u0000b\"}");
	const struct stage_run *run = stage_find(&s, "keyed", NULL);
	cr_assert_eq(run->state, QUEUE_DEAD, "%s", run->error);
	cr_assert_str_eq(run->code, "invalid");
	cr_assert(strstr(run->error, "a.lua:1: ") == run->error, "%s", run->error);
	cr_assert_eq(times, 1);
}

Test(runner_route, a_frame_of_another_kind_is_no_answer)
{
	int times = answer_with(FRAME_CALL, "{}");
	cr_assert_eq(stage_find(&s, "keyed", NULL)->state, QUEUE_DEAD);
	cr_assert_leq(times, 10);
}

Test(runner_route, a_worker_that_speaks_nonsense_of_a_head_three_times_ends_the_asking)
{
	int times = answer_with(FRAME_START, "{}");
	const struct stage_run *run = stage_find(&s, "keyed", NULL);
	cr_assert_eq(run->state, QUEUE_DEAD, "%s", run->error);
	cr_assert_str_eq(run->code, "worker");
	cr_assert_eq(times, 3);
}

Test(runner_route, a_key_with_nul_fails_where_the_rule_makes_it)
{
	stage_rule(&s, "a.lua",
		"rule \"other\" { on = \"person.created\", run = function() end }\n"
		"rule \"knul\" { on = \"person.created\",\n"
		"  key = function() return \"a\\0b\" end, run = function() end }\n"
		"rule \"long\" { on = \"person.created\", run = function() end,\n\n"
		"  key = function() return (\"x\"):rep(501) end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_person(&s, "created", ID_A, "x");
	stage_until(&s, stage_ended, 3);
	const struct stage_run *run = stage_find(&s, "knul", NULL);
	cr_assert_eq(run->state, QUEUE_DEAD);
	cr_assert(strncmp(run->error, "a.lua:3: ", 9) == 0, "%s", run->error);
	cr_assert(strstr(run->error, "NUL") != NULL, "%s", run->error);
	run = stage_find(&s, "long", NULL);
	cr_assert(strncmp(run->error, "a.lua:6: ", 9) == 0, "%s", run->error);
	stage_person(&s, "created", ID_B, "x");
	stage_until(&s, stage_ended, 6);
	cr_assert_eq(stage_counts(&s).runs[QUEUE_DONE], 2);
}

/* What the log says at least at the level of warnings while a person is updated twice. */
static void log_of(const char *option, char ret_lines[static 4096])
{
	char rule[200], log[256];
	snprintf(rule, sizeof(rule),
		"rule \"mine\" { on = { \"*.*\", \"person.*\" }, %s, run = function() end }",
		option);
	stage_rule(&s, "a.lua", rule);
	stage_start(&s, STAGE_ALONE, NULL);
	snprintf(log, sizeof(log), "%s/log", s.dir);
	int before = dup(STDERR_FILENO), fd = open(log, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(before >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	log_start("runner", LOG_JSON, LOG_WARN);
	for (int i = 0; i < 2; i++) {
		char body[512];
		snprintf(body, sizeof(body),
			"{\"eventName\":\"person.updated\",\"record\":{\"id\":\"" ID_A
			"\",\"emails\":{\"primaryEmail\":\"ann@acme.io\"},\"companyId\":null,"
			"\"jobTitle\":\"%d\"}}",
			i);
		stage_deliver(&s, "twenty", slice_of(body));
		stage_until(&s, stage_parsed, i + 1);
	}
	dup2(before, STDERR_FILENO);
	log_start("runner", LOG_JSON, LOG_ERROR);
	memset(ret_lines, 0, 4096);
	cr_assert_geq(pread(fd, ret_lines, 4095, 0), 0);
	close(before);
	close(fd);
}

Test(runner_route, a_key_that_is_no_field_is_said_once_and_the_record_is_used)
{
	char lines[4096];
	log_of("key = \"companyIdd\"", lines);
	const char *said = strstr(
		lines, "a.lua:1: key \\\"companyIdd\\\" is no field of person; the record is used");
	cr_assert(said != NULL, "%s", lines);
	cr_expect_null(strstr(said + 1, "a.lua:1: key"), "%s", lines);
}

Test(runner_route, a_key_of_several_values_is_said)
{
	char lines[4096];
	log_of("key = \"emails\"", lines);
	cr_expect(strstr(lines, "is no single value of person") != NULL, "%s", lines);
}

Test(runner_route, a_key_that_is_empty_is_fine)
{
	char lines[4096];
	log_of("key = \"companyId\"", lines);
	cr_expect_str_eq(lines, "");
}

Test(runner_route, a_key_may_go_by_its_short_name)
{
	char lines[4096];
	log_of("key = \"email\"", lines);
	cr_expect_str_eq(lines, "");
}

Test(runner_route, a_changed_field_that_is_none_is_said_once_and_never_changes)
{
	char lines[4096];
	log_of("when = changed { \"jobTitel\" }", lines);
	const char *said = strstr(lines,
		"a.lua:1: changed \\\"jobTitel\\\" is no field of person: it does not change");
	cr_assert(said != NULL, "%s", lines);
	cr_expect_null(strstr(said + 1, "a.lua:1: changed"), "%s", lines);
	stage_look(&s);
	cr_expect_eq(s.runs_n, 0u);
}

Test(runner_route, a_changed_field_may_go_by_its_short_name_and_asks_no_worker)
{
	char lines[4096];
	log_of("when = changed { jobTitle = { from = \"0\", to = { \"1\", \"2\" } } }", lines);
	cr_expect_str_eq(lines, "");
	stage_until(&s, stage_ended, 1);
	stage_look(&s);
	cr_expect_eq(s.runs_n, 1u);
	stage_rule(&s, "a.lua",
		"rule \"mine\" { on = \"person.*\", when = changed \"email\", run = function() end "
		"}");
	char text[512];
	stage_reload(&s, text);
	stage_deliver(&s, "twenty",
		slice_of("{\"eventName\":\"person.updated\",\"record\":{\"id\":\"" ID_A
			 "\",\"emails\":{\"primaryEmail\":\"ann@acme.io\"},\"companyId\":null,"
			 "\"jobTitle\":\"7\"},\"updatedFields\":[\"emails\",\"jobTitle\"]}"));
	stage_deliver(&s, "twenty",
		slice_of("{\"eventName\":\"person.updated\",\"record\":{\"id\":\"" ID_A
			 "\",\"emails\":{\"primaryEmail\":\"lee@acme.io\"},\"companyId\":null,"
			 "\"jobTitle\":\"7\"},\"updatedFields\":[\"jobTitle\"]}"));
	stage_until(&s, stage_parsed, 4);
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_expect_eq(s.runs_n, 2u, "what Twenty says of the first is not so");
}

Test(runner_route, a_condition_on_a_field_that_is_none_is_said_once_and_never_holds)
{
	char lines[4096];
	log_of("when = none { is { jobTitel = \"0\" } }", lines);
	const char *said = strstr(lines, "a.lua:1: is \\\"jobTitel\\\" is no field of person: that "
					 "does not hold");
	cr_assert(said != NULL, "%s", lines);
	cr_expect_null(strstr(said + 1, "a.lua:1: is"), "%s", lines);
	stage_look(&s);
	cr_expect_eq(s.runs_n, 0u);
}

/* Titles 0 to 3: the condition leaves the first out, the function the others but one. */
Test(runner_route, a_function_in_a_group_is_asked_where_the_others_leave_it_open)
{
	stage_rule(&s, "a.lua",
		"rule \"mine\" { on = \"person.*\", when = all { has \"jobTitle\",\n"
		"  none { is { jobTitle = \"0\" } },\n"
		"  function(event)\n"
		"    assert(event.record.jobTitle ~= \"0\", \"asked in vain\")\n"
		"    return event.record.jobTitle == \"2\"\n"
		"  end }, run = function() end }");
	stage_start(&s, STAGE_ALONE, NULL);
	for (int i = 0; i < 4; i++) {
		char title[2] = {(char)('0' + i), '\0'};
		stage_someone(&s, title);
	}
	stage_until(&s, stage_parsed, 4);
	stage_until(&s, stage_ended, 1);
	stage_look(&s);
	cr_expect_eq(s.runs_n, 1u);
	cr_expect_eq(s.runs[0].state, QUEUE_DONE, "%s", s.runs[0].error);
}

Test(runner_route, predicates_and_a_key_function_work_on_what_other_sources_send)
{
	stage_rule(&s, "a.lua",
		"rule \"paid\" { on = \"hook:stripe\", when = all { is { type = \"paid\" }, has "
		"\"data.object.customer_email\" }, key = function(event) return "
		"event.record.data.object.customer_email end, run = function(event) "
		"log.info(event.name, event.record.data.object.customer_email) end }");
	stage_start(&s, STAGE_ALONE, NULL);
#define SAYS(type, email)                                                                          \
	slice_of("{\"type\":\"" type "\",\"data\":{\"object\":{\"customer_email\":" email "}}}")
	stage_deliver(&s, "stripe", SAYS("paid", "\"a@b.c\""));
	stage_deliver(&s, "stripe", SAYS("paid", "\"\""));
	stage_deliver(&s, "stripe", SAYS("due", "\"a@b.c\""));
	struct id bad = stage_deliver(&s, "stripe", SAYS("paid", "[\"a@b.c\"]"));
	stage_until(&s, stage_parsed, 4);
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 2u);
	cr_expect(strstr(s.runs[0].log, "hook:stripe a@b.c") != NULL, "%s", s.runs[0].log);
	const struct stage_run *run = stage_find(&s, "paid", &bad);
	cr_expect(strstr(run->error, "must answer a text or a number") != NULL, "%s", run->error);
}
