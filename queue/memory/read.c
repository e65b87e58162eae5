/* SPDX-License-Identifier: MIT */
/*
 * The test double: lists, single rows, counts.
 * From: queue.c through the table in memory/memory.c. A list is walked twice where it has a limit:
 * once to count what fits, once to skip all but the newest.
 */
#include <ctype.h>
#include <string.h>

#include "queue/memory/memory.h"

static bool same(const char *wanted, const char *is)
{
	return wanted == NULL || strcmp(wanted, is) == 0;
}

static bool begins(const char *prefix, const char *id)
{
	return prefix == NULL || strncmp(prefix, id, strlen(prefix)) == 0;
}

static bool says(const char *wanted, enum rc code, const char *error)
{
	return wanted == NULL || (code != RC_OK && strcmp(wanted, rc_name(code)) == 0) ||
	       strstr(error, wanted) != NULL;
}

/* --- events
 * ---------------------------------------------------------------------------------------- */

static bool runs_fit(
	const struct mem_store *m, const struct mem_event *e, const struct queue_filter *f)
{
	bool rule = f->rule == NULL, error = f->error == NULL || strstr(e->reason, f->error);
	for (size_t i = 0; i < m->runs.n; i++) {
		const struct mem_run *r = &m->runs.p[i];
		if (!mem_run_has(r, e->seq))
			continue;
		rule |= same(f->rule, r->rule);
		error |= says(f->error, r->code, r->error);
	}
	return rule && error;
}

static bool event_fits(
	const struct mem_store *m, const struct mem_event *e, const struct queue_filter *f)
{
	return e->seq > f->after_seq && (f->upto_seq == 0 || e->seq <= f->upto_seq) &&
	       e->received_ms >= f->since_ms &&
	       begins(f->id != NULL ? f->id : f->event, e->id.text) && same(f->source, e->source) &&
	       same(f->name, e->name) && same(f->object, e->object) && same(f->record, e->record) &&
	       (!f->has_state || f->state == e->state) && runs_fit(m, e, f);
}

static bool delivery_fits(
	const struct mem_store *m, const struct mem_delivery *d, const struct queue_filter *f)
{
	enum queue_state state = d->quarantine != NULL ? QUEUE_QUARANTINED : QUEUE_DUE;
	return d->seq > m->position && f->name == NULL && f->object == NULL && f->record == NULL &&
	       f->rule == NULL && f->error == NULL && f->after_seq == 0 && f->upto_seq == 0 &&
	       begins(f->id != NULL ? f->id : f->event, d->id.text) && same(f->source, d->source) &&
	       d->received_ms >= f->since_ms && (!f->has_state || f->state == state);
}

static const char *cause_of(struct mem_store *m, const struct mem_event *e)
{
	const struct mem_run *run = e->cause != 0 ? mem_run_find(m, e->cause) : NULL;
	return run != NULL ? run->id.text : "";
}

static struct queue_event_row event_row(struct mem_store *m, const struct mem_event *e)
{
	return (struct queue_event_row){
		.seq = e->seq,
		.id = e->id.text,
		.source = e->source,
		.name = e->name,
		.object = e->object,
		.record = e->record,
		.via = e->via,
		.reason = e->reason,
		.state = e->state,
		.received_ms = e->received_ms,
		.cause = cause_of(m, e),
		.depth = e->depth,
	};
}

static struct queue_event_row delivery_row(const struct mem_store *m, const struct mem_delivery *d)
{
	return (struct queue_event_row){
		.seq = m->last_event,
		.id = d->id.text,
		.source = d->source,
		.name = "",
		.object = "",
		.record = "",
		.via = "hook",
		.reason = d->quarantine != NULL ? d->quarantine : "",
		.state = d->quarantine != NULL ? QUEUE_QUARANTINED : QUEUE_DUE,
		.received_ms = d->received_ms,
		.cause = "",
	};
}

/* fn NULL: only counts. The first `skip` that fit are left out. */
static enum rc walk_events(struct mem_store *m, const struct queue_filter *f, size_t skip,
	queue_event_fn fn, void *ctx, size_t *ret_n, struct err *err)
{
	enum rc rc = RC_OK;
	size_t n = 0;
	for (size_t i = 0; rc == RC_OK && i < m->events.n; i++) {
		if (!event_fits(m, &m->events.p[i], f) || n++ < skip || fn == NULL)
			continue;
		struct queue_event_row row = event_row(m, &m->events.p[i]);
		rc = fn(ctx, &row, err);
	}
	for (size_t i = 0; rc == RC_OK && i < m->deliveries.n; i++) {
		if (!delivery_fits(m, &m->deliveries.p[i], f) || n++ < skip || fn == NULL)
			continue;
		struct queue_event_row row = delivery_row(m, &m->deliveries.p[i]);
		rc = fn(ctx, &row, err);
	}
	*ret_n = n;
	return rc;
}

enum rc mem_event_each(struct queue *q, const struct queue_filter *filter, queue_event_fn fn,
	void *ctx, struct err *err)
{
	struct queue_filter f = filter != NULL ? *filter : (struct queue_filter){0};
	size_t n = 0;
	mem_lock(q);
	enum rc rc = RC_OK;
	if (f.limit > 0)
		rc = walk_events(mem_of(q), &f, 0, NULL, NULL, &n, err);
	if (rc == RC_OK)
		rc = walk_events(mem_of(q), &f, n > f.limit ? n - f.limit : 0, fn, ctx, &n, err);
	mem_unlock(q);
	return rc;
}

static enum rc check_n(size_t n, const char *id, const char *what, struct err *err)
{
	if (n == 0)
		return err_set(err, RC_NOT_FOUND, "no %s has the id \"%.40s\"", what, id);
	if (n > 1)
		return err_set(err, RC_INVALID,
			"several %ss have ids that begin with \"%.40s\"; type more of it", what,
			id);
	return RC_OK;
}

static bool lower(const char *id, struct id *ret_id)
{
	size_t n = strlen(id);
	*ret_id = (struct id){{0}};
	for (size_t i = 0; i < n && i < ID_N; i++)
		ret_id->text[i] = (char)tolower((unsigned char)id[i]);
	return n > 0 && n <= ID_N;
}

/* Of the delivery that brought the event, or of the event itself. */
static void find_body(const struct mem_store *m, struct queue_event_row *row)
{
	for (size_t i = 0; i < m->events.n; i++) {
		const struct mem_event *e = &m->events.p[i];
		if (strcmp(e->id.text, row->id) != 0)
			continue;
		row->headers = (struct slice){e->headers, e->headers_n};
		row->body = (struct slice){e->body, e->body_n};
	}
	for (size_t i = 0; i < m->deliveries.n; i++) {
		const struct mem_delivery *d = &m->deliveries.p[i];
		if (strcmp(d->id.text, row->id) != 0)
			continue;
		row->headers = (struct slice){d->headers, d->headers_n};
		row->body = (struct slice){d->body, d->body_n};
	}
}

struct event_sink { /* adds the body on the way */
	const struct mem_store *m;
	queue_event_fn fn;
	void *ctx;
};

static enum rc with_body(void *ctx, const struct queue_event_row *row, struct err *err)
{
	const struct event_sink *sink = ctx;
	struct queue_event_row whole = *row;
	find_body(sink->m, &whole);
	return sink->fn(sink->ctx, &whole, err);
}

enum rc mem_event_get(
	struct queue *q, const char *id, queue_event_fn fn, void *ctx, struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct event_sink sink = {m, fn, ctx};
	struct id prefix;
	size_t n = 0;
	bool valid = lower(id, &prefix);
	struct queue_filter f = {.id = prefix.text};
	mem_lock(q);
	enum rc rc = RC_OK;
	if (valid)
		rc = walk_events(m, &f, 0, NULL, NULL, &n, err);
	if (rc == RC_OK)
		rc = check_n(n, id, "event", err);
	if (rc == RC_OK)
		rc = walk_events(m, &f, 0, with_body, &sink, &n, err);
	mem_unlock(q);
	return rc;
}

/* --- runs
 * ------------------------------------------------------------------------------------------ */

/* One of its events is of the record, and has the id. */
static bool events_fit(struct mem_store *m, const struct mem_run *r, const struct queue_filter *f)
{
	bool record = f->record == NULL, id = f->event == NULL;
	for (size_t i = 0; i < m->events.n; i++) {
		const struct mem_event *e = &m->events.p[i];
		if (!mem_run_has(r, e->seq))
			continue;
		record |= same(f->record, e->record);
		id |= begins(f->event, e->id.text);
	}
	return record && id;
}

static bool run_fits(struct mem_store *m, const struct mem_run *r, const struct queue_filter *f)
{
	const struct mem_event *e = mem_event_find(m, r->event);
	return r->seq > f->after_seq && (f->upto_seq == 0 || r->seq <= f->upto_seq) &&
	       r->created_ms >= f->since_ms && begins(f->id, r->id.text) && events_fit(m, r, f) &&
	       same(f->source, e->source) && same(f->name, e->name) && same(f->object, e->object) &&
	       same(f->rule, r->rule) && (!f->has_state || f->state == r->state) &&
	       says(f->error, r->code, r->error);
}

static enum rc give_run(
	struct mem_store *m, const struct mem_run *r, queue_run_fn fn, void *ctx, struct err *err)
{
	const struct mem_event *e = mem_event_find(m, r->event), *c = mem_cause_event(m, r);
	struct queue_run_row row = {
		.seq = r->seq,
		.id = r->id.text,
		.event = e->id.text,
		.rule = r->rule,
		.source_hash = r->source_hash,
		.key = r->key,
		.error = r->error,
		.error_code = r->code != RC_OK ? rc_name(r->code) : "",
		.detail = r->detail,
		.log = r->log,
		.state = r->state,
		.attempt = r->attempt,
		.api_calls = r->api_calls,
		.deaths = r->deaths,
		.created_ms = r->created_ms,
		.started_ms = r->started_ms,
		.ended_ms = r->ended_ms,
		.due_ms = r->due_ms,
		.cause = cause_of(m, c),
		.depth = c->depth,
		.events_n = (int64_t)r->session.joined.n + 1,
		.shadow = r->shadow,
	};
	return fn(ctx, &row, err);
}

enum rc mem_run_each(struct queue *q, const struct queue_filter *filter, queue_run_fn fn, void *ctx,
	struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct queue_filter f = filter != NULL ? *filter : (struct queue_filter){0};
	size_t n = 0, skip = 0;
	enum rc rc = RC_OK;
	mem_lock(q);
	for (size_t i = 0; f.limit > 0 && i < m->runs.n; i++)
		n += run_fits(m, &m->runs.p[i], &f);
	skip = f.limit > 0 && n > f.limit ? n - f.limit : 0;
	for (size_t i = 0; rc == RC_OK && i < m->runs.n; i++) {
		if (!run_fits(m, &m->runs.p[i], &f))
			continue;
		if (skip > 0)
			skip--;
		else
			rc = give_run(m, &m->runs.p[i], fn, ctx, err);
	}
	mem_unlock(q);
	return rc;
}

enum rc mem_run_named(
	struct mem_store *m, const char *id, struct mem_run **ret_run, struct err *err)
{
	struct id prefix;
	size_t n = 0, at = 0;
	bool valid = lower(id, &prefix);
	for (size_t i = 0; valid && i < m->runs.n; i++) {
		if (!begins(prefix.text, m->runs.p[i].id.text))
			continue;
		at = i;
		n++;
	}
	enum rc rc = check_n(n, id, "run", err);
	if (rc == RC_OK)
		*ret_run = &m->runs.p[at];
	return rc;
}

enum rc mem_run_get(struct queue *q, const char *id, queue_run_fn fn, void *ctx, struct err *err)
{
	struct mem_run *r;
	mem_lock(q);
	enum rc rc = mem_run_named(mem_of(q), id, &r, err);
	if (rc == RC_OK)
		rc = give_run(mem_of(q), r, fn, ctx, err);
	mem_unlock(q);
	return rc;
}

/* --- counts
 * ---------------------------------------------------------------------------------------- */

enum rc mem_count(struct queue *q, struct queue_counts *ret_counts, struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct queue_counts counts = {{0}, {0}, 0};
	int64_t oldest_raw = 0;
	(void)err;
	mem_lock(q);
	for (size_t i = 0; i < m->events.n; i++)
		counts.events[m->events.p[i].state]++;
	for (size_t i = 0; i < m->runs.n; i++) {
		counts.runs[m->runs.p[i].state]++;
		if (!queue_state_ended(m->runs.p[i].state) && counts.oldest_open_ms == 0)
			counts.oldest_open_ms = mem_event_find(m, m->runs.p[i].event)->received_ms;
	}
	for (size_t i = 0; i < m->deliveries.n; i++) {
		const struct mem_delivery *d = &m->deliveries.p[i];
		if (d->seq <= m->position)
			continue;
		counts.events[d->quarantine != NULL ? QUEUE_QUARANTINED : QUEUE_DUE]++;
		if (d->quarantine == NULL && oldest_raw == 0)
			oldest_raw = d->received_ms;
	}
	if (counts.oldest_open_ms == 0)
		counts.oldest_open_ms = oldest_raw;
	mem_unlock(q);
	*ret_counts = counts;
	return RC_OK;
}
