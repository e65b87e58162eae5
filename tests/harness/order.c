/* SPDX-License-Identifier: MIT */
/*
 * A runner and its events, as numbers.
 * From: tests and bench-order. To: queue.h, receiver and runner side. Time is simulated; what runs
 * is a list of claims with the time at which each ends. Now and then the runner "dies": its claims
 * are taken back, and what it would still write is offered with the old epoch. Every tenth event
 * holds a second key. The model keeps for each key the events that are open, in order of arrival.
 */
#include "tests/harness/order.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "queue/queue.h"

#define BATCH 64
#define OWNERS 100 /* second keys */
#define HOT 20     /* records that get a third of the events */
#define COMMIT_EVERY 64
#define PRUNE_EVERY 400
#define DEATH_EVERY 1500 /* ends */
#define NONE SIZE_MAX

struct open_event { /* in the lists of its keys */
	size_t key[2], next[2];
	bool live, ended;
};

struct key {
	size_t first, last; /* open events, in order */
	size_t live;        /* runs at work */
};

struct live {
	struct queue_run run;
	size_t event;
	int64_t until_ms;
};

struct stale { /* a claim of the runner before */
	int64_t seq, epoch;
};

struct order {
	const struct order_conf *conf;
	struct order_result *result;
	struct queue *receiver, *runner;
	struct open_event *events;
	struct key *keys;
	struct live *live;
	struct stale *stale;
	size_t live_n, stale_n, put_n, routed_n;
	size_t live_sum, steps;
	int64_t now_ms;
	uint64_t random;
	struct err *err;
};

static uint64_t next_random(struct order *o)
{
	o->random ^= o->random << 13;
	o->random ^= o->random >> 7;
	o->random ^= o->random << 17;
	return o->random;
}

static size_t below(struct order *o, size_t n)
{
	return (size_t)(next_random(o) % n);
}

/* --- the model -------------------------------------------------------------------------------- */

static void model_open(struct order *o, size_t event)
{
	struct open_event *e = &o->events[event];
	for (int i = 0; i < 2; i++) {
		e->next[i] = NONE;
		if (e->key[i] == NONE)
			continue;
		struct key *k = &o->keys[e->key[i]];
		if (k->first == NONE) {
			k->first = event;
		} else {
			struct open_event *last = &o->events[k->last];
			last->next[last->key[0] == e->key[i] ? 0 : 1] = event;
		}
		k->last = event;
	}
}

static void model_start(struct order *o, size_t event)
{
	struct open_event *e = &o->events[event];
	o->result->starts++;
	for (int i = 0; i < 2; i++) {
		if (e->key[i] == NONE)
			continue;
		struct key *k = &o->keys[e->key[i]];
		o->result->inversions += k->first != event;
		o->result->overlaps += k->live != 0;
		k->live++;
	}
	o->result->overlaps += e->live || e->ended;
	e->live = true;
}

static void model_stop(struct order *o, size_t event, bool ended)
{
	struct open_event *e = &o->events[event];
	e->live = false;
	e->ended = ended;
	for (int i = 0; i < 2; i++) {
		if (e->key[i] == NONE)
			continue;
		struct key *k = &o->keys[e->key[i]];
		k->live--;
		/* Without keys they end in any order: those that have go when they are first. */
		while (k->first != NONE && o->events[k->first].ended) {
			const struct open_event *first = &o->events[k->first];
			k->first = first->next[first->key[0] == e->key[i] ? 0 : 1];
		}
	}
}

/* --- in --------------------------------------------------------------------------------------- */

static size_t pick_record(struct order *o)
{
	size_t hot = o->conf->records < HOT ? o->conf->records : HOT;
	return below(o, 4) == 0 ? below(o, hot) : below(o, o->conf->records);
}

static enum rc put(struct order *o)
{
	struct queue_delivery batch[BATCH];
	char bodies[BATCH][32];
	size_t n = 0;
	enum rc rc = RC_OK;
	for (; n < BATCH && o->put_n < o->conf->events && rc == RC_OK; n++, o->put_n++) {
		int size = snprintf(bodies[n], sizeof(bodies[n]), "%zu", o->put_n);
		batch[n] = (struct queue_delivery){
			.source = "s",
			.body = {bodies[n], (size_t)size},
			.received_ms = o->now_ms,
		};
		rc = id_new(o->now_ms, &batch[n].id, o->err);
	}
	return rc == RC_OK ? queue_inbox_put(o->receiver, batch, n, o->err) : rc;
}

static enum rc claimed(struct order *o, struct queue_run *runs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t event = (size_t)runs[i].seq - 1;
		char body[32];
		snprintf(body, sizeof(body), "%zu", event);
		if (runs[i].body != NULL && strcmp(runs[i].body, body) != 0)
			return err_set(o->err, RC_INVALID, "run %zu brought event %s", event,
				runs[i].body);
		size_t ms = below(o, 50) == 0 ? 2000 : 20;
		o->live[o->live_n++] =
			(struct live){runs[i], event, o->now_ms + 1 + (int64_t)below(o, ms)};
		model_start(o, event);
	}
	if (o->live_n > o->result->most_live)
		o->result->most_live = o->live_n;
	return RC_OK;
}

static enum rc route(struct order *o)
{
	struct queue_raw raw[BATCH];
	struct queue_routing routings[BATCH];
	struct queue_run_new news[BATCH];
	struct queue_run runs[BATCH];
	char names[BATCH][2][32];
	size_t n = 0, claimed_n = 0;
	size_t room = o->conf->runs - o->live_n;
	enum rc rc = queue_inbox_next(o->runner, BATCH, raw, &n, o->err);
	for (size_t i = 0; i < n && rc == RC_OK; i++, o->routed_n++) {
		struct open_event *e = &o->events[o->routed_n];
		e->key[0] = pick_record(o);
		e->key[1] = below(o, 10) == 0 ? o->conf->records + below(o, OWNERS) : NONE;
		snprintf(names[i][0], sizeof(names[i][0]), "record/%zu", e->key[0]);
		snprintf(names[i][1], sizeof(names[i][1]), "owner/%zu", e->key[1]);
		bool also = e->key[1] != NONE && !o->conf->keyless;
		news[i] = (struct queue_run_new){
			.rule = "rule",
			.source_hash = "00",
			.key = o->conf->keyless ? "" : names[i][0],
			.also = also ? names[i][1] : NULL,
			.attempts_max = 8,
		};
		routings[i] = (struct queue_routing){
			.event = {.seq = raw[i].seq,
				.id = raw[i].id,
				.source = "s",
				.name = "n",
				.object = "o",
				.record = names[i][0],
				.via = "hook",
				.reason = "",
				.state = QUEUE_DUE,
				.received_ms = o->now_ms},
			.runs = &news[i],
			.runs_n = 1,
		};
		model_open(o, o->routed_n);
	}
	if (rc == RC_OK && n != 0)
		rc = queue_route(o->runner, routings, n, room < BATCH ? room : BATCH, runs,
			&claimed_n, o->err);
	return rc == RC_OK ? claimed(o, runs, claimed_n) : rc;
}

/* Fills the slots: what is due first, then what is new. */
static enum rc fill(struct order *o)
{
	struct queue_run runs[BATCH];
	enum rc rc = RC_OK;
	size_t n;
	do {
		size_t room = o->conf->runs - o->live_n;
		room = room < BATCH ? room : BATCH;
		n = 0;
		if (room != 0)
			rc = queue_claim(o->runner, o->now_ms, room, runs, &n, o->err);
		if (rc == RC_OK)
			rc = claimed(o, runs, n);
	} while (rc == RC_OK && n != 0);
	while (rc == RC_OK && o->routed_n < o->conf->events) {
		size_t open = o->routed_n - o->result->ended;
		if (open > o->result->most_open)
			o->result->most_open = open;
		if (open + BATCH > o->conf->backlog)
			break;
		rc = o->put_n == o->routed_n ? put(o) : RC_OK;
		if (rc == RC_OK)
			rc = route(o);
	}
	return rc;
}

/* --- out -------------------------------------------------------------------------------------- */

static struct queue_outcome pick_outcome(struct order *o)
{
	size_t dice = below(o, 100);
	struct queue_outcome out = {
		.state = QUEUE_DONE, .started_ms = o->now_ms, .ended_ms = o->now_ms};
	if (dice < 5)
		out.state = QUEUE_SKIPPED;
	else if (dice < 7)
		out.state = QUEUE_DEAD;
	else if (dice < 13) {
		out.state = QUEUE_WAITING;
		out.due_ms = o->now_ms + 1 + (int64_t)below(o, 2000);
		out.attempt_used = true;
	} else if (dice < 15)
		out.state = QUEUE_DUE;
	else if (dice < 17) {
		out.state = QUEUE_DUE;
		out.died = true;
	}
	return out;
}

static enum rc end_one(struct order *o, size_t i)
{
	struct queue_outcome out = pick_outcome(o);
	struct live one = o->live[i];
	o->live[i] = o->live[--o->live_n];
	enum rc rc = queue_finish(o->runner, one.run.seq, one.run.epoch, &out, o->err);
	queue_run_done(&one.run);
	bool ended = queue_state_ended(out.state);
	o->result->ended += ended;
	o->result->retries += !ended;
	o->result->deaths += out.died;
	model_stop(o, one.event, ended);
	return rc;
}

/* What the runner before would still write about its claims. */
static enum rc write_stale(struct order *o)
{
	struct queue_outcome out = {.state = QUEUE_DONE};
	while (o->stale_n > 0) {
		struct stale *s = &o->stale[--o->stale_n];
		struct err err = {0};
		enum rc rc = queue_finish(o->runner, s->seq, s->epoch, &out, &err);
		o->result->refused += rc == RC_STALE;
		o->result->accepted += rc == RC_OK;
		if (rc != RC_STALE && rc != RC_OK)
			return err_set(o->err, rc, "%s", err.msg);
	}
	return RC_OK;
}

/* The runner dies with all its claims; its successor takes them back. */
static enum rc die(struct order *o)
{
	size_t n = 0;
	while (o->live_n > 0) {
		struct live *one = &o->live[--o->live_n];
		o->stale[o->stale_n++] = (struct stale){one->run.seq, one->run.epoch};
		model_stop(o, one->event, false);
		queue_run_done(&one->run);
	}
	enum rc rc = queue_adopt(o->runner, &n, o->err);
	o->result->taken_back += n;
	if (rc == RC_OK)
		rc = fill(o);
	return rc == RC_OK ? write_stale(o) : rc;
}

/* Time goes on to the next end, or to the next repeat where nothing runs. */
static enum rc step(struct order *o)
{
	size_t first = 0;
	int64_t due_ms = 0;
	o->live_sum += o->live_n;
	o->steps++;
	if (o->live_n == 0) {
		enum rc rc = queue_next_due(o->runner, &due_ms, o->err);
		if (rc == RC_OK && due_ms == INT64_MAX)
			rc = err_set(o->err, RC_INVALID, "nothing runs, and nothing is due");
		o->now_ms = due_ms > o->now_ms ? due_ms : o->now_ms;
		return rc;
	}
	for (size_t i = 1; i < o->live_n; i++)
		if (o->live[i].until_ms < o->live[first].until_ms)
			first = i;
	o->now_ms = o->live[first].until_ms > o->now_ms ? o->live[first].until_ms : o->now_ms;
	return end_one(o, first);
}

static enum rc prune(struct order *o)
{
	struct queue_retention keep = {.events_ms = 1, .runs_ms = 1};
	size_t n = 0;
	enum rc rc = queue_prune(o->runner, &keep, o->now_ms + 1000, 2 * PRUNE_EVERY, &n, o->err);
	return rc == RC_OK ? queue_prune(o->receiver, &keep, o->now_ms + 1000, 2 * PRUNE_EVERY, &n,
				     o->err)
			   : rc;
}

static enum rc go(struct order *o)
{
	bool memory = strncmp(o->conf->store, "memory:", 7) == 0;
	enum rc rc = RC_OK;
	size_t most = o->conf->events * 40 + 1000; /* starts: then it comes to no end */
	for (size_t i = 1; rc == RC_OK && o->result->ended < o->conf->events; i++) {
		rc = i % DEATH_EVERY == 0 ? die(o) : fill(o);
		if (rc == RC_OK)
			rc = step(o);
		if (rc == RC_OK && i % COMMIT_EVERY == 0)
			rc = queue_commit(o->runner, o->err);
		if (rc == RC_OK && memory && i % PRUNE_EVERY == 0)
			rc = prune(o);
		if (rc == RC_OK && i > most)
			rc = err_set(o->err, RC_INVALID, "it comes to no end");
	}
	return rc;
}

enum rc order_run(const struct order_conf *conf, struct order_result *ret_result, struct err *err)
{
	struct order o = {.conf = conf, .result = ret_result, .err = err, .random = conf->seed | 1};
	size_t keys_n = conf->records + OWNERS;
	int64_t from_ms = clock_mono_ms();
	*ret_result = (struct order_result){0};
	o.events = calloc(conf->events + 1, sizeof(*o.events));
	o.keys = calloc(keys_n, sizeof(*o.keys));
	o.live = calloc(conf->runs + BATCH, sizeof(*o.live));
	o.stale = calloc(conf->runs + BATCH, sizeof(*o.stale));
	o.now_ms = clock_wall_ms();
	enum rc rc = o.events != NULL && o.keys != NULL && o.live != NULL && o.stale != NULL
			     ? RC_OK
			     : err_set(err, RC_NOMEM, "no memory for %zu events", conf->events);
	for (size_t i = 0; rc == RC_OK && i < keys_n; i++)
		o.keys[i].first = NONE;
	if (rc == RC_OK)
		rc = queue_open(conf->store, QUEUE_RECEIVER, &o.receiver, err);
	if (rc == RC_OK)
		rc = queue_open(conf->store, QUEUE_RUNNER, &o.runner, err);
	if (rc == RC_OK)
		rc = go(&o);
	while (o.live != NULL && o.live_n > 0)
		queue_run_done(&o.live[--o.live_n].run);
	queue_close(o.runner);
	queue_close(o.receiver);
	free(o.events);
	free(o.keys);
	free(o.live);
	free(o.stale);
	ret_result->mean_live = o.steps != 0 ? o.live_sum / o.steps : 0;
	ret_result->took_ms = clock_mono_ms() - from_ms;
	return rc;
}

void order_print(const struct order_conf *conf, const struct order_result *r)
{
	bool memory = strncmp(conf->store, "memory:", 7) == 0;
	printf("order, %s%s, seed %" PRIu64
	       ": %zu events over %zu records, %zu runs at once (%zu in the "
	       "mean), up to %zu open: %zu starts, %zu released (%zu deaths), %zu taken back, %zu "
	       "old "
	       "writes refused, %zu accepted; %zu inversions, %zu overlaps; %.1f s\n",
		memory ? "memory" : "sqlite", conf->keyless ? ", without keys" : "", conf->seed,
		r->ended, conf->records, r->most_live, r->mean_live, r->most_open, r->starts,
		r->retries, r->deaths, r->taken_back, r->refused, r->accepted, r->inversions,
		r->overlaps, (double)r->took_ms / 1000);
}
