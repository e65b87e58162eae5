/* SPDX-License-Identifier: MIT */
/*
 * Anything at once: runs that each do one call after another on a few records, with little budget,
 * while requests and answers get lost and the server fails now and then. What each was told and
 * what the server has afterwards must be what some order of the calls one by one would have given.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/rig/echo.h"
#include "tests/sim/rig/time.h"

#define RUNS 200
#define RECORDS 50
#define STEPS 6
#define FIELDS 2

static const char *const fields[FIELDS] = {"jobTitle", "intro"};

struct mix;

enum step { STEP_GET, STEP_UPDATE, STEP_CREATE, STEP_LIST, STEP_DUPLICATES, STEP_N };

struct write { /* of one field of one record */
	int64_t began_us, ended_us;
	enum rc code;
	bool ended, unknown;
};

struct run {
	struct mix *mix;
	unsigned i, record, field;
	int step, answers;
	enum step what;
	int64_t began_us;
	struct write *write;
};

struct mix {
	struct sim sim;
	struct sim_conf conf;
	struct echoes echoes;
	struct run runs[RUNS];
	struct write writes[RUNS * STEPS]; /* write n has the value "w<n>" */
	unsigned writes_n;
	struct {
		unsigned record, field;
	} of[RUNS * STEPS];
	int done, created, perhaps, faults; /* perhaps: made, for all that is known */
	uint64_t dice;
};

/* Apart from the dice of the wire. */
static unsigned throw(struct mix * m, unsigned n)
{
	m->dice = m->dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(m->dice >> 33) % n;
}

static struct wire_verdict before(void *ctx, const struct wire_request *request)
{
	struct mix *m = ctx;
	static const enum wire_fate fates[] = {
		WIRE_BREAK_BEFORE, WIRE_BREAK_AFTER, WIRE_UNSENT, WIRE_ANSWER, WIRE_ANSWER};
	if (strstr(request->target, "limit=1") != NULL || throw(m, 100) >= 12)
		return (struct wire_verdict){.fate = WIRE_PASS};
	unsigned which = throw(m, 5);
	m->faults++;
	return (struct wire_verdict){.fate = fates[which],
		.status = which == 3 ? 500 : 429,
		.headers = "Retry-After: 1\r\n",
		.body = "{\"statusCode\":429,\"messages\":[\"Limit reached\"]}"};
}

static void heard(void *ctx, const char *name, const json_t *body)
{
	struct mix *m = ctx;
	echoes_put(&m->echoes, name, body);
}

static const char *person(unsigned i, char id[static SERVER_ID_N])
{
	server_id("person", i, id);
	return id;
}

/* Which write a value is of; -1: none, it is as it was. */
static int write_of(const json_t *record, unsigned field)
{
	const char *t = json_string_value(json_object_get(record, fields[field]));
	int n = -1;
	return t != NULL && sscanf(t, "w%d", &n) == 1 ? n : -1;
}

/* Could a read between those times have shown that value? Not what was not begun when it ended, and
 * nothing that another write, begun after that one had ended, had covered before it began. */
static void check_seen(const struct mix *m, unsigned record, unsigned field, int n,
	int64_t began_us, int64_t ended_us)
{
	const struct write *seen = n >= 0 ? &m->writes[n] : NULL;
	if (seen != NULL) {
		cr_assert(m->of[n].record == record && m->of[n].field == field,
			"record %u has what was written to %u", record, m->of[n].record);
		cr_assert_leq(seen->began_us, ended_us, "seen before it was written");
	}
	for (unsigned k = 0; k < m->writes_n; k++) {
		const struct write *w = &m->writes[k];
		if (m->of[k].record != record || m->of[k].field != field || (int)k == n ||
			!w->ended || w->code != RC_OK || w->ended_us >= began_us)
			continue;
		bool behind =
			seen == NULL || (seen->ended && !seen->unknown && seen->code == RC_OK &&
						seen->ended_us < w->began_us);
		cr_assert(
			!behind, "record %u: w%u was done and is not there, but w%d", record, k, n);
	}
}

static void next(struct run *r);

static void check_answer(struct run *r, const struct client_answer *a)
{
	char id[SERVER_ID_N], want[32];
	const char *have = json_string_value(json_object_get(a->value, "id"));
	switch (r->what) {
	case STEP_GET:
	case STEP_UPDATE:
		cr_assert_str_eq(have, person(r->record, id));
		for (unsigned f = 0; f < FIELDS; f++)
			check_seen(r->mix, r->record, f, write_of(a->value, f), r->began_us,
				time_us());
		break;
	case STEP_CREATE:
		r->mix->created++;
		snprintf(want, sizeof(want), "made %u/%d", r->i, r->step);
		cr_assert_str_eq(json_string_value(json_object_get(a->value, "intro")), want);
		break;
	case STEP_LIST:
	case STEP_DUPLICATES:
		break;
	case STEP_N:
		break;
	}
}

static void answered(void *ctx, const struct client_answer *a)
{
	struct run *r = ctx;
	r->answers++;
	cr_assert_eq(r->answers, r->step, "answered twice");
	if (r->write != NULL) {
		r->write->ended = true;
		r->write->ended_us = time_us();
		r->write->code = a->code;
		r->write->unknown = a->unknown;
	}
	r->mix->perhaps += r->what == STEP_CREATE && a->code != RC_OK && a->unknown;
	if (a->code == RC_OK)
		check_answer(r, a);
	else
		cr_assert(a->retryable || a->unknown, "run %u step %d: %s", r->i, r->step,
			a->message);
	next(r);
}

static json_t *args_of(struct run *r)
{
	struct mix *m = r->mix;
	char id[SERVER_ID_N];
	person(r->record, id);
	switch (r->what) {
	case STEP_GET:
		return json_pack("{s:s}", "id", id);
	case STEP_UPDATE:
		r->field = throw(m, FIELDS);
		m->of[m->writes_n].record = r->record;
		m->of[m->writes_n].field = r->field;
		r->write = &m->writes[m->writes_n];
		*r->write = (struct write){.began_us = time_us()};
		return json_pack("{s:s,s:{s:o}}", "id", id, "data", fields[r->field],
			json_sprintf("w%u", m->writes_n++));
	case STEP_CREATE:
		return json_pack("{s:{s:o,s:{s:o}}}", "data", "intro",
			json_sprintf("made %u/%d", r->i, r->step), "emails", "primaryEmail",
			json_sprintf("mix.%u.%d@example.com", r->i, r->step));
	case STEP_LIST:
		return json_pack("{s:{s:s},s:i}", "where", "jobTitle", "nobody", "limit", 5);
	case STEP_DUPLICATES:
		return json_pack("{s:s}", "id", id);
	case STEP_N:
		break;
	}
	return NULL;
}

static void next(struct run *r)
{
	static const enum client_op ops[STEP_N] = {
		CLIENT_GET, CLIENT_UPDATE, CLIENT_CREATE, CLIENT_LIST, CLIENT_DUPLICATES};
	struct mix *m = r->mix;
	char name[48];
	struct err err;
	uint64_t ticket;
	if (r->step == STEPS) {
		m->done++;
		return;
	}
	r->step++;
	r->record = throw(m, RECORDS);
	r->write = NULL;
	unsigned w = throw(m, 10);
	r->what = w < 2   ? STEP_GET
		  : w < 7 ? STEP_UPDATE
		  : w < 8 ? STEP_CREATE
		  : w < 9 ? STEP_LIST
			  : STEP_DUPLICATES;
	r->began_us = time_us();
	snprintf(name, sizeof(name), "event-%u/mix/%d", r->i, r->step);
	struct client_call call = {.op = ops[r->what],
		.object = "people",
		.args = args_of(r),
		.name = name,
		.lane = (enum client_lane)(r->i % 10 == 0 ? CLIENT_BACKFILL : CLIENT_LIVE),
		.done = answered,
		.ctx = r};
	cr_assert_eq(client_submit(m->sim.client, &call, &ticket, &err), RC_OK, "%s", err.msg);
	json_decref(call.args);
}

static bool all_done(void *ctx)
{
	const struct mix *m = ctx;
	return m->done == RUNS;
}

static void mix(uint64_t seed)
{
	struct mix *m = calloc(1, sizeof(*m));
	cr_assert_not_null(m);
	m->dice = seed * 77 + 1;
	m->conf = (struct sim_conf){.people = RECORDS,
		.budget = "100/m",
		.allowance = "none",
		.seed = seed,
		.jitter_ms = 30,
		.before = before,
		.event = heard,
		.event_ms = 1,
		.ctx = m};
	m->echoes = (struct echoes){.sim = &m->sim, .least_ms = 5, .most_ms = 1500, .twice = 10};
	cr_assert(sim_open(&m->sim, &m->conf));
	for (unsigned i = 0; i < RUNS; i++) {
		m->runs[i] = (struct run){.mix = m, .i = i};
		next(&m->runs[i]);
	}
	cr_assert(sim_until(&m->sim, all_done, m, 5 * SIM_HOUR_MS), "seed %llu: %d of %d runs end",
		(unsigned long long)seed, m->done, RUNS);
	sim_sleep(&m->sim, 60000);
	for (unsigned i = 0; i < RECORDS; i++) {
		char id[SERVER_ID_N];
		const json_t *record = server_record(m->sim.server, "people", person(i, id));
		for (unsigned f = 0; f < FIELDS; f++)
			check_seen(m, i, f, write_of(record, f), time_us(), time_us());
		cr_assert(json_is_null(json_object_get(record, "deletedAt")));
	}
	size_t made = server_record_n(m->sim.server, "people") - RECORDS;
	cr_assert_geq(made, (size_t)m->created, "seed %llu", (unsigned long long)seed);
	cr_assert_leq(made, (size_t)(m->created + m->perhaps));
	if (seed == 1)
		fprintf(stderr, "%d calls of %d runs, %d faults: %zu requests, %d upserts\n",
			RUNS * STEPS, RUNS, m->faults, wire_request_n(),
			sim_count("POST", "upsert", 0));
	echoes_close(&m->echoes);
	sim_close(&m->sim);
	free(m);
}

Test(sim_mix, every_answer_and_every_record_is_what_some_order_would_give)
{
	for (uint64_t seed = 1; seed <= 40; seed++)
		mix(seed);
}
