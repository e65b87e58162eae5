/* SPDX-License-Identifier: MIT */
/*
 * Orders about many runs or events at once: retry and purge, by filter.
 * From: order.c. To: the store, a bounded part of it per turn, so that runs go on meanwhile. What
 * the filter finds is what was there when the order came; what has changed its state since is
 * skipped. An event in quarantine is retried as a new event, made from the same bytes, which says
 * so; the old one is settled in the step that writes the new one, so that no crash loses it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "queue/audit.h"
#include "queue/hand.h"
#include "runner/order_kinds.h"
#include "runner/state.h"

#define WINDOW 500     /* runs, or deliveries, that one step looks at */
#define EVENT_SHIFT 24 /* as queue/sqlite/sqlite.h numbers events: behind their delivery */
#define BIRTHS_MOST 64
#define BIT(state) (1u << (state))

struct bulk {
	bool events, purge, whole;  /* whole: one id, not a filter */
	unsigned states;            /* that may be touched */
	struct queue_filter filter; /* texts BORROW from the order */
	int64_t upto;               /* seq */
	int64_t audit;
	size_t n, skipped;
	char (*ids)[ID_N + 1];
	size_t ids_n, ids_max;
};

static void bulk_free(void *state)
{
	struct bulk *b = state;
	free(b->ids);
	free(b);
}

/* --- what is meant ---------------------------------------------------------------------------- */

static const char *text_of(const struct order *order, const char *key)
{
	const json_t *filter = json_object_get(order->words, "filter");
	return json_string_value(json_object_get(filter, key));
}

/* RC_INVALID: a state that cannot be meant. */
static enum rc choose_states(const struct order *order, struct bulk *b, struct err *err)
{
	unsigned bad = BIT(QUEUE_DEAD) | BIT(QUEUE_QUARANTINED);
	unsigned ended = bad | BIT(QUEUE_DONE) | BIT(QUEUE_SKIPPED);
	unsigned may = b->events ? BIT(QUEUE_QUARANTINED) : b->purge ? ended : bad;
	const char *name = text_of(order, "state");
	enum queue_state state = name != NULL ? queue_state_find(name) : QUEUE_STATE_N;
	if (name == NULL)
		b->states = b->events ? may : b->whole ? may : BIT(QUEUE_DEAD);
	else if (state != QUEUE_STATE_N && (may & BIT(state)) != 0)
		b->states = BIT(state);
	else
		return err_set(err, RC_INVALID, "%s that are %.20s cannot be %s",
			b->events ? "events" : "runs", name, b->purge ? "removed" : "tried again");
	return RC_OK;
}

/* What is not understood would be no condition at all. */
static bool is_filter(const json_t *filter)
{
	static const char *const texts[] = {
		"id", "source", "name", "object", "record", "rule", "event", "error", "state"};
	const char *key;
	json_t *value;
	union {
		const json_t *in;
		json_t *out;
	} f = {filter};
	json_object_foreach(f.out, key, value)
	{
		bool known = strcmp(key, "since_ms") == 0 && json_is_integer(value);
		for (size_t i = 0; i < ARRAY_N(texts) && !known; i++)
			known = strcmp(key, texts[i]) == 0 && json_is_string(value);
		if (!known)
			return false;
	}
	return json_is_object(filter);
}

static enum rc read_filter(const struct order *order, struct bulk *b, struct err *err)
{
	const char *what = json_string_value(json_object_get(order->words, "what"));
	const json_t *filter = json_object_get(order->words, "filter");
	b->events = what != NULL && strcmp(what, "events") == 0;
	if (what == NULL || (!b->events && strcmp(what, "runs") != 0) || !is_filter(filter))
		return err_set(err, RC_INVALID, "retry and purge are of runs or events, by filter");
	b->filter = (struct queue_filter){
		.id = text_of(order, "id"),
		.source = text_of(order, "source"),
		.name = text_of(order, "name"),
		.object = text_of(order, "object"),
		.record = text_of(order, "record"),
		.rule = text_of(order, "rule"),
		.event = text_of(order, "event"),
		.error = text_of(order, "error"),
		.since_ms = json_integer_value(json_object_get(filter, "since_ms")),
	};
	b->whole = b->filter.id != NULL;
	if (b->purge && json_object_size(filter) == 0)
		return err_set(err, RC_INVALID, "to remove everything is no filter");
	return choose_states(order, b, err);
}

/* --- what is there ---------------------------------------------------------------------------- */

static enum rc keep_id(struct bulk *b, const char *id, enum queue_state state, struct err *err)
{
	if ((b->states & BIT(state)) == 0)
		return RC_OK;
	if (b->ids_n == b->ids_max) {
		size_t max = b->ids_max > 0 ? 2 * b->ids_max : 64;
		void *more = realloc(b->ids, max * sizeof(*b->ids));
		if (more == NULL)
			return err_set(err, RC_NOMEM, "out of memory for an order");
		b->ids = more;
		b->ids_max = max;
	}
	snprintf(b->ids[b->ids_n++], sizeof(b->ids[0]), "%s", id);
	return RC_OK;
}

static enum rc take_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	return keep_id(ctx, row->id, row->state, err);
}

/* One in quarantine because of its runs is theirs to retry. */
static enum rc take_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	return row->reason[0] != '\0' ? keep_id(ctx, row->id, row->state, err) : RC_OK;
}

static enum rc last_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	(void)err;
	((struct bulk *)ctx)->upto = row->seq;
	return RC_OK;
}

static enum rc last_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	(void)err;
	((struct bulk *)ctx)->upto = row->seq;
	return RC_OK;
}

static enum rc find_end(struct runner *r, struct bulk *b, struct err *err)
{
	struct queue_filter last = {.limit = 1};
	return b->events ? queue_event_each(r->queue, &last, last_event, b, err)
			 : queue_run_each(r->queue, &last, last_run, b, err);
}

/* The one that is named, or what is in the next window. */
static enum rc collect(struct runner *r, struct bulk *b, struct err *err)
{
	int64_t window = b->events ? (int64_t)WINDOW << EVENT_SHIFT : WINDOW;
	b->ids_n = 0;
	if (b->whole)
		return b->events ? queue_event_get(r->queue, b->filter.id, take_event, b, err)
				 : queue_run_get(r->queue, b->filter.id, take_run, b, err);
	b->filter.upto_seq =
		b->upto - b->filter.after_seq > window ? b->filter.after_seq + window : b->upto;
	return b->events ? queue_event_each(r->queue, &b->filter, take_event, b, err)
			 : queue_run_each(r->queue, &b->filter, take_run, b, err);
}

/* --- one of them ------------------------------------------------------------------------------ */

struct order_again { /* an event that is made from one in quarantine */
	struct order_again *next;
	struct runner *r;
	char id[ID_N + 1];
};

void orders_again_clear(struct orders *orders)
{
	while (orders->again != NULL) {
		struct order_again *next = orders->again->next;
		free(orders->again);
		orders->again = next;
	}
}

/* The new event is being written; the old one is settled in the same transaction. */
static void settle_old(void *ctx)
{
	struct order_again *again = ctx;
	struct runner *r = again->r;
	struct order_again **at = &r->orders.again;
	struct err err = {0};
	enum rc rc = queue_event_settle(r->queue, again->id, "tried again by hand", &err);
	if (rc != RC_OK && rc != RC_INVALID && rc != RC_NOT_FOUND)
		runner_fatal(r, &err);
	while (*at != again)
		at = &(*at)->next;
	*at = again->next;
	free(again);
}

static enum rc offer_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct runner *r = ctx;
	for (const struct order_again *a = r->orders.again; a != NULL; a = a->next)
		if (strcmp(a->id, row->id) == 0)
			return err_set(err, RC_INVALID, "it is being tried again");
	struct order_again *again = calloc(1, sizeof(*again));
	if (again == NULL)
		return err_set(err, RC_NOMEM, "out of memory for an event");
	again->r = r;
	snprintf(again->id, sizeof(again->id), "%s", row->id);
	struct birth_new birth = {
		.via = "replay",
		.source = row->source,
		.headers = row->headers,
		.body = row->body,
		.received_ms = row->received_ms,
		.routed = settle_old,
		.ctx = again,
	};
	enum rc rc = route_offer(r, &birth, err);
	if (rc != RC_OK) {
		free(again);
		return rc;
	}
	again->next = r->orders.again;
	r->orders.again = again;
	return RC_OK;
}

struct renewal { /* of a run that is tried again */
	const struct runner *r;
	char hash[DIGEST_HEX_N]; /* "": its rule is as it was, or gone */
};

static enum rc find_version(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct renewal *new = ctx;
	const struct ruleset *live = new->r->rules.live;
	const struct rule *rule = live != NULL ? ruleset_find(live, row->rule) : NULL;
	(void)err;
	if (rule != NULL && strcmp(rule->source->hash, row->source_hash) != 0)
		snprintf(new->hash, sizeof(new->hash), "%s", rule->source->hash);
	return RC_OK;
}

/* Whoever tries a run again has mended its rule, or Twenty: it runs the rule as it is now. */
static enum rc retry_run(struct runner *r, const char *id, struct err *err)
{
	struct renewal new = {.r = r};
	enum rc rc = queue_run_get(r->queue, id, find_version, &new, err);
	if (rc == RC_OK && new.hash[0] != '\0')
		rc = queue_run_renew(r->queue, id, new.hash, err);
	return rc == RC_OK ? queue_retry(r->queue, id, err) : rc;
}

static enum rc act_on(struct runner *r, const struct bulk *b, const char *id, struct err *err)
{
	if (b->events)
		return b->purge ? queue_event_purge(r->queue, id, err)
				: queue_event_get(r->queue, id, offer_event, r, err);
	if (b->purge)
		return queue_run_purge(r->queue, id, err);
	enum rc rc = retry_run(r, id, err);
	r->route.behind_n += rc == RC_OK;
	return rc;
}

static void end(struct runner *r, struct order *order)
{
	struct bulk *b = order->state;
	struct err err = {0};
	char result[120];
	snprintf(result, sizeof(result), "%zu %s%s %s", b->n, b->events ? "event" : "run",
		b->n == 1 ? "" : "s", b->purge ? "removed" : "tried again");
	if (queue_audit_end(r->queue, b->audit, (int64_t)b->n, result, &err) != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	gate_wrote(&r->gate);
	log_info(NULL, "by hand: %s", result);
	order_answer(order,
		json_pack("{s:I, s:I}", "n", (json_int_t)b->n, "skipped", (json_int_t)b->skipped));
}

static void step(struct runner *r, struct order *order)
{
	struct bulk *b = order->state;
	struct err err = {0};
	/* Events are routed anew, and that is for the leader. */
	if (b->events && !b->purge && !lead_takes(r, order))
		return;
	if (b->events && r->route.births.n > BIRTHS_MOST)
		return; /* their bodies are in memory */
	enum rc rc = collect(r, b, &err);
	for (size_t i = 0; rc == RC_OK && i < b->ids_n; i++) {
		rc = act_on(r, b, b->ids[i], &err);
		bool skip = rc == RC_INVALID || rc == RC_NOT_FOUND;
		b->n += rc == RC_OK;
		b->skipped += skip;
		rc = skip ? RC_OK : rc;
	}
	gate_wrote(&r->gate);
	r->route.backlog = true;
	if (rc == RC_IO) {
		runner_fatal(r, &err);
	} else if (rc != RC_OK) {
		order_refuse_err(order, &err);
	} else {
		b->filter.after_seq = b->filter.upto_seq;
		if (b->whole || b->filter.after_seq >= b->upto)
			end(r, order);
	}
}

/* --- orders ----------------------------------------------------------------------------------- */

static void begin(struct runner *r, struct order *order, bool purge)
{
	struct err err = {0};
	struct bulk *b = calloc(1, sizeof(*b));
	if (b == NULL) {
		order_refuse(order, RC_NOMEM, "out of memory for an order");
		return;
	}
	b->purge = purge;
	order->state = b;
	order->forget = bulk_free;
	enum rc rc = read_filter(order, b, &err);
	if (rc == RC_OK)
		rc = find_end(r, b, &err);
	if (rc == RC_OK && b->whole)
		rc = collect(r, b, &err);
	if (rc == RC_OK && b->whole && b->ids_n == 0)
		rc = err_set(&err, RC_INVALID, "%s %.40s is in no state to be %s",
			b->events ? "event" : "run", b->filter.id,
			purge ? "removed" : "tried again");
	if (rc == RC_OK)
		rc = order_audit_begin(r, order, &b->audit, &err);
	if (rc == RC_IO)
		runner_fatal(r, &err);
	else if (rc != RC_OK)
		order_refuse_err(order, &err);
	else
		order->step = step;
}

void order_retry(struct runner *r, struct order *order)
{
	begin(r, order, false);
}

void order_purge(struct runner *r, struct order *order)
{
	begin(r, order, true);
}
