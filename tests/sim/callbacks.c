/* SPDX-License-Identifier: MIT */
/*
 * Receivers of answers that cancel and submit from within: every call that is out at once, over a
 * way that loses requests and answers. Whoever is answered is answered once, who was cancelled
 * never, and nothing waits in the end.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "tests/sim/rig/sim.h"

#define PEOPLE 24
#define CALLS 160
#define SEEDS 30

struct asked {
	struct swarm *swarm;
	uint64_t ticket;
	bool out, cancelled;
	int times;
};

struct swarm {
	struct sim sim;
	struct asked calls[CALLS];
	int n, cancels;
	bool closing;
	uint64_t random;
};

static unsigned any(struct swarm *w, unsigned n)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (unsigned)(w->random >> 33) % n;
}

static void ask(struct swarm *w);

static void cancel(struct swarm *w, struct asked *a)
{
	if (!a->out)
		return;
	a->out = false;
	a->cancelled = true;
	w->cancels++;
	client_cancel(w->sim.client, a->ticket);
}

static void came(void *ctx, const struct client_answer *answer)
{
	struct asked *a = ctx;
	struct swarm *w = a->swarm;
	cr_assert_not(a->cancelled, "answered after it was cancelled");
	a->out = false;
	a->times++;
	if (answer->code == RC_OK)
		free(json_dumps(answer->value, JSON_ENCODE_ANY));
	unsigned what = any(w, 12);
	for (int i = 0; i < w->n && what < 3; i++)
		if (what == 0 || any(w, what == 1 ? 2 : 8) == 0)
			cancel(w, &w->calls[i]);
	if (what > 5)
		ask(w);
	if (what == 11)
		ask(w);
}

static json_t *id_of(struct swarm *w)
{
	char id[SERVER_ID_N];
	server_id("person", any(w, PEOPLE), id);
	return json_string(id);
}

static json_t *changes(struct swarm *w)
{
	json_t *list = json_array();
	for (unsigned i = any(w, 6), n = i + 3; i < n; i++) {
		char id[SERVER_ID_N];
		server_id("person", i, id);
		json_array_append_new(list, json_pack("{s:s, s:o}", "id", id, "jobTitle",
						    json_sprintf("t%u", any(w, 3))));
	}
	return json_pack("{s:o}", "list", list);
}

static json_t *args_of(struct swarm *w, enum client_op op)
{
	switch (op) {
	case CLIENT_GET:
	case CLIENT_DELETE:
	case CLIENT_RESTORE:
	case CLIENT_DESTROY:
		return json_pack("{s:o}", "id", id_of(w));
	case CLIENT_UPDATE:
		return json_pack("{s:o, s:{s:o}, s:o}", "id", id_of(w), "data", "jobTitle",
			json_sprintf("j%u", any(w, 3)), "only_if",
			any(w, 2) ? json_null() : sim_json("{'jobTitle':['j1','j2']}"));
	case CLIENT_UPDATE_MANY:
		return changes(w);
	case CLIENT_UPDATE_WHERE:
		return sim_json("{'where':{'jobTitle':'j1'},'data':{'jobTitle':'j2'},'max':50}");
	case CLIENT_ENSURE:
		return json_pack(
			"{s:{s:o}}", "where", "email", json_sprintf("e%u@x.example", any(w, 3)));
	case CLIENT_CREATE:
		return sim_json("{'data':{'firstName':'Ann'}}");
	case CLIENT_CREATE_MANY:
		return sim_json("{'list':[{'firstName':'Ann'},{'firstName':'Bob'}]}");
	case CLIENT_COUNT:
	case CLIENT_LIST:
		return sim_json("{'where':{'jobTitle':{'contains':'('}}}");
	case CLIENT_GROUP_BY:
		return sim_json("{'field':'jobTitle','where':{'firstName':'Ann'}}");
	default:
		return sim_json("{'email':'ann@x.example'}");
	}
}

static void ask(struct swarm *w)
{
	static const enum client_op ops[] = {CLIENT_GET, CLIENT_GET, CLIENT_UPDATE, CLIENT_UPDATE,
		CLIENT_UPDATE, CLIENT_UPDATE_MANY, CLIENT_UPDATE_MANY, CLIENT_UPDATE_WHERE,
		CLIENT_ENSURE, CLIENT_CREATE, CLIENT_CREATE_MANY, CLIENT_COUNT, CLIENT_LIST,
		CLIENT_GROUP_BY, CLIENT_DELETE, CLIENT_RESTORE, CLIENT_DESTROY};
	struct err err;
	if (w->n == CALLS)
		return;
	struct asked *a = &w->calls[w->n++];
	enum client_op op = ops[any(w, ARRAY_N(ops))];
	char name[32];
	snprintf(name, sizeof(name), "event/rule/%d", w->n);
	struct client_call call = {.op = op,
		.object = "people",
		.args = args_of(w, op),
		.name = name,
		.lane = any(w, 4) == 0 ? CLIENT_RETRY : CLIENT_LIVE,
		.done = came,
		.ctx = a};
	*a = (struct asked){.swarm = w, .out = true};
	enum rc rc = client_submit(w->sim.client, &call, &a->ticket, &err);
	cr_assert(rc == RC_OK || (rc == RC_CLOSED && w->closing), "%s", err.msg);
	w->n -= rc != RC_OK;
	json_decref(call.args);
}

static struct wire_verdict bad_way(void *ctx, const struct wire_request *request)
{
	struct swarm *w = ctx;
	(void)request;
	switch (any(w, 14)) {
	case 0:
		return (struct wire_verdict){.fate = WIRE_UNSENT};
	case 1:
		return (struct wire_verdict){.fate = WIRE_BREAK_BEFORE};
	case 2:
		return (struct wire_verdict){.fate = WIRE_BREAK_AFTER};
	case 3:
		return (struct wire_verdict){.fate = WIRE_ANSWER,
			.status = 500,
			.body = "{\"statusCode\":500,\"messages\":[\"x\"]}"};
	case 4:
		return (struct wire_verdict){.fate = WIRE_ANSWER, .status = 200, .body = "{}"};
	default:
		return (struct wire_verdict){.fate = WIRE_PASS};
	}
}

static void heard(void *ctx, const char *name, const json_t *body)
{
	struct swarm *w = ctx;
	const json_t *record = json_object_get(body, "record");
	if (strncmp(name, "person.", 7) != 0 || record == NULL || w->sim.client == NULL)
		return;
	const struct client_event event = {.object = "person",
		.record = record,
		.fields = json_object_get(body, "updatedFields")};
	client_heard(w->sim.client, &event);
}

static bool all_over(void *ctx)
{
	const struct swarm *w = ctx;
	for (int i = 0; i < w->n; i++)
		if (w->calls[i].out)
			return false;
	return true;
}

static void swarm_once(const char *dialect, uint64_t seed, const char *budget)
{
	struct swarm *w = calloc(1, sizeof(*w));
	cr_assert_not_null(w);
	w->random = seed * 0x9E3779B97F4A7C15u + 1;
	struct sim_conf conf = {.dialect = dialect,
		.people = PEOPLE,
		.budget = budget,
		.seed = seed,
		.jitter_ms = 40,
		.before = bad_way,
		.event = heard,
		.ctx = w};
	cr_assert(sim_open(&w->sim, &conf));
	for (int i = 0; i < 40; i++)
		ask(w);
	sim_sleep(&w->sim, 2000 + any(w, 5000));
	for (int i = 0; i < 20; i++)
		ask(w);
	bool closes = seed % 5 == 4; /* in the middle of it all */
	cr_assert(closes || sim_until(&w->sim, all_over, w, 24 * SIM_HOUR_MS));
	if (!closes) {
		struct client_status status;
		sim_sleep(&w->sim, SIM_HOUR_MS);
		client_status(w->sim.client, &status);
		cr_expect_eq(status.waiting, 0, "%s %d: %d wait", dialect, (int)seed,
			(int)status.waiting);
		cr_expect_eq(status.in_flight, 0);
	}
	w->closing = true;
	sim_close(&w->sim);
	for (int i = 0; i < w->n; i++)
		cr_assert(w->calls[i].cancelled ? w->calls[i].times == 0 : w->calls[i].times == 1,
			"%s %d: call %d was answered %d times", dialect, (int)seed, i,
			w->calls[i].times);
	free(w);
}

Test(sim_callbacks, an_answer_may_cancel_and_submit_whatever_it_likes)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		swarm_once("core", seed, seed % 3 == 0 ? "none" : NULL);
}

Test(sim_callbacks, the_same_in_the_documented_dialect)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		swarm_once("docs", seed, seed % 3 == 0 ? "none" : NULL);
}
