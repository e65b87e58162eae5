/* SPDX-License-Identifier: MIT */
/*
 * Lists and single rows, for people.
 *
 * From: queue_event_each, queue_run_each, queue_event_get, queue_run_get. To: both files, in one
 * read transaction each, which locks no writer out. What has been routed is read from the work;
 * what has not, from the inbox, and comes behind it. Such a delivery has no place among the events
 * yet and carries the number of the newest that has one, so that following from there misses
 * nothing.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "queue/sql/sql.h"

/* --- the transaction
 * ------------------------------------------------------------------------------ */

static enum rc begin(struct db *db, bool has, bool *ret_began, struct err *err)
{
	*ret_began = false;
	if (!has || db->writing)
		return RC_OK;
	enum rc rc = db_begin_read(db, err);
	*ret_began = rc == RC_OK;
	return rc;
}

static void end(struct db *db, bool *began)
{
	if (*began)
		db_end_read(db);
	*began = false;
}

enum rc store_read_begin(struct store *store, struct err *err)
{
	if (store->reading++ > 0)
		return RC_OK;
	enum rc rc = store_need_work(store, err);
	if (rc == RC_OK)
		rc = store_need_inbox(store, err);
	if (rc == RC_OK)
		rc = begin(store->work, store->has_work, &store->read_work, err);
	/* A transaction begins with its first look; the look at the progress comes before any at
	 * the inbox, by store_progress. */
	if (rc == RC_OK)
		rc = begin(store->inbox, store->has_inbox, &store->read_inbox, err);
	if (rc != RC_OK)
		store_read_end(store);
	return rc;
}

void store_read_end(struct store *store)
{
	if (--store->reading > 0)
		return;
	end(store->work, &store->read_work);
	end(store->inbox, &store->read_inbox);
}

enum rc store_progress(struct store *store, struct progress *ret_progress, struct err *err)
{
	*ret_progress = (struct progress){0};
	if (store->base.side == QUEUE_RUNNER &&
		(!store->work->driver->shared || store->work->writing))
		*ret_progress = store->progress;
	else if (store->has_work)
		return work_progress_load(store, ret_progress, err);
	return RC_OK;
}

/* --- ids
 * ------------------------------------------------------------------------------------------ */

enum rc id_span_init(struct id_span *span, const char *prefix, const char *what, struct err *err)
{
	size_t n = strlen(prefix);
	if (n == 0 || n > ID_N)
		return err_set(err, RC_NOT_FOUND, "no %s has the id \"%.40s\"", what, prefix);
	for (size_t i = 0; i < n; i++)
		span->from[i] = (char)tolower((unsigned char)prefix[i]);
	span->from[n] = '\0';
	memcpy(span->to, span->from, n);
	span->to[n] = '\x7f';
	span->to[n + 1] = '\0';
	return RC_OK;
}

static enum rc several(const char *id, const char *what, struct err *err)
{
	return err_set(err, RC_INVALID,
		"several %ss have ids that begin with \"%.40s\"; type more of it", what, id);
}

/* How many of at most two rows of the work fit, and the first. */
static enum rc find(struct store *store, int sql, const struct id_span *span, int64_t *ret_seq,
	int *ret_state, int *ret_n, struct err *err)
{
	*ret_n = 0;
	if (!store->has_work)
		return RC_OK;
	struct db_stmt *s = db_use(store->work, sql);
	db_bind_text(store->work, s, 1, span->from);
	db_bind_text(store->work, s, 2, span->to);
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		if ((*ret_n)++ == 0) {
			*ret_seq = db_int(s, 0);
			*ret_state = (int)db_int(s, 1);
		}
	}
}

enum rc store_run_find(struct store *store, const char *id, int64_t *ret_seq,
	enum queue_state *ret_state, struct err *err)
{
	struct id_span span;
	int64_t seq = 0;
	int n = 0, state = 0;
	enum rc rc = id_span_init(&span, id, "run", err);
	if (rc == RC_OK)
		rc = find(store, WORK_RUN_FIND, &span, &seq, &state, &n, err);
	if (rc != RC_OK)
		return rc;
	if (n == 0)
		return err_set(err, RC_NOT_FOUND, "no run has the id \"%.40s\"", id);
	if (n > 1)
		return several(id, "run", err);
	*ret_seq = seq;
	*ret_state = (enum queue_state)state;
	return RC_OK;
}

/* --- lists
 * ----------------------------------------------------------------------------------------- */

enum { SHORT_N = 256 }; /* rows that may be in memory */

static struct db_stmt *use_list(struct db *db, int sql, size_t limit)
{
	return limit > 0 && limit <= SHORT_N ? db_use(db, sql) : db_walk(db, sql);
}

/* --- events
 * ---------------------------------------------------------------------------------------- */

static struct queue_event_row event_row(struct db_stmt *s)
{
	return (struct queue_event_row){
		.seq = db_int(s, 0),
		.id = db_text(s, 1),
		.source = db_text(s, 2),
		.name = db_text(s, 3),
		.object = db_text(s, 4),
		.record = db_text(s, 5),
		.via = db_text(s, 6),
		.reason = db_text(s, 7),
		.state = (enum queue_state)(int)db_int(s, 8),
		.received_ms = db_int(s, 9),
		.cause = db_text(s, 10),
		.depth = (int)db_int(s, 11),
	};
}

static struct queue_event_row delivery_row(struct db_stmt *s, int64_t seq)
{
	bool quarantined = !db_is_null(s, 4);
	return (struct queue_event_row){
		.seq = seq,
		.id = db_text(s, 1),
		.source = db_text(s, 2),
		.name = "",
		.object = "",
		.record = "",
		.via = "hook",
		.reason = db_text(s, 4),
		.state = quarantined ? QUEUE_QUARANTINED : QUEUE_DUE,
		.received_ms = db_int(s, 3),
		.cause = "",
	};
}

static enum rc walk_events(struct store *store, const struct queue_filter *f, size_t limit,
	queue_event_fn fn, void *ctx, struct err *err)
{
	struct db *db = store->work;
	if (!store->has_work)
		return RC_OK;
	struct db_stmt *s = use_list(db, limit > 0 ? WORK_EVENT_NEWEST : WORK_EVENT_LIST, limit);
	db_bind_int(db, s, 1, f->after_seq);
	db_bind_int(db, s, 2, f->since_ms);
	db_bind_text(db, s, 3, f->id != NULL ? f->id : f->event);
	db_bind_text(db, s, 4, f->source);
	db_bind_text(db, s, 5, f->name);
	db_bind_text(db, s, 6, f->object);
	db_bind_text(db, s, 7, f->record);
	db_bind_int(db, s, 8, f->has_state ? (int64_t)f->state : -1);
	db_bind_text(db, s, 9, f->rule);
	db_bind_text(db, s, 10, f->error);
	db_bind_int(db, s, 12, f->upto_seq > 0 ? f->upto_seq : INT64_MAX);
	if (limit > 0)
		db_bind_int(db, s, 11, (int64_t)limit);
	for (;;) {
		bool row;
		enum rc rc = db_row(db, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_event_row event = event_row(s);
		rc = fn(ctx, &event, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

/* Whether a delivery that nobody has parsed can pass at all. */
static bool may_be_raw(const struct queue_filter *f)
{
	return f->name == NULL && f->object == NULL && f->record == NULL && f->rule == NULL &&
	       f->error == NULL && f->after_seq == 0 && f->upto_seq == 0 &&
	       (!f->has_state || f->state == QUEUE_DUE || f->state == QUEUE_QUARANTINED);
}

static struct db_stmt *raw_use(
	struct store *store, int sql, const struct queue_filter *f, int64_t position, size_t limit)
{
	struct db *db = store->inbox;
	struct db_stmt *s = use_list(db, sql, limit);
	db_bind_int(db, s, 1, position);
	db_bind_text(db, s, 2, f->id != NULL ? f->id : f->event);
	db_bind_text(db, s, 3, f->source);
	db_bind_int(db, s, 4, !f->has_state ? -1 : f->state == QUEUE_QUARANTINED);
	db_bind_int(db, s, 5, f->since_ms);
	db_bind_int(db, s, 6, limit > 0 ? (int64_t)limit : -1);
	return s;
}

static enum rc count_raw(struct store *store, const struct queue_filter *f, int64_t position,
	size_t *ret_n, struct err *err)
{
	bool row;
	struct db_stmt *s = raw_use(store, INBOX_LIST_N, f, position, f->limit);
	enum rc rc = db_row(store->inbox, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_n = row ? (size_t)db_int(s, 0) : 0;
	db_reset(s);
	return RC_OK;
}

static enum rc walk_raw(struct store *store, const struct queue_filter *f,
	const struct progress *progress, queue_event_fn fn, void *ctx, struct err *err)
{
	struct db_stmt *s = raw_use(store, INBOX_LIST, f, progress->position, f->limit);
	for (;;) {
		bool row;
		enum rc rc = db_row(store->inbox, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_event_row event = delivery_row(s, progress->last_event);
		rc = fn(ctx, &event, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

enum rc store_event_each(struct queue *q, const struct queue_filter *filter, queue_event_fn fn,
	void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	struct queue_filter f = filter != NULL ? *filter : (struct queue_filter){0};
	struct progress progress;
	size_t raw_n = 0;
	enum rc rc = store_read_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = store_progress(store, &progress, err);
	bool raw = store->has_inbox && may_be_raw(&f);
	if (rc == RC_OK && raw && f.limit > 0)
		rc = count_raw(store, &f, progress.position, &raw_n, err);
	if (rc == RC_OK && (f.limit == 0 || raw_n < f.limit))
		rc = walk_events(store, &f, f.limit - raw_n, fn, ctx, err);
	if (rc == RC_OK && raw)
		rc = walk_raw(store, &f, &progress, fn, ctx, err);
	store_read_end(store);
	return rc;
}

static enum rc give_event(struct store *store, int64_t seq, struct queue_event_row *row,
	queue_event_fn fn, void *ctx, struct err *err)
{
	enum rc rc = inbox_body(store, seq, &row->headers, &row->body, err);
	if (rc == RC_OK)
		rc = fn(ctx, row, err);
	inbox_body_done(store);
	return rc;
}

static enum rc get_event(
	struct store *store, int64_t seq, queue_event_fn fn, void *ctx, struct err *err)
{
	bool row;
	struct db_stmt *s = db_use(store->work, WORK_EVENT_ROW);
	db_bind_int(store->work, s, 1, seq);
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	struct queue_event_row event = event_row(s);
	rc = give_event(store, seq, &event, fn, ctx, err);
	db_reset(s);
	return rc;
}

/* The one delivery, not routed yet, whose id begins so. */
static enum rc get_raw(struct store *store, const struct queue_filter *f,
	const struct progress *progress, queue_event_fn fn, void *ctx, struct err *err)
{
	bool row;
	/* A statement of its own: whoever walks through the list may ask for one of it. */
	struct db_stmt *s = raw_use(store, INBOX_ONE, f, progress->position, 1);
	enum rc rc = db_row(store->inbox, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	int64_t seq = event_seq_of(db_int(s, 0));
	struct queue_event_row event = delivery_row(s, progress->last_event);
	rc = give_event(store, seq, &event, fn, ctx, err);
	db_reset(s);
	return rc;
}

static enum rc find_event(
	struct store *store, const char *id, queue_event_fn fn, void *ctx, struct err *err)
{
	struct id_span span;
	struct progress progress;
	struct queue_filter f = {.id = span.from, .limit = 2};
	int64_t seq = 0;
	int n = 0, state;
	size_t raw_n = 0;
	enum rc rc = id_span_init(&span, id, "event", err);
	if (rc == RC_OK)
		rc = store_progress(store, &progress, err);
	if (rc == RC_OK)
		rc = find(store, WORK_EVENT_FIND, &span, &seq, &state, &n, err);
	/* A whole id that the work knows is not looked for in the inbox. */
	if (rc == RC_OK && store->has_inbox && (n == 0 || strlen(span.from) < ID_N))
		rc = count_raw(store, &f, progress.position, &raw_n, err);
	if (rc != RC_OK)
		return rc;
	if (n == 0 && raw_n == 0)
		return err_set(err, RC_NOT_FOUND, "no event has the id \"%.40s\"", id);
	if ((size_t)n + raw_n > 1)
		return several(id, "event", err);
	return n > 0 ? get_event(store, seq, fn, ctx, err)
		     : get_raw(store, &f, &progress, fn, ctx, err);
}

enum rc store_event_get(
	struct queue *q, const char *id, queue_event_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_read_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = find_event(store, id, fn, ctx, err);
	store_read_end(store);
	return rc;
}

/* --- runs
 * ------------------------------------------------------------------------------------------ */

static struct queue_run_row run_row(struct db_stmt *s)
{
	return (struct queue_run_row){
		.seq = db_int(s, 0),
		.id = db_text(s, 1),
		.event = db_text(s, 2),
		.rule = db_text(s, 3),
		.source_hash = db_text(s, 4),
		.key = db_text(s, 5),
		.state = (enum queue_state)(int)db_int(s, 6),
		.attempt = (int)db_int(s, 7),
		.api_calls = (int)db_int(s, 8),
		.deaths = (int)db_int(s, 9),
		.created_ms = db_int(s, 10),
		.started_ms = db_int(s, 11),
		.ended_ms = db_int(s, 12),
		.due_ms = db_int(s, 13),
		.error_code = db_text(s, 14),
		.error = db_text(s, 15),
		.detail = db_text(s, 16),
		.log = db_text(s, 17),
		.cause = db_text(s, 18),
		.depth = (int)db_int(s, 19),
		.events_n = db_int(s, 20),
		.shadow = (int)db_int(s, 21) != 0,
	};
}

/* The runs of one event lie side by side: where its whole id is named, only those are read, and
 * what lies between them and those that it joined. */
static enum rc narrow(struct store *store, const struct queue_filter *f, int64_t *after,
	int64_t *last, struct err *err)
{
	struct id_span span;
	if (f->event == NULL || strlen(f->event) != ID_N)
		return RC_OK;
	enum rc rc = id_span_init(&span, f->event, "event", err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, WORK_EVENT_SPAN);
	db_bind_text(store->work, s, 1, span.from);
	db_bind_text(store->work, s, 2, span.to);
	bool row;
	rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	int64_t first = db_int(s, 0), end = first + db_int(s, 1) - 1;
	if (!db_is_null(s, 2)) /* what it joined is older */
		first = db_int(s, 2);
	*after = *after > first - 1 ? *after : first - 1;
	*last = *last < end ? *last : end;
	db_reset(s);
	return RC_OK;
}

static enum rc walk_runs(struct store *store, const struct queue_filter *f, queue_run_fn fn,
	void *ctx, struct err *err)
{
	struct db *db = store->work;
	int64_t after = f->after_seq, last = f->upto_seq > 0 ? f->upto_seq : INT64_MAX;
	if (!store->has_work)
		return RC_OK;
	enum rc rc = narrow(store, f, &after, &last, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = use_list(db, f->limit > 0 ? WORK_RUN_NEWEST : WORK_RUN_LIST, f->limit);
	db_bind_int(db, s, 1, after);
	db_bind_int(db, s, 2, last);
	db_bind_int(db, s, 3, f->since_ms);
	db_bind_text(db, s, 4, f->id);
	db_bind_text(db, s, 5, f->source);
	db_bind_text(db, s, 6, f->name);
	db_bind_text(db, s, 7, f->object);
	db_bind_text(db, s, 8, f->record);
	db_bind_text(db, s, 9, f->rule);
	db_bind_text(db, s, 10, f->event);
	db_bind_int(db, s, 11, f->has_state ? (int64_t)f->state : -1);
	db_bind_text(db, s, 12, f->error);
	if (f->limit > 0)
		db_bind_int(db, s, 13, (int64_t)f->limit);
	for (;;) {
		bool row;
		rc = db_row(db, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_run_row run = run_row(s);
		rc = fn(ctx, &run, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

enum rc store_run_each(struct queue *q, const struct queue_filter *filter, queue_run_fn fn,
	void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	struct queue_filter f = filter != NULL ? *filter : (struct queue_filter){0};
	enum rc rc = store_read_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = walk_runs(store, &f, fn, ctx, err);
	store_read_end(store);
	return rc;
}

static enum rc get_run(
	struct store *store, const char *id, queue_run_fn fn, void *ctx, struct err *err)
{
	int64_t seq;
	enum queue_state state;
	enum rc rc = store_run_find(store, id, &seq, &state, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, WORK_RUN_ROW);
	db_bind_int(store->work, s, 1, seq);
	bool row;
	rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	struct queue_run_row run = run_row(s);
	rc = fn(ctx, &run, err);
	db_reset(s);
	return rc;
}

enum rc store_run_get(struct queue *q, const char *id, queue_run_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_read_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = get_run(store, id, fn, ctx, err);
	store_read_end(store);
	return rc;
}
