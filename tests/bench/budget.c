/* SPDX-License-Identifier: MIT */
/*
 * What a day's import costs of the budget: EVENTS deliveries of person.created at once, for each a
 * rule that asks for duplicates, gets the company and updates the person, at 100 requests a minute.
 * From: tests/bench/run. To: a simulation, once as it is and once with coalescing off. Prints
 * requests, refusals, events done and lost, and how long it took on the clock of both. Exits 1
 * where an event was lost or an update did not arrive.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/rig/crew.h"

#define EVENTS 1000
#define COMPANIES 200
#define WAIT_MS (2 * SIM_HOUR_MS)
#define LATE_MS 60000

struct run;

struct chain { /* one run of the rule */
	struct run *run;
	unsigned i;
	char person[SERVER_ID_N];
	int step;
};

struct run {
	struct crew crew;
	struct chain chains[EVENTS];
	int done, failed, echoes, most;
	double factor; /* calls for a request */
	int64_t took_ms;
	double real_ms;
};

static void next(struct chain *c);

static void answered(void *ctx, const struct client_answer *answer)
{
	struct chain *c = ctx;
	if (answer->code == RC_OK) {
		next(c);
		return;
	}
	if (c->run->failed++ == 0)
		fprintf(stderr, "bench: step %d of event %u: %s\n", c->step, c->i, answer->message);
}

static void submit(struct chain *c, enum client_op op, const char *object, json_t *args)
{
	char name[64];
	struct err err;
	uint64_t ticket;
	snprintf(name, sizeof(name), "event-%u/import/%d", c->i, c->step);
	struct client_call call = {.op = op,
		.object = object,
		.args = args,
		.name = name,
		.lane = CLIENT_LIVE,
		.done = answered,
		.ctx = c};
	struct client *client = c->run->crew.seats[c->i % c->run->crew.n].client;
	if (client_submit(client, &call, &ticket, &err) != RC_OK) {
		fprintf(stderr, "bench: %s\n", err.msg);
		exit(1);
	}
	json_decref(args);
}

static void next(struct chain *c)
{
	char company[SERVER_ID_N];
	switch (++c->step) {
	case 1:
		submit(c, CLIENT_DUPLICATES, "people", json_pack("{s:s}", "id", c->person));
		break;
	case 2:
		server_id("company", c->i % COMPANIES, company);
		submit(c, CLIENT_GET, "companies", json_pack("{s:s}", "id", company));
		break;
	case 3:
		submit(c, CLIENT_UPDATE, "people",
			json_pack("{s:s,s:{s:o}}", "id", c->person, "data", "jobTitle",
				json_sprintf("n %u", c->i)));
		break;
	default:
		c->run->done++;
		break;
	}
}

static void heard(void *ctx, const char *name, const json_t *body)
{
	struct run *run = ctx;
	const struct client_event event = {.object = "person",
		.record = json_object_get(body, "record"),
		.fields = json_object_get(body, "updatedFields")};
	run->echoes += strcmp(name, "person.updated") == 0;
	for (unsigned i = 0; i < run->crew.n; i++)
		client_heard(run->crew.seats[i].client, &event);
}

static bool all_ended(void *ctx)
{
	const struct run *run = ctx;
	return run->done + run->failed == EVENTS;
}

/* Updates that the server has. */
static int arrived(const struct run *run)
{
	int n = 0;
	for (unsigned i = 0; i < EVENTS; i++) {
		char want[16];
		const json_t *rec =
			server_record(run->crew.sim.server, "people", run->chains[i].person);
		const char *title = json_string_value(json_object_get(rec, "jobTitle"));
		snprintf(want, sizeof(want), "n %u", i);
		n += title != NULL && strcmp(title, want) == 0;
	}
	return n;
}

static double real_ms(void)
{
	return (double)clock() * 1000 / CLOCKS_PER_SEC;
}

static bool alone_open(struct crew *crew, const struct sim_conf *conf)
{
	*crew = (struct crew){.n = 1};
	bool ok = sim_open(&crew->sim, conf);
	crew->seats[0].client = crew->sim.client;
	return ok;
}

/* runners 0: one, with a budget of its own. */
static bool measure(struct run *run, const char *what, const char *settings, unsigned runners)
{
	struct sim_conf conf = {
		.people = EVENTS, .settings = settings, .seed = 1, .event = heard, .ctx = run};
	double began = real_ms();
	if (runners == 0 ? !alone_open(&run->crew, &conf) : !crew_open(&run->crew, &conf, runners))
		return false;
	for (unsigned i = 0; i < EVENTS; i++) {
		run->chains[i] = (struct chain){.run = run, .i = i};
		server_id("person", i, run->chains[i].person);
		next(&run->chains[i]);
	}
	(void)sim_until(&run->crew.sim, all_ended, run, WAIT_MS);
	run->took_ms = sim_now_ms(&run->crew.sim);
	sim_sleep(
		&run->crew.sim, LATE_MS); /* what is sent behind the answers, and the last echoes */
	run->real_ms = real_ms() - began;
	int updated = arrived(run);
	printf("%-16s %5zu requests, %d refused (429), %d events done, %d lost, "
	       "%d updates there, %d echoes, %.0f s, in %.1f s of this machine\n",
		what, wire_request_n(), sim_count(NULL, "", 429), run->done, EVENTS - run->done,
		updated, run->echoes, (double)run->took_ms / 1000, run->real_ms / 1000);
	run->factor = (double)(EVENTS * 3) / (double)(wire_request_n() > 0 ? wire_request_n() : 1);
	run->most = crew_most_a_minute(0);
	printf("%-16s %.1f calls a request, at most %d requests in any minute, %d swaps, %d too "
	       "late\n",
		"", run->factor, run->most, run->crew.swaps, run->crew.misses);
	crew_close(&run->crew);
	return run->done == EVENTS && updated == EVENTS;
}

int main(void)
{
	static struct run with, without, one, five;
	printf("%d events at once, 3 calls each, 100/m, %d companies\n", EVENTS, COMPANIES);
	bool ok = measure(&with, "as it is", NULL, 0);
	ok = measure(&one, "one, shared", NULL, 1) && ok;
	ok = measure(&five, "five, shared", NULL, 5) && ok;
	printf("%-16s five runners put together %.0f %% of what one does\n", "coalescing",
		100 * five.factor / with.factor);
	if (conf_option_find(&client_conf_table, 1, "coalesce.read") == NULL)
		return ok ? 0 : 1;
	ok = measure(&without, "coalesce = false", "coalesce = false", 0) && ok;
	printf("%-16s %.1f times as fast\n", "ratio",
		(double)without.took_ms / (double)(with.took_ms > 0 ? with.took_ms : 1));
	return ok ? 0 : 1;
}
