/* SPDX-License-Identifier: MIT */
/*
 * A decided batch -> the store: events, runs, copies of records, the position in the inbox, in one
 * step.
 * From: route.c. To: queue_route, and assign.c with the runs that were claimed at birth. Fails by
 * ending the process where the store fails.
 */
#include "runner/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "runner/assign.h"
#include "runner/issue.h"
#include "runner/state.h"

struct batch { /* what queue_route is given; BORROWS from the route */
	struct queue_routing routings[ROUTE_BATCH];
	struct queue_run_new *runs;
	struct queue_run *claimed;
	size_t runs_n, failed_n, claimed_n;
	size_t held_n;
	bool special; /* a run is not simply its event's */
};

static void fill_cause(struct route_item *item, struct queue_cause *to)
{
	struct echo_event e;
	struct buf names;
	if (item->birth != NULL && item->birth->cause != 0)
		*to = (struct queue_cause){item->birth->cause, item->birth->depth, "", NULL};
	if (item->view.depth == 0)
		return;
	buf_init(&names, sizeof(item->names));
	echo_event_of(item->event, item->via, &e);
	if (echo_names(&e, &names) == RC_OK)
		snprintf(item->names, sizeof(item->names), "%s", names.n != 0 ? names.p : "");
	buf_done(&names);
	*to = (struct queue_cause){item->view.run, item->view.depth, item->names, NULL};
}

static void fill_event(struct route *route, size_t i, struct queue_event *to)
{
	const struct queue_raw *raw = &route->items[i].raw;
	const struct event *e = route->items[i].event;
	*to = (struct queue_event){
		.seq = raw->seq,
		.id = raw->id,
		.source = raw->source,
		.name = e != NULL ? e->name : "",
		.object = e == NULL           ? ""
			  : e->aim[0] != '\0' ? e->about
					      : e->object,
		.record = e != NULL ? e->record_id : "",
		.via = route->items[i].via,
		.reason = route->items[i].reason,
		.state = e != NULL ? QUEUE_DONE : QUEUE_QUARANTINED,
		.received_ms = raw->received_ms,
		.headers = raw->seq == 0 ? raw->headers : (struct slice){0},
		.body = raw->seq == 0 ? raw->body : (struct slice){0},
		.past = {route->items[i].past, route->items[i].past_n},
	};
	fill_cause(&route->items[i], &to->cause);
	if (route->items[i].known)
		to->state = QUEUE_DUPLICATE;
	if (route->items[i].lapsed)
		to->state = QUEUE_SKIPPED;
	if (e != NULL && e->has_digest) {
		memcpy(to->digest, e->digest, DIGEST_N);
		to->has_digest = true;
	}
}

static bool makes_run(const struct match *m)
{
	return m->state == MATCH_RUN || m->state == MATCH_FAILED;
}

/* Matches lie in the order of their deliveries. */
static void fill_batch(struct route *route, struct batch *b)
{
	size_t k = 0;
	for (size_t i = 0; i < route->n; i++) {
		struct queue_routing *to = &b->routings[i];
		*to = (struct queue_routing){.runs = &b->runs[b->runs_n]};
		bool echoes = false;
		fill_event(route, i, &to->event);
		for (; k < route->matches_n && route->matches[k].delivery == i; k++) {
			const struct match *m = &route->matches[k];
			b->special |= m->state == MATCH_FAILED || m->event != NULL ||
				      m->undecided || m->held;
			echoes |= m->state == MATCH_ECHO;
			if (!makes_run(m))
				continue;
			b->runs[b->runs_n++] = (struct queue_run_new){
				.rule = m->rule->name,
				.source_hash = m->rule->source->hash,
				.key = m->state != MATCH_RUN ? ""
				       : m->hold != NULL     ? m->hold
							     : to->event.record,
				.also = m->state == MATCH_RUN ? m->key : "",
				.hidden = m->hidden,
				.shadow = m->rule->shadow,
				.attempts_max = m->rule->attempts_max,
				.join = m->state == MATCH_RUN && m->join.kind != 0 ? &m->join
										   : NULL,
			};
			to->runs_n++;
			b->failed_n += m->state == MATCH_FAILED;
			b->held_n += m->held;
		}
		if (to->runs_n != 0)
			to->event.state = QUEUE_DUE;
		else if (echoes)
			to->event.state = QUEUE_ECHO;
	}
}

static const struct match *find_match(const struct route *route, const struct queue_run *q)
{
	for (size_t k = 0; k < route->matches_n; k++) {
		const struct match *m = &route->matches[k];
		if (m->delivery == q->routing && strcmp(m->rule->name, q->rule) == 0)
			return m;
	}
	return NULL;
}

static void bury(struct runner *r, struct queue_run *q, const struct match *m)
{
	struct id event = q->event;
	int64_t received_ms = q->event_received_ms;
	if (m->code == RC_LOOP) {
		assign_bury(r, q, m->code, m->tale.error.p, m->tale.chain.p);
		echo_stop(r, m->rule->name, &m->tale, &event, received_ms);
		return;
	}
	assign_bury(r, q, m->code, m->error != NULL ? m->error : rc_text(m->code), m->detail);
}

static enum assign_when when_of(const struct match *m)
{
	if (m == NULL)
		return ASSIGN_NOW;
	return m->undecided ? ASSIGN_DECIDED : m->held ? ASSIGN_HELD : ASSIGN_NOW;
}

static void hand_over(struct runner *r, struct batch *b)
{
	struct route *route = &r->route;
	for (size_t i = 0; i < b->claimed_n; i++) {
		struct queue_run *q = &b->claimed[i];
		const struct match *m = b->special ? find_match(route, q) : NULL;
		if (m != NULL && m->state == MATCH_FAILED)
			bury(r, q, m);
		else if (r->runs.live_n == r->runs.max)
			assign_give_back(r, q);
		else
			assign_take(r, q,
				m != NULL ? route_event(route, m) : route->items[q->routing].event,
				when_of(m));
	}
}

/* A held run that another runner may take up does not keep the silence that is to tell. */
static void drop_held(struct runner *r, const struct batch *b)
{
	const struct route *route = &r->route;
	for (size_t k = 0; r->lead.shared && b->held_n != 0 && k < route->matches_n; k++) {
		const struct match *m = &route->matches[k];
		bool ours = false;
		for (size_t i = 0; i < b->claimed_n && !ours; i++)
			ours = b->claimed[i].routing == m->delivery &&
			       strcmp(b->claimed[i].rule, m->rule->name) == 0;
		if (m->held && !ours)
			duel_drop(&r->duels, m->rule->name,
				route->items[m->delivery].event->record_id);
	}
}

static enum metric way_of(const char *via)
{
	static const struct {
		const char *via;
		enum metric metric;
	} ways[] = {{"gap", METRIC_EVENT_GAP}, {"timer", METRIC_EVENT_TIMER},
		{"cron", METRIC_EVENT_CRON}, {"replay", METRIC_EVENT_REPLAY}};
	for (size_t i = 0; i < ARRAY_N(ways); i++)
		if (strcmp(ways[i].via, via) == 0)
			return ways[i].metric;
	return METRIC_EVENT_HOOK;
}

static void count_batch(struct runner *r, const struct batch *b)
{
	const struct route *route = &r->route;
	int64_t made = (int64_t)b->runs_n;
	for (size_t i = 0; i < route->n; i++) {
		if (b->routings[i].ret_duplicate || route->items[i].known) {
			metrics_add(METRIC_EVENT_DUPLICATE, 1);
			made -= (int64_t)b->routings[i].runs_n;
		}
		made -= (int64_t)b->routings[i].ret_joined_n;
		if (b->routings[i].ret_due_ms != 0)
			upkeep_expect(r, b->routings[i].ret_due_ms);
		if (route->items[i].event != NULL)
			continue;
		struct log_fields f = {.source = route->items[i].raw.source,
			.event = route->items[i].raw.id.text,
			.outcome = "quarantined"};
		metrics_add(METRIC_EVENT_QUARANTINED, 1);
		log_warn(&f, "kept in quarantine: %s", route->items[i].reason);
		issue_event(r, f.source, f.event, route->items[i].reason);
	}
	for (size_t k = 0; k < route->matches_n; k++)
		if (route->matches[k].state == MATCH_ECHO)
			metrics_add(METRIC_ECHO, 1);
	for (size_t i = 0; i < route->n; i++)
		metrics_add(way_of(route->items[i].via), 1);
	r->route.behind_n += made - (int64_t)b->claimed_n;
	r->route.due_n += made - (int64_t)b->claimed_n;
}

static enum rc keep_copies(struct runner *r, const struct batch *b, struct err *err)
{
	bool duplicate[ROUTE_BATCH];
	for (size_t i = 0; i < r->route.n; i++)
		duplicate[i] = b->routings[i].ret_duplicate;
	enum rc rc = route_keep(r, duplicate, err);
	return rc == RC_OK ? route_told_note(r, duplicate, err) : rc;
}

/* What events were made of goes from the store; one whose was taken away meanwhile is for nobody.
 */
static enum rc take_births(struct runner *r, struct err *err)
{
	struct route *route = &r->route;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < route->n && rc == RC_OK; i++) {
		struct route_item *item = &route->items[i];
		bool was = true;
		if (item->birth == NULL || item->birth->take == NULL)
			continue;
		rc = item->birth->take(item->birth->ctx, item->birth, &was, err);
		if (rc != RC_OK || was)
			continue;
		item->lapsed = true;
		snprintf(item->reason, sizeof(item->reason), "it was cancelled at the last moment");
		for (size_t k = 0; k < route->matches_n; k++)
			if (route->matches[k].delivery == i)
				route->matches[k].state = MATCH_NO;
	}
	return rc;
}

static void tell_born(struct route *route)
{
	const struct route_item *last = &route->items[route->n - 1];
	if (last->birth == NULL && last->raw.received_ms > route->routed_ms)
		route->routed_ms = last->raw.received_ms;
	for (size_t i = 0; i < route->n; i++) {
		const struct birth *b = route->items[i].birth;
		if (b != NULL && b->routed != NULL)
			b->routed(b->ctx);
	}
}

/* With failed matches every run of the batch is claimed, so that those can be buried at once; with
 * held ones, too, whose silence only this process knows of. Else the runners have equal parts. */
static size_t claim_most(const struct runner *r, const struct batch *b)
{
	size_t room = r->runs.max - r->runs.live_n;
	if (b->failed_n != 0)
		return b->runs_n;
	if (r->lead.runners_n > 1 && b->held_n == 0 && b->runs_n / (size_t)r->lead.runners_n < room)
		room = b->runs_n / (size_t)r->lead.runners_n + 1;
	return b->runs_n < room ? b->runs_n : room;
}

void route_write(struct runner *r)
{
	struct route *route = &r->route;
	struct err err = {0};
	struct batch *b = calloc(1, sizeof(*b));
	enum rc rc = b != NULL ? RC_OK : RC_NOMEM;
	if (rc == RC_OK) {
		b->runs = calloc(route->matches_n + 1, sizeof(*b->runs));
		b->claimed = calloc(route->matches_n + 1, sizeof(*b->claimed));
		rc = b->runs != NULL && b->claimed != NULL ? RC_OK : RC_NOMEM;
	}
	if (rc != RC_OK)
		err_set(&err, rc, "no memory to route events");
	if (rc == RC_OK)
		rc = take_births(r, &err);
	if (rc == RC_OK) {
		fill_batch(route, b);
		rc = queue_route(r->queue, b->routings, route->n, claim_most(r, b), b->claimed,
			&b->claimed_n, &err);
		if (rc == RC_OK)
			rc = keep_copies(r, b, &err);
		gate_wrote(&r->gate);
	}
	if (rc == RC_OK) {
		count_batch(r, b);
		tell_born(route);
		drop_held(r, b);
		hand_over(r, b);
	} else {
		runner_fatal(r, &err);
	}
	if (b != NULL) {
		free(b->runs);
		free(b->claimed);
	}
	free(b);
	route_clear(route);
}
