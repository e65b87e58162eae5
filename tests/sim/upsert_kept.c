/* SPDX-License-Identifier: MIT */
/*
 * A server whose batch upsert writes more than it was asked for: that we have made the records. It
 * gets no other one.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/rig/sim.h"

#define PEOPLE 150

struct scene {
	struct sim sim;
	int upserts;
	char *body; /* owned */
};

/* The records as they are, but made by somebody else and changed later. */
static char *lie(struct scene *s)
{
	json_t *all = json_array();
	for (unsigned i = 0; i < PEOPLE; i++) {
		char id[SERVER_ID_N];
		server_id("person", i, id);
		json_t *copy = json_deep_copy(server_record(s->sim.server, "people", id));
		json_object_set_new(copy, "updatedAt", json_string("2030-01-01T00:00:00.000Z"));
		json_object_set_new(
			copy, "createdBy", json_pack("{s:s, s:s}", "source", "API", "name", "us"));
		json_array_append_new(all, copy);
	}
	json_t *body = json_pack("{s:{s:o}}", "data", "createPeople", all);
	char *text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

static struct wire_verdict before(void *ctx, const struct wire_request *request)
{
	struct scene *s = ctx;
	if (strstr(request->target, "upsert=true") == NULL)
		return (struct wire_verdict){0};
	s->upserts++;
	free(s->body);
	s->body = lie(s);
	return (struct wire_verdict){.fate = WIRE_ANSWER, .status = 201, .body = s->body};
}

static void event(void *ctx, const char *name, const json_t *body)
{
	(void)ctx, (void)name, (void)body;
}

static void change_all(struct scene *s, struct sim_answer *answers, const char *what)
{
	memset(answers, 0, PEOPLE * sizeof(*answers));
	for (unsigned i = 0; i < PEOPLE; i++) {
		char id[SERVER_ID_N];
		server_id("person", i, id);
		sim_ask(&s->sim, &answers[i], CLIENT_UPDATE, "people",
			json_pack("{s:s,s:{s:o}}", "id", id, "data", "jobTitle",
				json_sprintf("%s %u", what, i)),
			"event/rule/1");
	}
	cr_assert(sim_await(&s->sim, answers, PEOPLE, SIM_HOUR_MS));
	for (unsigned i = 0; i < PEOPLE; i++)
		sim_answer_done(&answers[i]);
}

Test(sim_upsert_kept, a_server_that_rewrites_who_made_a_record_gets_no_other_upsert)
{
	struct scene s = {.upserts = 0};
	struct sim_conf conf = {.people = PEOPLE, .before = before, .event = event, .ctx = &s};
	struct sim_answer *answers = calloc(PEOPLE, sizeof(*answers));
	cr_assert_not_null(answers);
	cr_assert(sim_open(&s.sim, &conf));
	change_all(&s, answers, "a");
	cr_assert_eq(s.upserts, 1);
	char id[SERVER_ID_N];
	server_id("person", 0, id);
	json_t *fields = json_pack("[s]", "position");
	const struct client_event heard = {.object = "person",
		.record = server_record(s.sim.server, "people", id),
		.fields = fields};
	client_heard(s.sim.client, &heard); /* webhooks come, so that this is not the reason */
	json_decref(fields);
	change_all(&s, answers, "b");
	cr_assert_eq(s.upserts, 1, "%d", s.upserts);
	sim_close(&s.sim);
	free(s.body);
	free(answers);
}
