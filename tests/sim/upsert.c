/* SPDX-License-Identifier: MIT */
/*
 * Different changes of many records as one request, while other people remove, restore and change
 * the same records: nothing stays revived, nothing stays inserted, and each call hears the truth.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/rig/echo.h"

enum fate {
	LIVES,
	DELETED_BEFORE, /* the record is read */
	DESTROYED_BEFORE,
	DELETED_BETWEEN, /* reading and the upsert */
	DESTROYED_BETWEEN,
	RESTORED_BETWEEN, /* deleted and restored by a person */
};

struct scene {
	struct sim sim;
	struct sim_conf conf;
	struct echoes echoes;
	unsigned n;
	enum fate *fate; /* of each person */
	char (*id)[SERVER_ID_N];
	json_t *place; /* id -> i */
	struct sim_answer *answers;
	int upserts;        /* seen by the server so far */
	int break_at;       /* this one's answer is lost; 0: none */
	unsigned deaf_from; /* webhooks about this person and those behind do not come; 0: all do */
	bool slow;          /* answers of upserts come behind the echoes */
};

static void befall(struct scene *s, unsigned i)
{
	struct server *server = s->sim.server;
	switch (s->fate[i]) {
	case DELETED_BETWEEN:
		(void)server_delete(server, "people", s->id[i]);
		break;
	case DESTROYED_BETWEEN:
		(void)server_destroy(server, "people", s->id[i]);
		break;
	case RESTORED_BETWEEN:
		(void)server_delete(server, "people", s->id[i]);
		(void)server_restore(server, "people", s->id[i]);
		break;
	case LIVES:
	case DELETED_BEFORE:
	case DESTROYED_BEFORE:
		return;
	}
}

static struct wire_verdict before(void *ctx, const struct wire_request *request)
{
	struct scene *s = ctx;
	struct wire_verdict pass = {.fate = WIRE_PASS};
	if (strstr(request->target, "upsert=true") == NULL)
		return pass;
	json_t *rows = json_loadb(request->body, request->body_n, 0, NULL), *row;
	size_t k;
	json_array_foreach(rows, k, row)
	{
		json_t *at =
			json_object_get(s->place, json_string_value(json_object_get(row, "id")));
		unsigned i = (unsigned)json_integer_value(at);
		befall(s, i);
		if (s->fate[i] != LIVES && s->fate[i] != RESTORED_BETWEEN)
			s->fate[i] =
				s->fate[i] == DELETED_BETWEEN ? DELETED_BEFORE : DESTROYED_BEFORE;
		else
			s->fate[i] = LIVES;
	}
	json_decref(rows);
	s->upserts++;
	if (s->upserts == s->break_at)
		return (struct wire_verdict){.fate = WIRE_BREAK_AFTER};
	return (struct wire_verdict){.fate = WIRE_PASS, .slow_ms = s->slow ? 5000 : 0};
}

static void heard(void *ctx, const char *name, const json_t *body)
{
	struct scene *s = ctx;
	const json_t *id = json_object_get(json_object_get(body, "record"), "id");
	unsigned i = (unsigned)json_integer_value(json_object_get(s->place, json_string_value(id)));
	if (s->deaf_from == 0 || i < s->deaf_from)
		echoes_put(&s->echoes, name, body);
}

/* n people; nobody's fate is decided yet. */
static void set(struct scene *s, unsigned n)
{
	s->n = n;
	s->conf.people = n;
	s->conf.before = before;
	s->conf.event = heard;
	s->conf.event_ms = 1;
	s->conf.ctx = s;
	if (s->echoes.most_ms == 0)
		s->echoes = (struct echoes){.least_ms = 100, .most_ms = 2000, .twice = 10};
	s->echoes.sim = &s->sim;
	s->fate = calloc(n, sizeof(*s->fate));
	s->id = calloc(n, sizeof(*s->id));
	s->answers = calloc(n, sizeof(*s->answers));
	s->place = json_object();
	cr_assert(s->fate != NULL && s->id != NULL && s->answers != NULL);
	for (unsigned i = 0; i < n; i++) {
		server_id("person", i, s->id[i]);
		json_object_set_new(s->place, s->id[i], json_integer(i));
	}
	cr_assert(sim_open(&s->sim, &s->conf));
}

static void ask(struct scene *s, unsigned i)
{
	char name[32];
	snprintf(name, sizeof(name), "event-%u/rule/1", i);
	sim_ask(&s->sim, &s->answers[i], CLIENT_UPDATE, "people",
		json_pack("{s:s,s:{s:o}}", "id", s->id[i], "data", "jobTitle",
			json_sprintf("title %u", i)),
		name);
}

static void ask_all(struct scene *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->fate[i] == DELETED_BEFORE)
			cr_assert(server_delete(s->sim.server, "people", s->id[i]));
		if (s->fate[i] == DESTROYED_BEFORE)
			cr_assert(server_destroy(s->sim.server, "people", s->id[i]));
	}
	for (unsigned i = 0; i < s->n; i++)
		ask(s, i);
}

static void check_one(const struct scene *s, unsigned i)
{
	const struct sim_answer *a = &s->answers[i];
	const json_t *record = server_record(s->sim.server, "people", s->id[i]);
	char want[32];
	snprintf(want, sizeof(want), "title %u", i);
	cr_assert_eq(a->times, 1, "%u is answered %d times", i, a->times);
	switch (s->fate[i]) {
	case LIVES:
	case RESTORED_BETWEEN:
		cr_assert_eq(a->code, RC_OK, "%u: %s", i, a->message);
		cr_assert_str_eq(json_string_value(json_object_get(a->value, "jobTitle")), want);
		cr_assert_str_eq(json_string_value(json_object_get(record, "jobTitle")), want);
		cr_assert(json_is_null(json_object_get(record, "deletedAt")), "%u", i);
		break;
	case DELETED_BEFORE:
	case DELETED_BETWEEN:
		cr_assert_eq(a->code, RC_NOT_FOUND, "%u: %s", i, a->message);
		cr_assert(json_is_string(json_object_get(record, "deletedAt")), "%u stays revived",
			i);
		break;
	case DESTROYED_BEFORE:
	case DESTROYED_BETWEEN:
		cr_assert_eq(a->code, RC_NOT_FOUND, "%u: %s", i, a->message);
		cr_assert_null(record, "%u stays inserted", i);
		break;
	}
}

static void await_all(struct scene *s)
{
	cr_assert(sim_await(&s->sim, s->answers, s->n, SIM_HOUR_MS));
	sim_sleep(&s->sim, 60000);
	cr_assert_eq(sim_count(NULL, "", 429), 0);
}

static void clear(struct scene *s)
{
	echoes_close(&s->echoes);
	sim_close(&s->sim);
	for (unsigned i = 0; i < s->n; i++)
		sim_answer_done(&s->answers[i]);
	json_decref(s->place);
	free(s->fate);
	free(s->id);
	free(s->answers);
}

static void end(struct scene *s)
{
	await_all(s);
	for (unsigned i = 0; i < s->n; i++)
		check_one(s, i);
	clear(s);
}

#define MANY 10000

Test(sim_upsert, of_ten_thousand_changes_none_revives_and_none_inserts)
{
	struct scene s = {.conf = {.seed = 7}};
	set(&s, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		static const enum fate fates[200] = {[17] = DELETED_BEFORE,
			[50] = DESTROYED_BEFORE,
			[83] = DELETED_BETWEEN,
			[116] = DESTROYED_BETWEEN,
			[149] = DELETED_BETWEEN,
			[182] = DESTROYED_BETWEEN};
		s.fate[i] = fates[i % 200];
	}
	ask_all(&s);
	await_all(&s);
	fprintf(stderr,
		"10,000 changes, 300 of records that go: %d upserts, %d changes alone, "
		"%d deletes, %zu requests, %lld s\n",
		s.upserts, sim_count("PATCH", "", 0), sim_count("DELETE", "", 0), wire_request_n(),
		(long long)s.answers[MANY - 1].at_ms / 1000);
	cr_assert_geq(s.upserts, MANY / 150);
	cr_assert_leq(sim_count("PATCH", "", 0), 10);
	for (unsigned i = 0; i < MANY; i++)
		check_one(&s, i);
	clear(&s);
}

#define SOME 300

static void set_some(struct scene *s)
{
	set(s, SOME);
	for (unsigned i = 0; i < SOME; i += 25)
		s->fate[i] = (enum fate)(i / 25 % 6);
	ask_all(s);
}

Test(sim_upsert, echoes_that_come_before_the_answer_count)
{
	struct scene s = {.conf = {.seed = 2}, .slow = true};
	set_some(&s);
	end(&s);
}

Test(sim_upsert, a_lost_answer_loses_no_revival)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct scene s = {.conf = {.seed = seed}, .break_at = 1};
		set_some(&s);
		end(&s);
	}
}

Test(sim_upsert, a_lost_answer_loses_no_revival_whose_echo_came_before)
{
	struct scene s = {
		.conf = {.seed = 3}, .echoes = {.least_ms = 1, .most_ms = 10}, .break_at = 1};
	set_some(&s);
	end(&s);
}

Test(sim_upsert, records_that_are_dated_behind_the_clock_of_answers_lose_no_revival)
{
	struct scene s = {.conf = {.seed = 3}};
	set(&s, SOME);
	s.sim.wire.ahead_ms = 60000;
	for (unsigned i = 0; i < SOME / 2; i++)
		ask(&s, i);
	cr_assert(sim_await(&s.sim, s.answers, SOME / 2, SIM_HOUR_MS));
	s.break_at = s.upserts + 1;
	for (unsigned i = SOME / 2; i < SOME; i++) {
		s.fate[i] = i % 7 == 0 ? DELETED_BETWEEN : LIVES;
		ask(&s, i);
	}
	end(&s);
}

Test(sim_upsert, when_webhooks_stop_changes_go_one_by_one_and_a_late_echo_still_counts)
{
	struct scene s = {.conf = {.seed = 4}, .deaf_from = 150};
	set(&s, 900);
	s.fate[10] = s.fate[400] = s.fate[401] = DELETED_BETWEEN;
	ask_all(&s);
	cr_assert(sim_await(&s.sim, s.answers, 900, SIM_HOUR_MS));
	for (unsigned i = 0; i < 900; i++)
		cr_assert_eq(s.answers[i].times, 1);
	cr_assert_eq(s.answers[10].code, RC_NOT_FOUND, "its echo came");
	cr_assert_geq(s.answers[400].at_ms, 15000, "held, and then answered");
	int upserts = s.upserts;
	struct sim_answer later[200];
	for (unsigned i = 0; i < 200; i++)
		sim_ask(&s.sim, &later[i], CLIENT_UPDATE, "people",
			json_pack("{s:s,s:{s:o}}", "id", s.id[i + 600], "data", "jobTitle",
				json_sprintf("later %u", i)),
			"event/rule/2");
	cr_assert(sim_await(&s.sim, later, 200, SIM_HOUR_MS));
	cr_assert_eq(s.upserts, upserts, "nobody hears what an upsert revives");
	const json_t *record = server_record(s.sim.server, "people", s.id[400]);
	cr_assert(json_is_null(json_object_get(record, "deletedAt")), "it was revived");
	json_t *echo = json_pack(
		"{s:O,s:[s,s]}", "record", record, "updatedFields", "jobTitle", "deletedAt");
	echoes_put(&s.echoes, "person.updated", echo);
	sim_sleep(&s.sim, 10000);
	record = server_record(s.sim.server, "people", s.id[400]);
	cr_assert(json_is_string(json_object_get(record, "deletedAt")), "it is taken back");
	for (unsigned i = 0; i < 200; i++)
		sim_answer_done(&later[i]);
	json_decref(echo);
	clear(&s);
}

Test(sim_upsert, a_record_whose_echo_is_awaited_is_not_read_before)
{
	struct scene s = {.conf = {.seed = 3}, .echoes = {.least_ms = 1500, .most_ms = 2000}};
	struct sim_answer reads[SOME];
	set(&s, SOME);
	s.fate[0] = s.fate[200] = DELETED_BETWEEN;
	ask_all(&s);
	sim_sleep(&s.sim, 500); /* the upserts are answered, and no echo has come */
	cr_assert_gt(s.upserts, 0);
	for (unsigned i = 0; i < SOME; i++)
		sim_ask(&s.sim, &reads[i], CLIENT_GET, "people", json_pack("{s:s}", "id", s.id[i]),
			"event/rule/2");
	cr_assert(sim_await(&s.sim, reads, SOME, SIM_HOUR_MS));
	for (unsigned i = 0; i < SOME; i++) {
		cr_assert_eq(reads[i].code, RC_OK);
		cr_assert_eq(json_is_null(reads[i].value), i == 0 || i == 200,
			"%u is seen while it is revived", i);
		sim_answer_done(&reads[i]);
	}
	end(&s);
}

/* A call that was cancelled leaves a record behind that must not stay revived. */
static void cancel_at(int64_t at_ms, int64_t echo_ms)
{
	struct scene s = {
		.conf = {.seed = 5}, .echoes = {.least_ms = echo_ms, .most_ms = echo_ms + 1}};
	set(&s, SOME);
	for (unsigned i = 0; i < SOME; i += 10)
		s.fate[i] = DELETED_BETWEEN;
	ask_all(&s);
	sim_sleep(&s.sim, at_ms);
	int cancelled = 0;
	for (unsigned i = 0; i < SOME; i += 5) {
		if (s.answers[i].done)
			continue;
		client_cancel(s.sim.client, s.answers[i].ticket);
		s.answers[i].done = true; /* so that it is not waited for */
		cancelled++;
	}
	await_all(&s);
	for (unsigned i = 0; i < SOME; i++) {
		if (i % 5 != 0 || s.answers[i].times > 0) {
			check_one(&s, i);
			continue;
		}
		const json_t *record = server_record(s.sim.server, "people", s.id[i]);
		cr_assert(s.fate[i] != DELETED_BEFORE ||
				  json_is_string(json_object_get(record, "deletedAt")),
			"%u stays revived, cancelled after %lld ms", i, (long long)at_ms);
	}
	cr_assert_gt(cancelled, 0);
	clear(&s);
}

Test(sim_upsert, a_cancelled_change_leaves_nothing_revived)
{
	for (int64_t at_ms = 0; at_ms <= 480; at_ms += 20)
		cancel_at(at_ms, 200);
}

Test(sim_upsert, a_client_that_is_closed_says_of_each_change_that_nobody_knows)
{
	for (int64_t at_ms = 220; at_ms <= 420; at_ms += 40) {
		struct scene s = {.conf = {.seed = 6}, .echoes = {.least_ms = 900, .most_ms = 900}};
		set(&s, SOME);
		ask_all(&s);
		sim_sleep(&s.sim, at_ms);
		client_free(s.sim.client);
		s.sim.client = NULL;
		for (unsigned i = 0; i < SOME; i++) {
			const json_t *record = server_record(s.sim.server, "people", s.id[i]);
			char want[32];
			snprintf(want, sizeof(want), "title %u", i);
			const char *have = json_string_value(json_object_get(record, "jobTitle"));
			cr_assert_eq(s.answers[i].times, 1);
			cr_assert_eq(s.answers[i].code, RC_CLOSED);
			cr_assert(s.answers[i].unknown || have == NULL || strcmp(have, want) != 0,
				"%u was changed, and is said not to be (%lld ms)", i,
				(long long)at_ms);
		}
		clear(&s);
	}
}

Test(sim_upsert, of_a_refused_batch_the_bad_rows_alone_fail)
{
	struct scene s = {.conf = {.seed = 8}};
	set(&s, SOME);
	for (unsigned i = 0; i < SOME; i++)
		if (i % 60 != 30)
			ask(&s, i);
		else
			sim_ask(&s.sim, &s.answers[i], CLIENT_UPDATE, "people",
				json_pack("{s:s,s:{s:s}}", "id", s.id[i], "data", "workPreference",
					"nonsense"),
				"event/bad/1");
	await_all(&s);
	for (unsigned i = 0; i < SOME; i++)
		if (i % 60 != 30)
			check_one(&s, i);
		else
			cr_assert_eq(s.answers[i].code, RC_REJECTED, "%s", s.answers[i].message);
	fprintf(stderr, "5 bad rows of 300 changes: %zu requests\n", wire_request_n());
	cr_assert_leq(wire_request_n(), 4 + 4 + 5 * 2 * 16);
	clear(&s);
}

/* The rules of upsert.h, one by one. */
static int upserts_of(unsigned n, const char *settings, const char *field, bool listed)
{
	struct scene s = {.conf = {.seed = 9, .settings = settings}};
	set(&s, 60);
	s.echoes.lost = !listed;
	for (unsigned i = 0; i < n; i++) {
		json_t *value;
		if (strcmp(field, "emails") == 0)
			value = json_pack("{s:o}", "primaryEmail", json_sprintf("u%u@x.org", i));
		else if (strcmp(field, "name") == 0)
			value = json_pack("{s:o}", "firstName", json_sprintf("Ada %u", i));
		else
			value = json_sprintf("+3361234%04u", i);
		sim_ask(&s.sim, &s.answers[i], CLIENT_UPDATE, "people",
			json_pack("{s:s,s:{s:o}}", "id", s.id[i], "data", field, value),
			"event/rule/1");
	}
	cr_assert(sim_await(&s.sim, s.answers, n, SIM_HOUR_MS));
	for (unsigned i = 0; i < n; i++)
		cr_assert_eq(s.answers[i].code, RC_OK, "%s", s.answers[i].message);
	int upserts = s.upserts;
	s.n = n;
	clear(&s);
	return upserts;
}

Test(sim_upsert, it_is_used_where_it_is_safe_and_saves_something)
{
	static const char few[] = "twenty.budget = \"4/m\"";
	cr_assert_eq(upserts_of(30, few, "jobTitle", true), 1);
	cr_assert_eq(upserts_of(2, few, "jobTitle", true), 0, "two go as fast alone");
	cr_assert_eq(upserts_of(30, few, "emails", true), 0, "an e-mail address finds others");
	cr_assert_eq(upserts_of(30, few, "name", true), 0, "half of a name");
	cr_assert_eq(upserts_of(30, NULL, "jobTitle", true), 0, "there is budget for all");
	cr_assert_eq(upserts_of(30, "twenty.budget = \"4/m\"\ncoalesce = { upsert = false }",
			     "jobTitle", true),
		0);
	cr_assert_eq(upserts_of(30, "twenty.budget = \"4/m\"\ncoalesce = { update = false }",
			     "jobTitle", true),
		0);
}

Test(sim_upsert, what_is_so_already_is_not_written)
{
	struct scene s = {.conf = {.seed = 12}};
	struct sim_answer again[SOME];
	set(&s, SOME);
	ask_all(&s);
	await_all(&s);
	int upserts = s.upserts, patches = sim_count("PATCH", "", 0);
	for (unsigned i = 0; i < SOME; i++)
		sim_ask(&s.sim, &again[i], CLIENT_UPDATE, "people",
			json_pack("{s:s,s:{s:o}}", "id", s.id[i], "data", "jobTitle",
				json_sprintf("title %u", i)),
			"event/rule/2");
	cr_assert(sim_await(&s.sim, again, SOME, 10000), "nobody waits for an echo");
	for (unsigned i = 0; i < SOME; i++) {
		cr_assert_eq(again[i].code, RC_OK);
		sim_answer_done(&again[i]);
	}
	cr_assert_eq(s.upserts, upserts);
	cr_assert_eq(sim_count("PATCH", "", 0), patches);
	end(&s);
}

Test(sim_upsert, one_that_differs_from_many_is_two_requests_and_no_upsert)
{
	struct scene s = {.conf = {.seed = 13, .settings = "twenty.budget = \"4/m\""}};
	set(&s, 60);
	s.n = 30;
	for (unsigned i = 0; i < s.n; i++)
		sim_ask(&s.sim, &s.answers[i], CLIENT_UPDATE, "people",
			json_pack("{s:s,s:{s:s}}", "id", s.id[i], "data", "jobTitle",
				i == 20 ? "other" : "same"),
			"event/rule/1");
	await_all(&s);
	cr_assert_eq(s.upserts, 0);
	cr_assert_eq(sim_count("PATCH", "", 200), 2);
	clear(&s);
}
