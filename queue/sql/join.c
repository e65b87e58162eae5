/* SPDX-License-Identifier: MIT */
/*
 * Runs that stand for several events.
 *
 * From: sql/route.c (events that open a session or join one), sql/claim.c (it is closed),
 * sql/finish.c, sql/prune.c, sql/hand.c (what becomes of its events). To: the tables
 * session, joined, run, event of work.db, in the open transaction. A run that gathers has no rows
 * in hold: those come when its time does. Fails as the database does.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/join.h"
#include "queue/limit.h"
#include "queue/sql/sql.h"

static enum rc run_by_seq(struct store *store, int sql, int64_t seq, struct err *err)
{
	struct db_stmt *s = db_use(store->work, sql);
	db_bind_int(store->work, s, 1, seq);
	return db_run(store->work, s, err);
}

/* --- joining ---------------------------------------------------------------------------------- */

enum rc join_find(struct store *store, const struct queue_run_new *new, int64_t key2,
	struct session *ret_session, struct err *err)
{
	const struct queue_join *j = new->join;
	struct db_stmt *s = db_use(store->work, JOIN_FIND);
	bool row;
	*ret_session = (struct session){0};
	db_bind_text(store->work, s, 1, new->rule);
	db_bind_text(store->work, s, 2, j->key);
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	struct session found = {
		.run = db_int(s, 0),
		.due_ms = db_int(s, 1),
		.key2 = db_int(s, 2),
		.source = db_int(s, 3),
		.limit_ms = db_int(s, 4),
		.n = db_int(s, 5),
		.size = db_int(s, 6),
		.cause = db_int(s, 7),
	};
	if (found.cause == 0)
		found.cause = db_int(s, 8);
	bool fits = found.n < j->events_max && found.size + j->size <= j->size_max;
	/* Its rule is another by now: what the event is to come to, that run does not. */
	bool same = (int)db_int(s, 9) == j->kind && ((int)db_int(s, 10) != 0) == new->shadow;
	db_reset(s);
	/* Its places are taken, and those of the event are others. */
	bool placed = found.due_ms == 0 && found.key2 != key2;
	if (fits && same && !placed) {
		*ret_session = found;
		return RC_OK;
	}
	return run_by_seq(store, JOIN_CLOSE, found.run, err);
}

static int64_t due_of(const struct queue_join *j, int64_t limit_ms, int64_t n)
{
	int64_t due = n >= j->events_max ? j->now_ms : j->due_ms < limit_ms ? j->due_ms : limit_ms;
	return due > 2 ? due : 3; /* -1 and -2 say that a parked run waits for no time */
}

enum rc join_open(struct store *store, int64_t run, const struct queue_run_new *new,
	int64_t *ret_due_ms, struct err *err)
{
	const struct queue_join *j = new->join;
	struct db_stmt *s = db_use(store->work, JOIN_OPEN);
	db_bind_int(store->work, s, 1, run);
	db_bind_text(store->work, s, 2, new->rule);
	db_bind_text(store->work, s, 3, j->key);
	db_bind_int(store->work, s, 4, j->events_max > 1 ? 1 : 0);
	db_bind_int(store->work, s, 5, j->limit_ms);
	db_bind_int(store->work, s, 6, j->size);
	db_bind_text(store->work, s, 7, j->words);
	*ret_due_ms = due_of(j, j->limit_ms, 1);
	return db_run(store->work, s, err);
}

static enum rc depth_of(struct store *store, int64_t event, int64_t *ret_depth, struct err *err)
{
	bool row;
	struct db_stmt *s = db_use(store->work, JOIN_DEPTH);
	db_bind_int(store->work, s, 1, event);
	enum rc rc = db_row(store->work, s, &row, err);
	*ret_depth = rc == RC_OK && row ? db_int(s, 0) : 0;
	if (rc == RC_OK && row)
		db_reset(s);
	return rc;
}

/* The deepest of their causes is that of the run. */
static enum rc deeper(struct store *store, const struct session *session, int64_t event,
	int64_t depth, int64_t *ret_cause, struct err *err)
{
	int64_t now = 0;
	*ret_cause = session->cause;
	if (depth == 0)
		return RC_OK;
	enum rc rc = depth_of(store, session->cause, &now, err);
	if (rc == RC_OK && depth > now)
		*ret_cause = event;
	return rc;
}

static enum rc put_joined(
	struct store *store, int64_t run, int64_t event, const char *hidden, struct err *err)
{
	struct db_stmt *s = db_use(store->work, JOIN_PUT);
	db_bind_int(store->work, s, 1, run);
	db_bind_int(store->work, s, 2, event);
	db_bind_text(store->work, s, 3, hidden);
	return db_run(store->work, s, err);
}

/* The version of the rule that the newest event met, which knows it by its name of now. */
static enum rc renew(struct store *store, const struct session *session, const char *hash,
	int64_t *ret_source, struct err *err)
{
	enum rc rc = work_source_n(store, hash, ret_source, err);
	return rc == RC_OK ? work_source_leave(store, session->source, err) : rc;
}

static enum rc move_run(struct store *store, const struct session *session, int64_t key2,
	int64_t due_ms, int64_t source, struct err *err)
{
	struct db_stmt *s = db_use(store->work, JOIN_RUN);
	int64_t due = session->due_ms < 0 ? -due_ms : session->due_ms == 0 ? 0 : due_ms;
	if (session->due_ms == QUEUE_LIMITED) /* its time has come; it waits for room */
		due = QUEUE_LIMITED;
	db_bind_int(store->work, s, 1, session->run);
	db_bind_int(store->work, s, 2, due);
	db_bind_int(store->work, s, 3, key2);
	db_bind_int(store->work, s, 4, source);
	return db_run(store->work, s, err);
}

enum rc join_take(struct store *store, const struct session *session,
	const struct queue_routing *routing, const struct queue_run_new *new, int64_t event,
	int64_t key2, int64_t *ret_due_ms, struct err *err)
{
	const struct queue_join *j = new->join;
	int64_t cause, source = 0, due = due_of(j, session->limit_ms, session->n + 1);
	enum rc rc = deeper(store, session, event, routing->event.cause.depth, &cause, err);
	if (rc == RC_OK)
		rc = put_joined(store, session->run, event, new->hidden, err);
	if (rc == RC_OK)
		rc = renew(store, session, new->source_hash, &source, err);
	if (rc == RC_OK)
		rc = move_run(store, session, key2, due, source, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, JOIN_GROW);
	db_bind_int(store->work, s, 1, session->run);
	db_bind_int(store->work, s, 2, session->n + 1 < j->events_max ? 1 : 0);
	db_bind_int(store->work, s, 3, j->size);
	db_bind_int(store->work, s, 4, cause);
	db_bind_text(store->work, s, 5, j->words);
	*ret_due_ms = session->due_ms == 0 ? j->now_ms : due;
	return db_run(store->work, s, err);
}

enum rc join_close(struct store *store, int64_t run, struct err *err)
{
	return run_by_seq(store, JOIN_CLOSE, run, err);
}

enum rc join_shift(struct store *store, int64_t by_ms, struct err *err)
{
	return run_by_seq(store, JOIN_SHIFT, by_ms, err);
}

/* --- what becomes of its events --------------------------------------------------------------- */

enum rc join_events(
	struct store *store, int64_t run, int64_t **ret_events, size_t *ret_n, struct err *err)
{
	int64_t *events = NULL;
	size_t n = 0, cap = 0;
	struct db_stmt *s = db_use(store->work, JOIN_EVENTS);
	db_bind_int(store->work, s, 1, run);
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc == RC_OK && row && n == cap) {
			cap = cap != 0 ? cap * 2 : 64;
			int64_t *p = realloc(events, cap * sizeof(*p));
			if (p != NULL)
				events = p;
			else
				rc = err_set(
					err, RC_NOMEM, "out of memory for the events of a run");
		}
		if (rc != RC_OK) {
			db_reset(s);
			free(events);
			return rc;
		}
		if (!row)
			break;
		events[n++] = db_int(s, 0);
	}
	*ret_events = events;
	*ret_n = n;
	return RC_OK;
}

enum rc join_each_event(struct store *store, int64_t run,
	enum rc (*fn)(struct store *store, int64_t event, struct err *err), struct err *err)
{
	int64_t *events = NULL;
	size_t n = 0;
	enum rc rc = join_events(store, run, &events, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = fn(store, events[i], err);
	free(events);
	return rc;
}

enum rc join_states(
	struct store *store, int64_t event, int64_t n[static QUEUE_STATE_N], struct err *err)
{
	struct db_stmt *s = db_use(store->work, JOIN_STATES);
	db_bind_int(store->work, s, 1, event);
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		int state = (int)db_int(s, 0);
		if (state >= 0 && state < QUEUE_STATE_N)
			n[state]++;
	}
}

enum rc join_left(struct store *store, int64_t event, bool *ret_left, struct err *err)
{
	struct db_stmt *s = db_use(store->work, JOIN_LEFT);
	db_bind_int(store->work, s, 1, event);
	enum rc rc = db_row(store->work, s, ret_left, err);
	if (rc == RC_OK && *ret_left)
		db_reset(s);
	return rc;
}

enum rc join_forget(struct store *store, int64_t run, struct err *err)
{
	enum rc rc = run_by_seq(store, JOIN_DELETE, run, err);
	return rc == RC_OK ? run_by_seq(store, JOIN_SESSION_DELETE, run, err) : rc;
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum rc give(
	struct store *store, struct db_stmt *s, queue_joined_fn fn, void *ctx, struct err *err)
{
	bool has_hidden = !db_is_null(s, 5);
	struct queue_joined one = {
		.seq = db_int(s, 0),
		.id = db_text(s, 1),
		.source = db_text(s, 2),
		.via = db_text(s, 3),
		.name = db_text(s, 4),
		.hidden = has_hidden ? db_text(s, 5) : NULL,
		.received_ms = db_int(s, 6),
		.cause = db_int(s, 8),
	};
	enum rc rc = inbox_body(store, one.seq, &one.headers, &one.body, err);
	if (rc == RC_OK)
		rc = work_past(store, db_blob(s, 7), &one.past, err);
	if (rc == RC_OK)
		rc = fn(ctx, &one, err);
	inbox_body_done(store);
	return rc;
}

static enum rc walk(
	struct store *store, int64_t run, queue_joined_fn fn, void *ctx, struct err *err)
{
	struct db_stmt *s = db_walk(store->work, JOIN_LIST);
	db_bind_int(store->work, s, 1, run);
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		rc = give(store, s, fn, ctx, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

enum rc work_joined_each(
	struct queue *q, int64_t run_seq, queue_joined_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_read_begin(store, err);
	if (rc != RC_OK)
		return rc;
	if (store->has_work)
		rc = walk(store, run_seq, fn, ctx, err);
	store_read_end(store);
	return rc;
}

enum rc work_words_get(struct queue *q, int64_t run_seq, struct buf *out, struct err *err)
{
	struct store *store = store_of(q);
	bool row;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct db_stmt *s = db_use(store->work, JOIN_WORDS);
	db_bind_int(store->work, s, 1, run_seq);
	rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	rc = buf_put_text(out, db_text(s, 0));
	db_reset(s);
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for what is kept with a run");
}

/* --- decided late ----------------------------------------------------------------------------- */

static enum rc hide(
	struct store *store, int64_t run, int64_t event, const char *hidden, struct err *err)
{
	struct db_stmt *s = db_use(store->work, JOIN_HIDE);
	db_bind_int(store->work, s, 1, run);
	db_bind_int(store->work, s, 2, event);
	db_bind_text(store->work, s, 3, hidden);
	return db_run(store->work, s, err);
}

/* Where it is deeper than what was known. */
static enum rc put_cause(struct store *store, const struct live_run *run, int64_t event,
	const struct queue_cause *cause, struct err *err)
{
	struct queue_cause known;
	enum rc rc = ledger_cause_find(&store->base, run->seq, &known, err);
	if (rc == RC_OK)
		rc = ledger_cause_write(store, event, cause, err);
	if (rc != RC_OK || cause->depth <= known.depth)
		return rc;
	struct db_stmt *s = db_use(store->work, JOIN_CAUSE);
	db_bind_int(store->work, s, 1, run->seq);
	db_bind_int(store->work, s, 2, event);
	return db_run(store->work, s, err);
}

enum rc work_joined_put(struct queue *q, int64_t run_seq, int64_t epoch, int64_t event_seq,
	const struct queue_cause *cause, struct err *err)
{
	struct store *store = store_of(q);
	struct live_run *live;
	enum rc rc = work_live(store, run_seq, epoch, &live, err);
	if (rc != RC_OK)
		return rc;
	struct live_run run = *live;
	if (cause->hidden != NULL)
		rc = event_seq == run.event ? ledger_hide(store, run_seq, cause->hidden, err)
					    : hide(store, run_seq, event_seq, cause->hidden, err);
	if (rc == RC_OK && cause->depth > 0)
		rc = put_cause(store, &run, event_seq, cause, err);
	return work_failed(store, rc, err);
}
