/* SPDX-License-Identifier: MIT */
/*
 * The test double: routing, claiming, finishing, the journal.
 *
 * From: queue.c through the table in memory/memory.c. The same rules as the SQLite backend, written
 * the shortest way: what a key's order asks for is worked out afresh (settle) after every change.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/limit.h"
#include "queue/memory/memory.h"

static enum rc no_memory(struct queue *q, struct err *err)
{
	return queue_break(q, err, "out of memory for the work");
}

struct mem_event *mem_event_find(struct mem_store *m, int64_t seq)
{
	for (size_t i = 0; i < m->events.n; i++)
		if (m->events.p[i].seq == seq)
			return &m->events.p[i];
	return NULL;
}

struct mem_run *mem_run_find(struct mem_store *m, int64_t seq)
{
	for (size_t i = 0; i < m->runs.n; i++)
		if (m->runs.p[i].seq == seq)
			return &m->runs.p[i];
	return NULL;
}

static bool has_key(const struct mem_run *r, const char *key)
{
	return key[0] != '\0' && (strcmp(r->key, key) == 0 || strcmp(r->also, key) == 0);
}

/* Nobody of the key is older and open, or at work. */
static bool key_is_free(const struct mem_store *m, const struct mem_run *run, const char *key)
{
	for (size_t i = 0; i < m->runs.n; i++) {
		const struct mem_run *r = &m->runs.p[i];
		if (r == run || queue_state_ended(r->state) || mem_is_parked(r) || mem_gathers(r) ||
			!has_key(r, key))
			continue;
		if (r < run || r->state == QUEUE_RUNNING)
			return false;
	}
	return true;
}

static bool is_ready(const struct mem_store *m, const struct mem_run *run)
{
	return key_is_free(m, run, run->key) && key_is_free(m, run, run->also);
}

/* The one setter of a run's state. */
static enum rc move(struct mem_run *r, enum queue_state to, struct err *err)
{
	if (r->state != to && !queue_state_may(r->state, to))
		return err_set(err, RC_INVALID, "a run cannot go from %s to %s",
			queue_state_name(r->state), queue_state_name(to));
	r->state = to;
	return RC_OK;
}

/* After run has changed: of the open runs that share a key the first may be due, the others wait;
 * what runs goes on. */
static enum rc settle(struct mem_store *m, const struct mem_run *run, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < m->runs.n; i++) {
		struct mem_run *r = &m->runs.p[i];
		if (r != run && !has_key(r, run->key) && !has_key(r, run->also))
			continue;
		bool blocked = r->state == QUEUE_WAITING && r->due_ms == 0;
		if (blocked && is_ready(m, r))
			rc = move(r, QUEUE_DUE, err);
		else if (r->state == QUEUE_DUE && !is_ready(m, r))
			rc = move(r, QUEUE_WAITING, err);
	}
	return rc;
}

enum rc mem_park(struct mem_store *m, struct mem_run *r, struct err *err)
{
	enum rc rc = move(r, QUEUE_WAITING, err);
	r->due_ms = r->due_ms > 1 ? -r->due_ms : -1;
	return rc == RC_OK ? settle(m, r, err) : rc;
}

enum rc mem_unpark(struct mem_store *m, struct mem_run *r, struct err *err)
{
	r->due_ms = r->due_ms < -1 ? -r->due_ms : 0;
	return settle(m, r, err);
}

/* --- routing
 * --------------------------------------------------------------------------------------- */

static bool is_known(const struct mem_store *m, const struct queue_event *e)
{
	for (size_t i = 0; e->has_digest && i < m->events.n; i++)
		if (m->events.p[i].has_digest && digest_equal(m->events.p[i].digest, e->digest))
			return true;
	return false;
}

static bool store_event(struct mem_store *m, const struct queue_routing *routing)
{
	const struct queue_event *e = &routing->event;
	if (!mem_more(&m->events, sizeof(*m->events.p)))
		return false;
	struct mem_event *new = &m->events.p[m->events.n++];
	int64_t place = (e->seq != 0 ? e->seq : m->position) << 24;
	new->seq = e->seq != 0 ? place : (m->last_event > place ? m->last_event : place) + 1;
	m->last_event = new->seq;
	m->position = e->seq != 0 ? e->seq : m->position;
	new->id = e->id;
	new->received_ms = e->received_ms;
	bool known = routing->ret_duplicate;
	new->open = known ? 0 : (int64_t)routing->runs_n;
	new->has_digest = e->has_digest && !known;
	memcpy(new->digest, e->digest, DIGEST_N);
	new->state = known                   ? QUEUE_DUPLICATE
		     : new->open > 0         ? QUEUE_DUE
		     : e->state == QUEUE_DUE ? QUEUE_DONE
					     : e->state;
	struct slice body = e->seq == 0 ? e->body : (struct slice){0};
	struct slice headers = e->seq == 0 ? e->headers : (struct slice){0};
	struct slice past = new->open > 0 ? e->past : (struct slice){0};
	return mem_keep(&new->source, e->source) && mem_keep(&new->name, e->name) &&
	       mem_keep(&new->object, e->object) && mem_keep(&new->record, e->record) &&
	       mem_keep(&new->via, e->via) && mem_keep(&new->reason, e->reason) &&
	       mem_cause_keep(new, &e->cause) && mem_keep_bytes(&new->body, &new->body_n, body) &&
	       mem_keep_bytes(&new->headers, &new->headers_n, headers) &&
	       mem_keep_bytes(&new->past, &new->past_n, past);
}

static bool store_run(struct mem_store *m, const struct queue_run_new *run, int64_t event,
	int64_t now_ms, int64_t *ret_due_ms)
{
	struct id id;
	if (id_new(now_ms, &id, NULL) != RC_OK || !mem_more(&m->runs, sizeof(*m->runs.p)))
		return false;
	struct mem_run *new = &m->runs.p[m->runs.n++];
	new->seq = ++m->last_run;
	new->event = event;
	new->id = id;
	new->attempt_next = true;
	new->shadow = run->shadow;
	new->attempts_max = run->attempts_max;
	new->created_ms = now_ms;
	bool ok = mem_keep(&new->rule, run->rule) &&
		  mem_keep(&new->source_hash, run->source_hash) && mem_keep(&new->key, run->key) &&
		  mem_keep(&new->also, run->also) && mem_keep(&new->error, NULL) &&
		  (run->hidden == NULL || mem_keep(&new->hidden, run->hidden)) &&
		  mem_keep(&new->detail, NULL) && mem_keep(&new->log, NULL);
	bool parked = mem_is_paused(m, run->rule);
	if (run->join != NULL)
		return ok && mem_session_open(new, run->join, parked, ret_due_ms);
	bool limited = !parked && mem_is_limited(m, run->rule);
	bool stays = parked || limited;
	new->state = ok && !stays &&is_ready(m, new) ? QUEUE_DUE : QUEUE_WAITING;
	new->due_ms = parked ? -1 : limited ? QUEUE_LIMITED : 0;
	return ok;
}

static bool has_calls(const struct mem_store *m, int64_t run)
{
	for (size_t i = 0; i < m->calls.n; i++)
		if (m->calls.p[i].run == run)
			return true;
	return false;
}

void mem_body_find(struct mem_store *m, const struct mem_event *e, struct queue_run_parts *parts)
{
	parts->has_body = true;
	parts->past = (struct slice){e->past, e->past_n};
	parts->body = (struct slice){e->body, e->body_n};
	parts->headers = (struct slice){e->headers, e->headers_n};
	for (size_t i = 0; i < m->deliveries.n; i++) {
		const struct mem_delivery *d = &m->deliveries.p[i];
		if (d->seq << 24 == e->seq) {
			parts->body = (struct slice){d->body, d->body_n};
			parts->headers = (struct slice){d->headers, d->headers_n};
		}
	}
}

/* Claims one due run. routing SIZE_MAX: with its body. */
static enum rc claim_one(struct mem_store *m, struct mem_run *r, int64_t now_ms, size_t routing,
	struct queue_run *ret_run, struct err *err)
{
	const struct mem_event *e = mem_event_find(m, r->event);
	struct queue_run_parts parts = {
		.rule = r->rule,
		.born = r->born,
		.source_hash = r->source_hash,
		.key = r->key,
		.event_source = e->source,
		.event_via = e->via,
	};
	if (routing == SIZE_MAX)
		mem_body_find(m, e, &parts);
	struct queue_run run = {
		.seq = r->seq,
		.id = r->id,
		.epoch = r->epoch + 1,
		.attempt = r->attempt + r->attempt_next,
		.attempts_max = r->attempts_max,
		.deaths = r->deaths,
		.event = e->id,
		.event_received_ms = e->received_ms,
		.kind = r->session.kind,
		.routing = routing,
		.has_journal = has_calls(m, r->seq),
	};
	if (queue_run_fill(&run, &parts) != RC_OK)
		return err_set(err, RC_NOMEM, "out of memory for a run");
	enum rc rc = move(r, QUEUE_RUNNING, err);
	if (rc != RC_OK) {
		queue_run_done(&run);
		return rc;
	}
	r->epoch = run.epoch;
	r->attempt = run.attempt;
	r->session.open = false;
	r->attempt_next = false;
	r->started_ms = r->started_ms != 0 ? r->started_ms : now_ms;
	*ret_run = run;
	return RC_OK;
}

/* False: no memory. */
static bool route_run(struct mem_store *m, struct queue_routing *routing,
	const struct queue_run_new *new, int64_t event, bool *ret_new)
{
	int64_t due_ms = 0;
	struct mem_run *session = new->join != NULL ? mem_session_find(m, new) : NULL;
	*ret_new = session == NULL;
	routing->ret_joined_n += session != NULL;
	bool ok = session != NULL
			  ? mem_session_take(m, session, new, mem_event_find(m, event), &due_ms)
			  : store_run(m, new, event, clock_wall_ms(), &due_ms);
	if (due_ms != 0 && (routing->ret_due_ms == 0 || due_ms < routing->ret_due_ms))
		routing->ret_due_ms = due_ms;
	return ok;
}

static enum rc route_one(struct queue *q, struct queue_routing *routing, size_t index,
	size_t claim_max, struct queue_run *ret_run, size_t *claimed, struct err *err)
{
	struct mem_store *m = mem_of(q);
	int64_t now_ms = clock_wall_ms();
	enum rc rc = RC_OK;
	routing->ret_duplicate = is_known(m, &routing->event);
	routing->ret_joined_n = 0;
	routing->ret_due_ms = 0;
	if (!store_event(m, routing))
		return no_memory(q, err);
	int64_t event = m->last_event;
	for (size_t i = 0; rc == RC_OK && !routing->ret_duplicate && i < routing->runs_n; i++) {
		bool fresh;
		if (!route_run(m, routing, &routing->runs[i], event, &fresh))
			return no_memory(q, err);
		struct mem_run *new = &m->runs.p[m->runs.n - 1];
		if (fresh && new->state == QUEUE_DUE &&*claimed < claim_max) {
			rc = claim_one(m, new, now_ms, index, &ret_run[*claimed], err);
			*claimed += rc == RC_OK;
		}
	}
	return rc;
}

static enum rc check(
	const struct mem_store *m, const struct queue_routing *routings, size_t n, struct err *err)
{
	int64_t position = m->position;
	for (size_t i = 0; i < n; i++) {
		int64_t seq = routings[i].event.seq;
		if (seq != 0 && seq <= position)
			return err_set(err, RC_INVALID, "delivery %lld has been routed before",
				(long long)seq);
		position = seq != 0 ? seq : position;
	}
	return RC_OK;
}

enum rc mem_route(struct queue *q, struct queue_routing *routings, size_t n, size_t claim_max,
	struct queue_run *ret_run, size_t *ret_run_n, struct err *err)
{
	size_t claimed = 0;
	mem_lock(q);
	enum rc rc = check(mem_of(q), routings, n, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = route_one(q, &routings[i], i, claim_max, ret_run, &claimed, err);
	mem_unlock(q);
	if (rc == RC_OK) {
		*ret_run_n = claimed;
		return RC_OK;
	}
	while (claimed > 0)
		queue_run_done(&ret_run[--claimed]);
	return rc;
}

/* --- claiming
 * -------------------------------------------------------------------------------------- */

static enum rc wake(struct mem_store *m, int64_t now_wall_ms, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < m->runs.n; i++) {
		struct mem_run *r = &m->runs.p[i];
		if (r->state != QUEUE_WAITING || r->due_ms <= 0 || r->due_ms > now_wall_ms)
			continue;
		r->due_ms = 0;
		rc = settle(m, r, err);
	}
	return rc;
}

enum rc mem_claim(struct queue *q, int64_t now_wall_ms, size_t max, struct queue_run *ret_run,
	size_t *ret_run_n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	size_t n = 0;
	mem_lock(q);
	enum rc rc = wake(m, now_wall_ms, err);
	if (rc == RC_OK)
		rc = mem_limit(m, err);
	for (size_t i = 0; rc == RC_OK && n < max && i < m->runs.n; i++) {
		if (m->runs.p[i].state == QUEUE_DUE && mem_is_paused(m, m->runs.p[i].rule))
			rc = mem_park(m, &m->runs.p[i], err); /* adopted */
		if (rc != RC_OK || m->runs.p[i].state != QUEUE_DUE ||
			!mem_has_room(m, m->runs.p[i].rule))
			continue;
		rc = claim_one(m, &m->runs.p[i], now_wall_ms, SIZE_MAX, &ret_run[n], err);
		n += rc == RC_OK;
	}
	mem_unlock(q);
	if (rc == RC_OK) {
		*ret_run_n = n;
		return RC_OK;
	}
	while (n > 0)
		queue_run_done(&ret_run[--n]);
	return rc;
}

enum rc mem_next_due(struct queue *q, int64_t *ret_wall_ms, struct err *err)
{
	const struct mem_store *m = mem_of(q);
	int64_t least = INT64_MAX;
	(void)err;
	mem_lock(q);
	for (size_t i = 0; i < m->runs.n; i++) {
		const struct mem_run *r = &m->runs.p[i];
		if (r->state == QUEUE_WAITING && r->due_ms > 0 && r->due_ms < least)
			least = r->due_ms;
	}
	mem_unlock(q);
	*ret_wall_ms = least;
	return RC_OK;
}

enum rc mem_due_shift(struct queue *q, int64_t by_ms, struct err *err)
{
	struct mem_store *m = mem_of(q);
	(void)err;
	mem_lock(q);
	for (size_t i = 0; i < m->runs.n; i++) {
		struct mem_run *r = &m->runs.p[i];
		if (r->state == QUEUE_WAITING && r->due_ms > 0)
			r->due_ms = r->due_ms + by_ms > 0 ? r->due_ms + by_ms : 1;
		if (r->session.open)
			r->session.limit_ms += by_ms;
	}
	mem_timer_shift(m, by_ms);
	mem_unlock(q);
	return RC_OK;
}

enum rc mem_adopt(struct queue *q, size_t *ret_n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	size_t n = 0;
	enum rc rc = RC_OK;
	mem_lock(q);
	for (size_t i = 0; rc == RC_OK && i < m->runs.n; i++) {
		if (m->runs.p[i].state != QUEUE_RUNNING)
			continue;
		rc = move(&m->runs.p[i], QUEUE_DUE, err);
		if (rc == RC_OK)
			rc = settle(m, &m->runs.p[i], err);
		n++;
	}
	mem_unlock(q);
	if (rc == RC_OK)
		*ret_n = n;
	return rc;
}

/* --- finishing
 * ------------------------------------------------------------------------------------- */

enum rc mem_live(struct mem_store *m, int64_t run_seq, int64_t epoch, struct mem_run **ret_run,
	struct err *err)
{
	struct mem_run *r = mem_run_find(m, run_seq);
	if (r == NULL || r->state != QUEUE_RUNNING)
		return err_set(err, RC_STALE, "run %lld is not claimed", (long long)run_seq);
	if (r->epoch != epoch)
		return err_set(
			err, RC_STALE, "run %lld has been claimed again since", (long long)run_seq);
	*ret_run = r;
	return RC_OK;
}

static void end_event(struct mem_store *m, int64_t event)
{
	struct mem_event *e = mem_event_find(m, event);
	int64_t n[QUEUE_STATE_N] = {0};
	if (--e->open > 0)
		return;
	for (size_t i = 0; i < m->runs.n; i++)
		if (mem_run_has(&m->runs.p[i], event))
			n[m->runs.p[i].state]++;
	e->state = queue_event_end(n);
}

void mem_calls_forget(struct mem_store *m, int64_t run)
{
	size_t kept = 0;
	for (size_t i = 0; i < m->calls.n; i++) {
		if (m->calls.p[i].run == run)
			mem_call_done(&m->calls.p[i]);
		else
			m->calls.p[kept++] = m->calls.p[i];
	}
	m->calls.n = kept;
}

static enum rc finish(
	struct queue *q, struct mem_run *r, const struct queue_outcome *o, struct err *err)
{
	struct mem_store *m = mem_of(q);
	enum queue_state to = o->state == QUEUE_WAITING && o->due_ms <= 0 ? QUEUE_DUE : o->state;
	bool ends = queue_state_ended(to);
	enum rc rc = move(r, to, err);
	if (rc != RC_OK)
		return rc;
	if (!mem_keep(&r->error, o->error) || !mem_keep(&r->detail, o->detail) ||
		(o->log != NULL && !mem_keep(&r->log, o->log)))
		return no_memory(q, err);
	r->code = o->code;
	r->api_calls += o->api_calls;
	if (o->started_ms > 0 && r->attempt <= 1)
		r->started_ms = o->started_ms;
	if (ends) {
		r->ended_ms = o->ended_ms;
		for (size_t i = 0; i < r->session.joined.n; i++)
			end_event(m, r->session.joined.p[i].event);
		end_event(m, r->event);
	} else {
		r->due_ms = to == QUEUE_WAITING ? o->due_ms : 0;
		r->attempt_next = o->attempt_used;
		r->deaths += o->died;
		if (o->forget_journal)
			mem_calls_forget(m, r->seq);
	}
	if (!ends && mem_is_paused(m, r->rule))
		return mem_park(m, r, err);
	return settle(m, r, err);
}

enum rc mem_finish(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_outcome *outcome, struct err *err)
{
	struct mem_run *r;
	mem_lock(q);
	enum rc rc = mem_live(mem_of(q), run_seq, epoch, &r, err);
	if (rc == RC_OK)
		rc = finish(q, r, outcome, err);
	mem_unlock(q);
	return rc;
}

enum rc mem_retry(struct queue *q, const char *run_id, struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct mem_run *r;
	mem_lock(q);
	enum rc rc = mem_run_named(m, run_id, &r, err);
	if (rc == RC_OK && r->state != QUEUE_DEAD && r->state != QUEUE_QUARANTINED)
		rc = err_set(err, RC_INVALID,
			"run %s is %s; only dead and quarantined runs can be tried again", run_id,
			queue_state_name(r->state));
	if (rc == RC_OK)
		rc = move(r, QUEUE_DUE, err);
	if (rc == RC_OK) {
		for (size_t i = 0; i < m->events.n; i++) {
			struct mem_event *e = &m->events.p[i];
			if (!mem_run_has(r, e->seq))
				continue;
			e->open++;
			e->state = QUEUE_DUE;
		}
		r->attempt = r->deaths = 0;
		r->attempt_next = true;
		r->ended_ms = 0;
		r->code = RC_OK;
		r->error[0] = r->detail[0] = '\0';
		rc = mem_is_paused(m, r->rule) ? mem_park(m, r, err) : settle(m, r, err);
	}
	mem_unlock(q);
	return rc;
}

/* --- journal
 * --------------------------------------------------------------------------------------- */

enum rc mem_call_put(struct queue *q, int64_t run_seq, int64_t epoch, const struct queue_call *call,
	struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct mem_run *r;
	mem_lock(q);
	enum rc rc = mem_live(m, run_seq, epoch, &r, err);
	if (rc == RC_OK && (!mem_more(&m->calls, sizeof(*m->calls.p)) ||
				   queue_calls_put(&m->calls.p[m->calls.n].one, call) != RC_OK))
		rc = no_memory(q, err);
	if (rc == RC_OK)
		m->calls.p[m->calls.n++].run = run_seq;
	mem_unlock(q);
	return rc;
}

enum rc mem_calls_load(struct queue *q, int64_t run_seq, struct queue_call **ret_calls,
	size_t *ret_n, struct err *err)
{
	const struct mem_store *m = mem_of(q);
	struct queue_calls calls = {0};
	enum rc rc = RC_OK;
	mem_lock(q);
	for (size_t i = 0; rc == RC_OK && i < m->calls.n; i++)
		if (m->calls.p[i].run == run_seq)
			rc = queue_calls_put(&calls, &m->calls.p[i].one.p[0]);
	mem_unlock(q);
	if (rc != RC_OK) {
		queue_calls_free(calls.p, calls.n);
		return err_set(err, rc, "out of memory for a journal");
	}
	*ret_calls = calls.p;
	*ret_n = calls.n;
	return RC_OK;
}
