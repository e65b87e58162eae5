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
	int upserts;  /* seen by the server so far */
	int break_at; /* this one's answer is lost; 0: none */
	int deaf_at;  /* no webhook comes from this one on; 0: none */
	bool slow;    /* answers of upserts come behind the echoes */
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
	s->echoes.lost = s->deaf_at > 0 && s->upserts >= s->deaf_at;
	if (s->upserts == s->break_at)
		return (struct wire_verdict){.fate = WIRE_BREAK_AFTER};
	return (struct wire_verdict){.fate = WIRE_PASS, .slow_ms = s->slow ? 5000 : 0};
}

static void heard(void *ctx, const char *name, const json_t *body)
{
	struct scene *s = ctx;
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
