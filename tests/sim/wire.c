/* SPDX-License-Identifier: MIT */
/*
 * What a simulation can do to a request, seen from a rule and from the server's records.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/rig/sim.h"

struct scene {
	struct sim sim;
	enum wire_fate fate;
	const char *method; /* of the requests that the fate strikes */
	int strikes;        /* how many more */
	char id[SERVER_ID_N];
	bool destroys; /* the record, as the server is about to see the request */
	int events;
	char event[64], event_field[64];
	int64_t event_ms;
};

static struct wire_verdict before(void *ctx, const struct wire_request *request)
{
	struct scene *s = ctx;
	if (strcmp(request->method, s->method) != 0 || s->strikes == 0)
		return (struct wire_verdict){.fate = WIRE_PASS};
	s->strikes--;
	if (s->destroys)
		cr_assert(server_destroy(s->sim.server, "people", s->id));
	return (struct wire_verdict){.fate = s->fate,
		.status = 429,
		.headers = "Retry-After: 7\r\n",
		.body = "{\"statusCode\":429,\"messages\":[\"Limit reached\"]}"};
}

static void heard(void *ctx, const char *name, const json_t *body)
{
	struct scene *s = ctx;
	const json_t *fields = json_object_get(body, "updatedFields");
	const char *field = json_string_value(json_array_get(fields, 0));
	s->events++;
	s->event_ms = sim_now_ms(&s->sim);
	snprintf(s->event, sizeof(s->event), "%s", name);
	snprintf(s->event_field, sizeof(s->event_field), "%s", field != NULL ? field : "");
}

/* Updates a person while fate strikes its PATCH once. */
static struct sim_answer update(struct scene *s, enum wire_fate fate)
{
	static struct sim_conf conf;
	struct sim_answer a;
	conf = (struct sim_conf){
		.people = 8, .before = before, .event = heard, .event_ms = 250, .ctx = s};
	s->fate = fate;
	s->method = "PATCH";
	s->strikes = 1;
	server_id("person", 3, s->id);
	cr_assert(sim_open(&s->sim, &conf));
	sim_ask(&s->sim, &a, CLIENT_UPDATE, "people",
		json_pack("{s:s,s:{s:s}}", "id", s->id, "data", "jobTitle", "n 17"),
		"event/rule/1");
	cr_assert(sim_await(&s->sim, &a, 1, SIM_HOUR_MS));
	cr_assert_eq(a.times, 1);
	return a;
}

static const char *title(const struct scene *s)
{
	const json_t *record = server_record(s->sim.server, "people", s->id);
	return json_string_value(json_object_get(record, "jobTitle"));
}

static void finish(struct scene *s, struct sim_answer *a)
{
	sim_answer_done(a);
	sim_close(&s->sim);
}

Test(sim_wire, an_update_arrives_and_its_webhook_comes_back_later)
{
	struct scene s = {.events = 0};
	struct sim_answer a = update(&s, WIRE_PASS);
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	cr_assert_str_eq(title(&s), "n 17");
	cr_assert_eq(s.events, 0);
	sim_sleep(&s.sim, 1000);
	cr_assert_eq(s.events, 1);
	cr_assert_str_eq(s.event, "person.updated");
	cr_assert_str_eq(s.event_field, "jobTitle");
	cr_assert_eq(s.event_ms, a.at_ms - 25 + 250, "half of the latency before the answer");
	finish(&s, &a);
}

Test(sim_wire, a_refused_connection_is_tried_again)
{
	struct scene s = {.events = 0};
	struct sim_answer a = update(&s, WIRE_UNSENT);
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	cr_assert_str_eq(title(&s), "n 17");
	cr_assert_eq(sim_count("PATCH", "/rest/people/", 200), 1);
	finish(&s, &a);
}

Test(sim_wire, a_lost_request_is_sent_again)
{
	struct scene s = {.events = 0};
	struct sim_answer a = update(&s, WIRE_BREAK_BEFORE);
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	cr_assert_str_eq(title(&s), "n 17");
	cr_assert_eq(sim_count("PATCH", "/rest/people/", 200), 1);
	finish(&s, &a);
}

Test(sim_wire, a_lost_answer_leaves_the_effect)
{
	struct scene s = {.events = 0};
	struct sim_answer a = update(&s, WIRE_BREAK_AFTER);
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	cr_assert_eq(wire_request(wire_request_n() - 1)->ended_us,
		sim_now_ms(&s.sim) * 1000 + s.sim.begun_us);
	cr_assert_geq(sim_count("PATCH", "/rest/people/", 200), 1);
	finish(&s, &a);
}

Test(sim_wire, a_server_that_is_silent_is_given_up_after_the_time_for_one_request)
{
	struct scene s = {.events = 0};
	struct sim_answer a = update(&s, WIRE_HANG_BEFORE);
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	cr_assert_geq(a.at_ms, 30000);
	cr_assert_lt(a.at_ms, 32000);
	cr_assert_str_eq(title(&s), "n 17");
	finish(&s, &a);
}

Test(sim_wire, what_another_answers_is_read_with_its_headers)
{
	struct scene s = {.events = 0};
	struct sim_answer a = update(&s, WIRE_ANSWER);
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	cr_assert_eq(sim_count("PATCH", "/rest/people/", 429), 1);
	cr_assert_geq(a.at_ms, 7000, "Retry-After");
	cr_assert_lt(a.at_ms, 8000);
	finish(&s, &a);
}

Test(sim_wire, a_record_can_go_while_a_request_is_on_its_way)
{
	struct scene s = {.destroys = true};
	struct sim_answer a = update(&s, WIRE_PASS);
	cr_assert_eq(a.code, RC_NOT_FOUND, "%s", a.message);
	cr_assert_null(server_record(s.sim.server, "people", s.id));
	sim_sleep(&s.sim, 1000);
	cr_assert_str_eq(s.event, "person.destroyed");
	finish(&s, &a);
}

struct slow {
	struct sim sim;
	int64_t late_ms;
};

static struct wire_verdict slow_down(void *ctx, const struct wire_request *request)
{
	const struct slow *s = ctx;
	bool patch = strcmp(request->method, "PATCH") == 0;
	return (struct wire_verdict){.late_ms = patch ? s->late_ms : 0};
}

Test(sim_wire, a_request_that_was_given_up_may_still_be_done)
{
	struct slow s = {.late_ms = 100000};
	char id[SERVER_ID_N];
	server_id("person", 3, id);
	struct sim_conf conf = {.people = 8, .before = slow_down, .ctx = &s};
	struct sim_answer a;
	cr_assert(sim_open(&s.sim, &conf));
	sim_ask(&s.sim, &a, CLIENT_UPDATE, "people",
		json_pack("{s:s,s:{s:s}}", "id", id, "data", "jobTitle", "late"), "event/rule/1");
	sim_sleep(&s.sim, 32000);
	const json_t *record = server_record(s.sim.server, "people", id);
	cr_assert_str_neq(json_string_value(json_object_get(record, "jobTitle")), "late");
	sim_sleep(&s.sim, 100000);
	record = server_record(s.sim.server, "people", id);
	cr_assert_str_eq(json_string_value(json_object_get(record, "jobTitle")), "late");
	cr_assert(sim_await(&s.sim, &a, 1, SIM_HOUR_MS));
	sim_answer_done(&a);
	sim_close(&s.sim);
}

static int64_t end_of_run(uint64_t seed)
{
	struct sim sim;
	struct sim_answer answers[50];
	struct sim_conf conf = {.seed = seed, .jitter_ms = 50, .people = 50};
	cr_assert(sim_open(&sim, &conf));
	for (unsigned i = 0; i < 50; i++) {
		char id[SERVER_ID_N];
		server_id("person", i, id);
		sim_ask(&sim, &answers[i], CLIENT_UPDATE, "people",
			json_pack("{s:s,s:{s:o}}", "id", id, "data", "jobTitle",
				json_sprintf("n %u", i)),
			"event/rule/1");
	}
	cr_assert(sim_await(&sim, answers, 50, SIM_HOUR_MS));
	int64_t us = wire_request(wire_request_n() - 1)->ended_us;
	for (unsigned i = 0; i < 50; i++)
		sim_answer_done(&answers[i]);
	sim_close(&sim);
	return us;
}

Test(sim_wire, the_same_seed_gives_the_same_run)
{
	int64_t first = end_of_run(5);
	cr_assert_eq(end_of_run(5), first);
	cr_assert_neq(end_of_run(6), first);
}
