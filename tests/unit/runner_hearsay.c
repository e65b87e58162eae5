/* SPDX-License-Identifier: MIT */
/*
 * A runner that does not lead has its writes confirmed by webhooks which the leader routes: as it
 * routes them, each once, and what it heard while it led itself as well.
 * From: updates of many records at once, more than there is budget for, so that they go together;
 * webhooks of exactly these, put into the inbox when the test wants it. To: two runners on
 * PostgreSQL, in turns.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/cluster.h"
#include "tests/harness/postgres.h"
#include "tests/unit/runner_stage.h"

#define PEOPLE 40
#define WAIT_MS 80000

static struct stage a, b;
static struct answer {
	enum rc code;
	bool done;
} answers[PEOPLE];
static json_t *people; /* as they were made */

static void open_stages(void)
{
	stage_open(&a);
	stage_open(&b);
	stage_share(&a);
}

static void close_stages(void)
{
	json_decref(people);
	stage_close(&b);
	stage_close(&a);
	postgres_store_drop(a.store);
}

TestSuite(runner_hearsay, .init = open_stages, .fini = close_stages, .timeout = 180);

/* Both are of one thread: neither may leave a transaction open that the other one waits for. */
static void settle(struct stage *s)
{
	struct err err = {0};
	cr_assert_eq(s->runner->fatal, RC_OK);
	cr_assert_eq(gate_force(&s->runner->gate, &err), RC_OK, "%s", err.msg);
}

static void turn_both(void)
{
	runner_turn(a.runner);
	settle(&a);
	runner_turn(b.runner);
	settle(&b);
}

static long done_n(void)
{
	long n = 0;
	for (size_t i = 0; i < PEOPLE; i++)
		n += answers[i].done;
	return n;
}

static void until(bool (*question)(struct stage *s, long n), struct stage *s, long n)
{
	int64_t end = clock_mono_ms() + WAIT_MS;
	while (!question(s, n)) {
		struct client_status status;
		client_status(s->parts.client, &status);
		cr_assert(clock_mono_ms() < end,
			"it did not happen in time: %ld answered, %d under way, waits %d, %ld",
			done_n(), (int)status.in_flight, (int)client_waits(s->parts.client), n);
		turn_both();
	}
}

/* --- Twenty ----------------------------------------------------------------------------------- */

static json_t *ask(const char *method, const char *path, json_t *body)
{
	char *out = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	char *text = stage_ask(&a, method, path, out);
	json_t *answer = json_loads(text, 0, NULL);
	cr_assert_not_null(answer, "%s", text);
	free(text);
	free(out);
	json_decref(body);
	return answer;
}

static void make_people(void)
{
	json_t *all = json_array(), *made;
	for (int i = 0; i < PEOPLE; i++)
		json_array_append_new(
			all, json_pack("{s:o}", "jobTitle", json_sprintf("old %d", i)));
	made = ask("POST", "/rest/batch/people", all);
	people = json_incref(json_object_get(json_object_get(made, "data"), "createPeople"));
	cr_assert_eq(json_array_size(people), PEOPLE);
	json_decref(made);
	json_decref(ask("POST", "/rest/webhooks",
		json_pack("{s:s, s:[s]}", "targetUrl", "http://127.0.0.1:9/hooks/x", "operations",
			"*.*")));
}

static const char *person(size_t i)
{
	return json_string_value(json_object_get(json_array_get(people, i), "id"));
}

/* The webhook of what the record is now. */
static void tell_of(size_t i, const char *also)
{
	char path[80];
	snprintf(path, sizeof(path), "/rest/people/%s", person(i));
	json_t *now = ask("GET", path, NULL);
	json_t *body = json_pack("{s:s, s:O, s:[s, s]}", "eventName", "person.updated", "record",
		json_object_get(json_object_get(now, "data"), "person"), "updatedFields",
		"jobTitle", also);
	char *text = json_dumps(body, JSON_COMPACT);
	cr_assert_not_null(text);
	stage_deliver(&a, "twenty", slice_of(text));
	free(text);
	json_decref(body);
	json_decref(now);
}

/* --- the client ------------------------------------------------------------------------------- */

static void on_answer(void *ctx, const struct client_answer *answer)
{
	struct answer *to = ctx;
	cr_assert_not(to->done, "answered once");
	*to = (struct answer){answer->code, true};
}

static void update_all(struct stage *s)
{
	struct err err = {0};
	for (size_t i = 0; i < PEOPLE; i++) {
		uint64_t ticket;
		char name[32];
		json_t *args = json_pack("{s:s, s:{s:o}}", "id", person(i), "data", "jobTitle",
			json_sprintf("new %zu", i));
		snprintf(name, sizeof(name), "event-%zu/rule/1", i);
		const struct client_call call = {.op = CLIENT_UPDATE,
			.object = "people",
			.args = args,
			.name = name,
			.lane = CLIENT_LIVE,
			.done = on_answer,
			.ctx = &answers[i]};
		cr_assert_eq(
			client_submit(s->parts.client, &call, &ticket, &err), RC_OK, "%s", err.msg);
		json_decref(args);
	}
}

/* Some answers are held back, and nothing else is under way. */
static bool holds(struct stage *s, long n)
{
	struct client_status status;
	(void)n;
	client_status(s->parts.client, &status);
	return client_waits(s->parts.client) == CLIENT_WAIT_ANSWER && status.in_flight == 0;
}

static bool has_answered(struct stage *s, long n)
{
	(void)s;
	return done_n() >= n;
}

static bool leads(struct stage *s, long n)
{
	(void)n;
	return s->runner->lead.on;
}

/* Two runners, of which a leads, and writes of one whose echoes are awaited. */
static void start(struct stage *writer)
{
	static const char budget[] = "twenty.budget = \"60/m\"";
	static const char text[] = "rule \"r\" { on = \"note.created\", run = function() end }";
	stage_rule(&a, "a.lua", text);
	stage_rule(&b, "a.lua", text);
	stage_start(&a, STAGE_TWIN, budget);
	make_people(); /* and the webhook: whoever asks earlier is told that there is none */
	settle(&a);
	stage_join(&b, &a, budget);
	settle(&b);
	turn_both();
	cr_assert(a.runner->lead.on && !b.runner->lead.on);
	update_all(writer);
	until(holds, writer, 0);
	for (int i = 0; i < 4; i++)
		turn_both();
	cr_assert_eq(done_n(), 0, "all wait for their echoes");
}

/* Without its echo it would be taken for done when it has waited for long enough. */
static void check_answers(size_t revived)
{
	for (size_t i = 0; i < PEOPLE; i++)
		cr_expect_eq(answers[i].code, i == revived ? RC_NOT_FOUND : RC_OK, "%zu: %d", i,
			(int)answers[i].code);
	cr_expect_eq(stage_requests(&a, "DELETE", "/rest/people/"), 1, "what was revived");
}

Test(runner_hearsay, who_does_not_lead_hears_of_the_echoes_of_its_writes)
{
	start(&b);
	for (size_t i = 0; i < PEOPLE; i++)
		tell_of(i, i == 7 ? "deletedAt" : "city");
	until(has_answered, &b, PEOPLE);
	check_answers(7);
	cr_expect_eq(stage_requests(&a, "PATCH", "/rest/people"), 0, "none goes alone");
	cr_expect_eq(client_waits(b.parts.client), CLIENT_WAIT_NONE);
}

Test(runner_hearsay, who_leads_no_more_goes_on_hearing)
{
	start(&a);
	for (size_t i = 0; i < PEOPLE / 2; i++)
		tell_of(i, "city");
	until(has_answered, &a, PEOPLE / 2);
	cr_expect_eq(done_n(), PEOPLE / 2);
	lead_resign(a.runner);
	until(leads, &b, 0);
	for (size_t i = PEOPLE / 2; i < PEOPLE; i++)
		tell_of(i, i == PEOPLE - 1 ? "deletedAt" : "city");
	until(has_answered, &a, PEOPLE);
	check_answers(PEOPLE - 1);
	cr_expect_eq(client_waits(a.parts.client), CLIENT_WAIT_NONE);
}
