/* SPDX-License-Identifier: MIT */
/*
 * Webhooks of what others have done to records shortly before, which come late: when the answer of
 * a write of ours to the same records is lost, they prove nothing of it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tests/sim/rig/echo.h"

#define PEOPLE 60
#define BURST 10 /* requests; behind them one in 6 s */

struct scene {
	struct sim sim;
	struct echoes echoes;
	bool touched;   /* each record was changed right before it is read, and soon written */
	int64_t age_ms; /* of the revivals that are told late, when our write arrives */
	int upserts;
	int64_t read_ms; /* wall: the last time they were read */
};

/* Somebody revived each record in that very field, and other people have gone on since. */
static void tell_late(struct scene *s, const struct wire_request *request)
{
	json_t *rows = json_loadb(request->body, request->body_n, 0, NULL), *row;
	size_t i;
	char at[CLOCK_TEXT_N];
	clock_format(clock_wall_ms() - s->age_ms, at);
	json_array_foreach(rows, i, row)
	{
		const char *id = json_string_value(json_object_get(row, "id"));
		json_t *was = json_deep_copy(server_record(s->sim.server, "people", id));
		json_object_set_new(was, "updatedAt", json_string(at));
		json_object_set_new(was, "jobTitle", json_string("theirs"));
		json_t *body = json_pack(
			"{s:o, s:[s, s]}", "record", was, "updatedFields", "jobTitle", "deletedAt");
		echoes_put(&s->echoes, "person.updated", body);
		json_decref(body);
	}
	json_decref(rows);
}

static void touch_all(struct scene *s)
{
	for (unsigned i = 0; i < PEOPLE; i++) {
		char id[SERVER_ID_N];
		json_t *input = json_pack("{s:s}", "jobTitle", "newer");
		server_id("person", i, id);
		cr_assert(server_update(s->sim.server, "people", id, input));
		json_decref(input);
	}
}

static struct wire_verdict before(void *ctx, const struct wire_request *request)
{
	struct scene *s = ctx;
	struct wire_verdict pass = {.fate = WIRE_PASS};
	if (strstr(request->target, "upsert=true") == NULL) {
		if (s->touched && s->upserts == 0)
			touch_all(s);
		s->read_ms = clock_wall_ms();
		return pass;
	}
	if (s->upserts++ > 0)
		return pass;
	cr_assert_eq(s->touched, s->age_ms > clock_wall_ms() - s->read_ms);
	tell_late(s, request);
	return (struct wire_verdict){.fate = WIRE_BREAK_AFTER};
}

static void heard(void *ctx, const char *name, const json_t *body)
{
	struct scene *s = ctx;
	echoes_put(&s->echoes, name, body);
}

static void spend(struct sim *sim)
{
	struct sim_answer spent[BURST] = {{0}};
	for (int i = 0; i < BURST; i++)
		sim_ask(sim, &spent[i], CLIENT_LIST, "people",
			json_pack("{s:{s:o}}", "where", "jobTitle", json_sprintf("n %d", i)),
			"spend");
	cr_assert(sim_await(sim, spent, BURST, SIM_HOUR_MS));
	for (int i = 0; i < BURST; i++)
		sim_answer_done(&spent[i]);
}

static void check(struct scene *s, uint64_t seed)
{
	struct sim_answer answers[PEOPLE] = {{0}};
	struct sim_conf conf = {.people = PEOPLE,
		.seed = seed,
		.budget = s->touched ? "4/m" : "10/m",
		.before = before,
		.event = heard,
		.ctx = s};
	s->echoes = (struct echoes){.sim = &s->sim, .least_ms = 100, .most_ms = 30000};
	cr_assert(sim_open(&s->sim, &conf));
	if (!s->touched)
		spend(&s->sim);
	for (unsigned i = 0; i < PEOPLE; i++) {
		char id[SERVER_ID_N];
		server_id("person", i, id);
		sim_ask(&s->sim, &answers[i], CLIENT_UPDATE, "people",
			json_pack("{s:s,s:{s:o}}", "id", id, "data", "jobTitle",
				json_sprintf("title %u", i)),
			"event/rule/1");
	}
	cr_assert(sim_await(&s->sim, answers, PEOPLE, SIM_HOUR_MS));
	sim_sleep(&s->sim, 120000);
	cr_assert_gt(s->upserts, 0);
	for (unsigned i = 0; i < PEOPLE; i++) {
		char id[SERVER_ID_N];
		server_id("person", i, id);
		const json_t *record = server_record(s->sim.server, "people", id);
		cr_assert_eq(answers[i].code, RC_OK, "%u: %s", i, answers[i].message);
		cr_assert(json_is_null(json_object_get(record, "deletedAt")),
			"%u was deleted though it lived", i);
		sim_answer_done(&answers[i]);
	}
	echoes_close(&s->echoes);
	sim_close(&s->sim);
}

/* It came behind the reading: the clocks tell. */
Test(sim_upsert_late, a_revival_from_before_a_write_is_not_taken_for_it)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct scene s = {.age_ms = 4000};
		check(&s, seed);
	}
}

/* The clocks do not tell that precisely; what the record showed when it was read does. */
Test(sim_upsert_late, a_revival_from_before_a_record_was_read_is_not_taken_for_a_write)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct scene s = {.touched = true, .age_ms = 1000};
		check(&s, seed);
	}
}
