/* SPDX-License-Identifier: MIT */
/*
 * Routing: parsed events and their runs go into the work, and the position in the inbox moves on.
 *
 * From: queue_route. To: the tables event, run, hold, seen of work.db, in the open transaction. A
 * run whose key is held waits, one of a paused rule is parked; of the others as many as the caller
 * wants are claimed at birth. An event whose digest is known is stored as a duplicate, without
 * runs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/limit.h"
#include "queue/sql/sql.h"

#define RUNS_AT_ONCE 32 /* of one event, without taking memory */

struct plan { /* one run of an event, before anything is written */
	struct hold_keys keys;
	struct session session; /* that it joins; run 0: none */
};

struct router { /* one queue_route */
	struct store *store;
	int64_t now_ms;
	size_t claim_max;
	struct queue_run *ret_run;
	size_t claimed;
};

static enum rc find_duplicate(struct store *store, struct queue_routing *routing, struct err *err)
{
	int64_t first = 0;
	routing->ret_duplicate = false;
	if (!routing->event.has_digest)
		return RC_OK;
	if (store->ahead.known) {
		routing->ret_duplicate = ahead_take_digest(&store->ahead, routing->event.digest);
		return RC_OK;
	}
	struct slice digest = {(const char *)routing->event.digest, DIGEST_N};
	enum rc rc = seen_find(&store->seen, digest, &first, err);
	routing->ret_duplicate = rc == RC_OK && first != 0;
	return rc;
}

static int64_t next_event_seq(struct store *store, const struct queue_event *event)
{
	struct progress *p = &store->progress;
	int64_t seq = event_seq_of(event->seq != 0 ? event->seq : p->position);
	if (event->seq == 0) {
		seq = (p->last_event > seq ? p->last_event : seq) + 1;
		if (event_delivered(seq))
			seq++; /* never the place of a delivery */
	} else {
		p->position = event->seq;
	}
	p->last_event = seq;
	p->changed = true;
	return seq;
}

/* Where there are runs, what was before lies packed in store->copies. */
static enum rc insert_event(struct store *store, const struct queue_routing *routing, int64_t seq,
	enum queue_state state, size_t runs_n, struct err *err)
{
	size_t joins_n = runs_n > 0 ? routing->ret_joined_n : 0;
	const struct queue_event *e = &routing->event;
	struct db *db = store->work;
	struct db_stmt *s = db_use(db, WORK_EVENT_PUT);
	db_bind_int(db, s, 1, seq);
	db_bind_text(db, s, 2, e->id.text);
	db_bind_text(db, s, 3, e->source != NULL ? e->source : "");
	db_bind_text(db, s, 4, e->name != NULL ? e->name : "");
	db_bind_text(db, s, 5, e->object != NULL ? e->object : "");
	db_bind_text(db, s, 6, e->record != NULL ? e->record : "");
	db_bind_text(db, s, 7, e->via != NULL ? e->via : "");
	db_bind_text(db, s, 8, e->reason != NULL ? e->reason : "");
	db_bind_int(db, s, 9, state);
	db_bind_int(db, s, 10, e->received_ms);
	db_bind_int(db, s, 11, (int64_t)runs_n);
	db_bind_int(db, s, 12, store->progress.last_run + 1);
	db_bind_int(db, s, 13, (int64_t)(runs_n - joins_n));
	db_bind_int(db, s, 15, (int64_t)joins_n);
	if (runs_n > 0 && e->past.n > 0)
		db_bind_blob(db, s, 14, buf_slice(&store->copies.packed));
	else
		db_bind_blob(db, s, 14, (struct slice){"", 0});
	enum rc rc = db_run(db, s, err);
	if (rc != RC_OK)
		return rc;
	store->progress.counts.events[state]++;
	if (e->cause.run != 0 || e->cause.depth > 0)
		rc = ledger_cause_write(store, seq, &e->cause, err);
	if (rc != RC_OK)
		return rc;
	if (e->seq != 0 || e->body.n == 0)
		return RC_OK;
	s = db_use(db, WORK_EVENT_BODY_PUT);
	db_bind_int(db, s, 1, seq);
	db_bind_blob(db, s, 2, e->headers.n != 0 ? e->headers : (struct slice){"", 0});
	db_bind_blob(db, s, 3, e->body);
	return db_run(db, s, err);
}

int64_t work_key_hash(const struct store *store, const char *key)
{
	if (key == NULL || key[0] == '\0')
		return 0;
	return (int64_t)(seen_hash(&store->seen, slice_of(key)) >> 1) | 1;
}

static enum rc insert_run(struct router *r, const struct queue_run_new *new,
	const struct queue_run *run, const struct live_run *live, int64_t source,
	enum queue_state state, int64_t due_ms, struct err *err)
{
	struct db *db = r->store->work;
	bool claimed = state == QUEUE_RUNNING;
	struct db_stmt *s = db_use(db, WORK_RUN_PUT);
	db_bind_int(db, s, 1, run->seq);
	db_bind_text(db, s, 2, run->id.text);
	db_bind_int(db, s, 3, live->event);
	db_bind_text(db, s, 4, new->rule);
	db_bind_int(db, s, 5, source);
	db_bind_text(db, s, 6, new->key != NULL ? new->key : "");
	db_bind_int(db, s, 7, live->keys.key[0]);
	db_bind_int(db, s, 8, state);
	db_bind_int(db, s, 9, claimed ? 1 : 0);
	db_bind_int(db, s, 10, claimed ? 1 : 0);
	db_bind_int(db, s, 11, claimed ? 0 : 1);
	db_bind_int(db, s, 12, new->attempts_max);
	db_bind_int(db, s, 13, r->now_ms);
	db_bind_int(db, s, 14, claimed ? r->now_ms : 0);
	db_bind_int(db, s, 15, live->keys.key[1]);
	db_bind_int(db, s, 16, due_ms);
	db_bind_int(db, s, 17, new->join != NULL ? new->join->kind : 0);
	return db_run(db, s, err);
}

static enum rc give(struct router *r, const struct queue_routing *routing, size_t index,
	const struct queue_run_new *new, struct queue_run *run, const struct live_run *live,
	struct err *err)
{
	const struct queue_event *e = &routing->event;
	enum rc rc = queue_run_fill(run, &(struct queue_run_parts){
						 .rule = new->rule,
						 .source_hash = new->source_hash,
						 .key = new->key != NULL ? new->key : "",
						 .event_source = e->source != NULL ? e->source : "",
						 .event_via = e->via != NULL ? e->via : "",
					 });
	if (rc != RC_OK)
		return err_set(err, rc, "out of memory for a run");
	rc = live_put(&r->store->live, live, err);
	if (rc != RC_OK) {
		queue_run_done(run);
		return rc;
	}
	places_enter(r->store, live->limit);
	run->epoch = 1;
	run->attempt = 1;
	run->attempts_max = new->attempts_max;
	run->event = e->id;
	run->event_received_ms = e->received_ms;
	run->routing = index;
	r->ret_run[r->claimed++] = *run;
	return RC_OK;
}

static void note_due(struct queue_routing *routing, int64_t due_ms)
{
	if (routing->ret_due_ms == 0 || due_ms < routing->ret_due_ms)
		routing->ret_due_ms = due_ms;
}

/* A run that gathers holds nothing yet. */
static enum rc open_session(struct router *r, struct queue_routing *routing,
	const struct queue_run_new *new, const struct queue_run *run, const struct live_run *live,
	int64_t source, struct err *err)
{
	int64_t due = 0;
	enum rc rc = join_open(r->store, run->seq, new, &due, err);
	if (rc == RC_OK)
		rc = insert_run(r, new, run, live, source, QUEUE_WAITING,
			pause_parks(r->store, new->rule) ? -due : due, err);
	note_due(routing, due);
	return rc;
}

static enum rc join_session(struct router *r, struct queue_routing *routing,
	const struct queue_run_new *new, const struct plan *plan, int64_t event, struct err *err)
{
	int64_t due = 0;
	enum rc rc = join_take(
		r->store, &plan->session, routing, new, event, plan->keys.key[1], &due, err);
	note_due(routing, due);
	return rc;
}

static enum rc route_run(struct router *r, struct queue_routing *routing, size_t index,
	const struct queue_run_new *new, const struct plan *plan, int64_t event, struct err *err)
{
	struct store *store = r->store;
	struct queue_run run = {.seq = store->progress.last_run + 1};
	struct live_run live = {.seq = run.seq, .epoch = 1, .event = event};
	bool first = true, paused = pause_parks(store, new->rule);
	live.limit = places_find(store, new->rule);
	bool limited = !paused && new->join == NULL &&places_parks(store, live.limit);
	bool parked = paused || limited;
	int64_t source = 0;
	live.alone = routing->runs_n == 1 && routing->ret_joined_n == 0;
	live.keys = plan->keys;
	enum rc rc = id_new(r->now_ms, &run.id, err);
	if (rc == RC_OK)
		rc = work_source_n(store, new->source_hash, &source, err);
	if (rc == RC_OK && !parked && new->join == NULL)
		rc = hold_append(store, run.seq, &live.keys, &first, err);
	if (rc != RC_OK)
		return rc;
	enum queue_state state = !first || parked || new->join != NULL ? QUEUE_WAITING
				 : r->claimed < r->claim_max           ? QUEUE_RUNNING
								       : QUEUE_DUE;
	if (new->join != NULL)
		rc = open_session(r, routing, new, &run, &live, source, err);
	else
		rc = insert_run(r, new, &run, &live, source, state,
			paused    ? -1
			: limited ? QUEUE_LIMITED
				  : 0,
			err);
	if (limited)
		places_parked(store, live.limit);
	if (rc != RC_OK)
		return rc;
	if (new->hidden != NULL)
		rc = ledger_hide(store, run.seq, new->hidden, err);
	if (rc == RC_OK && new->shadow)
		rc = shadow_put(store, run.seq, err);
	if (rc != RC_OK)
		return rc;
	store->progress.last_run = run.seq;
	store->progress.counts.runs[state]++;
	store->due = store->due || state == QUEUE_DUE;
	return state == QUEUE_RUNNING ? give(r, routing, index, new, &run, &live, err) : RC_OK;
}

/* What each run holds, and which of them are there already. */
static enum rc make_plans(
	struct router *r, struct queue_routing *routing, struct plan *plans, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < routing->runs_n; i++) {
		const struct queue_run_new *new = &routing->runs[i];
		struct hold_keys *keys = &plans[i].keys;
		keys->key[0] = work_key_hash(r->store, new->key);
		keys->key[1] = work_key_hash(r->store, new->also);
		if (keys->key[1] == keys->key[0])
			keys->key[1] = 0;
		plans[i].session.run = 0;
		if (new->join != NULL)
			rc = join_find(r->store, new, keys->key[1], &plans[i].session, err);
		routing->ret_joined_n += plans[i].session.run != 0;
	}
	return rc;
}

static enum rc route_runs(struct router *r, struct queue_routing *routing, size_t index,
	const struct plan *plans, int64_t event, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < routing->runs_n; i++) {
		const struct queue_run_new *new = &routing->runs[i];
		if (plans[i].session.run != 0)
			rc = join_session(r, routing, new, &plans[i], event, err);
		else
			rc = route_run(r, routing, index, new, &plans[i], event, err);
	}
	return rc;
}

static enum rc route_one(struct router *r, struct queue_routing *routing, size_t index,
	struct plan *plans, struct err *err)
{
	routing->ret_joined_n = 0;
	routing->ret_due_ms = 0;
	enum rc rc = find_duplicate(r->store, routing, err);
	if (rc == RC_OK && !routing->ret_duplicate)
		rc = make_plans(r, routing, plans, err);
	if (rc != RC_OK)
		return rc;
	int64_t seq = next_event_seq(r->store, &routing->event);
	bool known = routing->ret_duplicate;
	size_t runs_n = known ? 0 : routing->runs_n;
	enum queue_state state = known ? QUEUE_DUPLICATE : routing->event.state;
	if (state == QUEUE_DUE && runs_n == 0)
		state = QUEUE_DONE;
	else if (runs_n > 0)
		state = QUEUE_DUE;
	if (runs_n > 0)
		rc = work_pack(r->store, routing->event.past, err);
	if (rc == RC_OK)
		rc = insert_event(r->store, routing, seq, state, runs_n, err);
	struct slice digest = {(const char *)routing->event.digest, DIGEST_N};
	if (rc == RC_OK && routing->event.has_digest && !known)
		rc = seen_put(&r->store->seen, digest, seq, err);
	if (rc == RC_OK && runs_n > 0)
		rc = route_runs(r, routing, index, plans, seq, err);
	return rc;
}

/* The same with room for the plans. */
static enum rc route_with(
	struct router *r, struct queue_routing *routing, size_t index, struct err *err)
{
	struct plan few[RUNS_AT_ONCE], *many = NULL;
	if (routing->runs_n > RUNS_AT_ONCE) {
		many = calloc(routing->runs_n, sizeof(*many));
		if (many == NULL)
			return err_set(err, RC_NOMEM, "out of memory for the runs of an event");
	}
	enum rc rc = route_one(r, routing, index, many != NULL ? many : few, err);
	free(many);
	return rc;
}

/* Before anything is written: deliveries come in order, and once, by the one that leads. */
static enum rc check(
	struct store *store, const struct queue_routing *routings, size_t n, struct err *err)
{
	int64_t position = store->progress.position;
	for (size_t i = 0; i < n; i++) {
		const struct queue_event *e = &routings[i].event;
		enum rc rc = e->seq != 0 ? work_leads(store, err) : RC_OK;
		if (rc != RC_OK)
			return rc;
		if (e->seq != 0 && e->seq <= position)
			return err_set(err, RC_INVALID, "delivery %lld has been routed before",
				(long long)e->seq);
		position = e->seq != 0 ? e->seq : position;
	}
	return RC_OK;
}

enum rc work_route(struct queue *q, struct queue_routing *routings, size_t n, size_t claim_max,
	struct queue_run *ret_run, size_t *ret_run_n, struct err *err)
{
	struct router r = {
		.store = store_of(q),
		.now_ms = clock_wall_ms(),
		.claim_max = claim_max,
		.ret_run = ret_run,
	};
	enum rc rc = work_alone(r.store, err);
	if (rc == RC_OK)
		rc = check(r.store, routings, n, err);
	if (rc == RC_OK)
		rc = work_begin(r.store, err);
	if (rc == RC_OK)
		rc = places_count(r.store, err);
	if (rc != RC_OK)
		return work_quiet(r.store, rc);
	if (r.store->look_ahead != NULL)
		rc = r.store->look_ahead(r.store, routings, n, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = route_with(&r, &routings[i], i, err);
	ahead_done(&r.store->ahead);
	if (rc == RC_OK && r.store->routed != NULL)
		rc = r.store->routed(r.store, routings, n, err);
	if (rc == RC_OK) {
		*ret_run_n = r.claimed;
		return RC_OK;
	}
	/* The handle is broken then: nobody counts any more. */
	while (r.claimed > 0)
		queue_run_done(&ret_run[--r.claimed]);
	return work_failed(r.store, rc, err);
}
