/* SPDX-License-Identifier: MIT */
/*
 * Retention: what is past its time goes, by age, and past a size of the store the oldest first.
 *
 * From: queue_prune; the receiver removes deliveries, the runner runs with their journal, and
 * events whose runs are gone. Both look from the oldest on, a bounded number of rows per call, and
 * go on there with the next call. What is still to be done is never removed. Freed pages are used
 * again; the files do not shrink (see sqlite/db.c).
 */
#include <stdlib.h>

#include "queue/sql/sql.h"

enum { LOOK_N = 10000 }; /* rows looked at in one call, whether they go or not */
enum { PAGE_N = 1000 };  /* rows that a shared database answers at once */
enum { ANY_PLACE = -1 };

struct pruning { /* one call */
	struct store *store;
	int64_t runs_before_ms, events_before_ms; /* INT64_MIN: none by age */
	int64_t excess_bytes;                     /* > 0: the store is too large */
	/* Where the store says what has to go of which rows: its size may be so much; 0: any. */
	int64_t most_bytes;
	int64_t excess[STORE_ROWS_N], gone_bytes;
	size_t most, n; /* rows that may go; that went */
	struct victim {
		int64_t seq;
		enum queue_state state;
		int64_t source; /* of a run */
		bool joined;
	} * victims;
	size_t victims_n;
};

static enum rc size_apart(struct store *store, int64_t *ret_bytes, struct err *err)
{
	int64_t copies = 0, kept = 0;
	enum rc rc = db_meta_get(store->work, "copy_bytes", &copies, err);
	if (rc == RC_OK)
		rc = work_kv_bytes(store, &kept, err);
	*ret_bytes = copies + kept;
	return rc;
}

/* Without the copies of records and what rules keep: no pruning would make those fewer, so that
 * past a size of them alone nothing else could be kept. */
static enum rc size_of_store(struct store *store, int64_t *ret_bytes, struct err *err)
{
	int64_t inbox = 0, work = 0, apart = 0;
	enum rc rc = RC_OK;
	if (store->has_inbox)
		rc = db_size(store->inbox, &inbox, err);
	if (rc == RC_OK && store->has_work)
		rc = db_size(store->work, &work, err);
	if (rc == RC_OK && store->has_work)
		rc = size_apart(store, &apart, err);
	*ret_bytes = inbox + (apart < work ? work - apart : 0);
	return rc;
}

/* What is too much of these rows; alone: nobody else prunes them now. A look behind the lock of
 * others, in a transaction that is kept until they have gone. */
static enum rc weigh(struct pruning *p, enum store_rows what, bool *alone, struct err *err)
{
	bool is = true;
	if (p->most_bytes == 0)
		return RC_OK;
	enum rc rc = p->store->excess(p->store, what, p->most_bytes, &p->excess[what], &is, err);
	*alone = *alone && is;
	return rc;
}

/* From here on it is about these rows. */
static void turn_to(struct pruning *p, enum store_rows what)
{
	p->gone_bytes = 0;
	if (p->most_bytes > 0)
		p->excess_bytes = p->excess[what];
}

static void choose(struct pruning *p, int64_t seq, enum queue_state state)
{
	p->victims[p->victims_n++] = (struct victim){seq, state, 0, false};
}

/* Of one that was chosen. */
static void take_bytes(struct pruning *p, int64_t bytes)
{
	p->excess_bytes -= bytes;
	p->gone_bytes += bytes;
}

/* What stands behind `at`, up to a place where there is one; a page of it from a shared database,
 * whose statements have the size of a page as their last parameter. */
static struct db_stmt *past_use(struct db *db, int sql, int64_t at, int64_t upto, bool weighs)
{
	struct db_stmt *s = db_use(db, sql);
	int n = 0;
	db_bind_int(db, s, ++n, at);
	if (upto != ANY_PLACE)
		db_bind_int(db, s, ++n, upto);
	if (db->driver->shared)
		db_bind_int(db, s, ++n, PAGE_N);
	if (db->driver->shared && upto == ANY_PLACE) /* what each takes costs looks elsewhere */
		db_bind_int(db, s, ++n, weighs);
	return s;
}

/* The next row behind `at`, of the next page where one has ended. looked: rows before it, in this
 * call. */
static enum rc past_row(struct db_stmt **s, int sql, int looked, int64_t at, int64_t upto,
	bool weighs, bool *ret_row, struct err *err)
{
	struct db *db = (*s)->db;
	enum rc rc = db_row(db, *s, ret_row, err);
	if (rc != RC_OK || *ret_row || !db->driver->shared || looked == 0 || looked % PAGE_N != 0)
		return rc;
	*s = past_use(db, sql, at, upto, weighs);
	return db_row(db, *s, ret_row, err);
}

/* The backend removes all victims at once. */
static enum rc forget(struct pruning *p, enum store_rows what, struct err *err)
{
	int64_t *seqs = calloc(p->victims_n, sizeof(*seqs));
	if (seqs == NULL)
		return err_set(err, RC_NOMEM, "out of memory for pruning");
	for (size_t i = 0; i < p->victims_n; i++)
		seqs[i] = p->victims[i].seq;
	enum rc rc = p->store->forget(p->store, what, seqs, p->victims_n, err);
	free(seqs);
	int64_t n = 0;
	if (rc == RC_OK && p->most_bytes > 0)
		rc = db_changed(p->store->work, &n, err);
	if (rc == RC_OK && p->most_bytes > 0)
		rc = p->store->freed(p->store, what, p->gone_bytes, n, err);
	return rc;
}

static bool full(const struct pruning *p)
{
	return p->n + p->victims_n >= p->most;
}

/* --- deliveries (receiver)
 * ------------------------------------------------------------------------ */

static enum rc event_is_open(struct store *store, int64_t event, bool *ret_open, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_EVENT_OPEN);
	db_bind_int(store->work, s, 1, event);
	enum rc rc = db_row(store->work, s, ret_open, err);
	if (rc == RC_OK)
		db_reset(s);
	return rc;
}

static enum rc choose_deliveries(struct pruning *p, int64_t position, struct err *err)
{
	struct store *store = p->store;
	struct db *db = store->inbox;
	struct db_stmt *s = past_use(db, INBOX_PAST, store->pruned_to, position, true);
	enum rc rc = RC_OK;
	for (int looked = 0; looked < LOOK_N && !full(p); looked++) {
		bool row, open = false;
		rc = past_row(&s, INBOX_PAST, looked, store->pruned_to, position, true, &row, err);
		if (rc != RC_OK)
			return rc;
		bool old = row && db_int(s, 1) < p->events_before_ms;
		if (!row || (!old && p->excess_bytes <= 0)) {
			store->pruned_to = 0; /* the next round begins at the front */
			break;
		}
		int64_t seq = db_int(s, 0);
		if (db->driver->shared)
			open = db_int(s, 3) != 0;
		else
			rc = event_is_open(store, event_seq_of(seq), &open, err);
		if (rc != RC_OK)
			break;
		store->pruned_to = seq;
		if (!open) {
			choose(p, seq, QUEUE_DONE);
			take_bytes(p, db_int(s, 2));
		}
	}
	db_reset(s);
	return rc;
}

static enum rc seen_least_again(struct store *store, struct db *db, struct err *err)
{
	bool row;
	struct db_stmt *s = db_use(db, SQL_SEEN_LEAST);
	enum rc rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	if (row && !db_is_null(s, 0))
		seen_set_least(&store->seen, db_int(s, 0));
	db_reset(s);
	return RC_OK;
}

static enum rc delete_by_seq(struct db *db, int sql, int64_t seq, struct err *err)
{
	struct db_stmt *s = db_use(db, sql);
	db_bind_int(db, s, 1, seq);
	return db_run(db, s, err);
}

static enum rc delete_deliveries(struct pruning *p, struct err *err)
{
	struct store *store = p->store;
	struct db *db = store->inbox;
	if (store->forget != NULL) /* numbers and keys are the database's */
		return forget(p, STORE_DELIVERIES, err);
	enum rc rc = db_meta_put(db, "last_seq", store->last_delivery, err);
	for (size_t i = 0; rc == RC_OK && i < p->victims_n; i++) {
		rc = delete_by_seq(db, INBOX_DELETE, p->victims[i].seq, err);
		if (rc == RC_OK)
			rc = seen_delete(&store->seen, p->victims[i].seq, err);
	}
	return rc == RC_OK ? seen_least_again(store, db, err) : rc;
}

static enum rc choose_in_inbox(struct pruning *p, struct err *err)
{
	struct progress progress;
	bool alone = true;
	enum rc rc = work_progress_load(p->store, &progress, err);
	if (rc == RC_OK && p->most_bytes > 0)
		rc = db_begin(p->store->inbox, err);
	if (rc == RC_OK)
		rc = weigh(p, STORE_DELIVERIES, &alone, err);
	turn_to(p, STORE_DELIVERIES);
	return rc == RC_OK && alone ? choose_deliveries(p, progress.position, err) : rc;
}

static enum rc prune_inbox(struct pruning *p, struct err *err)
{
	struct store *store = p->store;
	if (!store->has_work)
		return RC_OK;
	enum rc rc = choose_in_inbox(p, err);
	if (rc != RC_OK || p->victims_n == 0) {
		db_rollback(store->inbox);
		return rc;
	}
	rc = db_begin(store->inbox, err);
	if (rc != RC_OK)
		return rc;
	int64_t least = store->seen.least;
	rc = delete_deliveries(p, err);
	if (rc == RC_OK)
		rc = db_commit(store->inbox, err);
	if (rc != RC_OK) {
		db_rollback(store->inbox);
		seen_set_least(&store->seen, least);
	}
	p->n += rc == RC_OK ? p->victims_n : 0;
	return rc;
}

/* --- runs, their journal, and events (runner)
 * ----------------------------------------------------- */

static enum rc choose_runs(struct pruning *p, struct err *err)
{
	struct store *store = p->store;
	struct db *db = store->work;
	bool weighs = p->most_bytes > 0 && p->excess_bytes > 0;
	struct db_stmt *s = past_use(db, WORK_PAST_RUNS, store->pruned_to, ANY_PLACE, weighs);
	for (int looked = 0; looked < LOOK_N && !full(p); looked++) {
		bool row;
		enum rc rc = past_row(
			&s, WORK_PAST_RUNS, looked, store->pruned_to, ANY_PLACE, weighs, &row, err);
		if (rc != RC_OK)
			return rc;
		bool over = p->excess_bytes > 0;
		/* Nothing ends before it was made. */
		if (!row || (!over && db_int(s, 2) >= p->runs_before_ms)) {
			store->pruned_to = 0;
			break;
		}
		int64_t seq = db_int(s, 0);
		enum queue_state state = (enum queue_state)(int)db_int(s, 1);
		store->pruned_to = seq;
		if (queue_state_ended(state) && (over || db_int(s, 3) < p->runs_before_ms)) {
			choose(p, seq, state);
			p->victims[p->victims_n - 1].source = db_int(s, 4);
			p->victims[p->victims_n - 1].joined = (int)db_int(s, 5) > 0;
			if (weighs)
				take_bytes(p, db_int(s, 6));
		}
	}
	db_reset(s);
	return RC_OK;
}

static enum rc delete_run(struct store *store, int64_t seq, struct err *err)
{
	enum rc rc = work_calls_forget(store, seq, err);
	if (rc == RC_OK)
		rc = delete_by_seq(store->work, WORK_RUN_DELETE, seq, err);
	if (rc == RC_OK)
		rc = delete_by_seq(store->work, LEDGER_SHOW, seq, err);
	return rc == RC_OK ? delete_by_seq(store->work, SHADOW_DROP, seq, err) : rc;
}

/* Neighbours mostly are of one source: it is told once. */
static enum rc leave_sources(struct pruning *p, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0, n; rc == RC_OK && i < p->victims_n; i += n) {
		for (n = 1; i + n < p->victims_n; n++)
			if (p->victims[i + n].source != p->victims[i].source)
				break;
		rc = work_source_leave_n(p->store, p->victims[i].source, (int64_t)n, err);
	}
	return rc;
}

static enum rc delete_runs(struct pruning *p, struct err *err)
{
	struct store *store = p->store;
	bool each = store->forget == NULL;
	enum rc rc = each ? RC_OK : forget(p, STORE_RUNS, err);
	if (rc == RC_OK)
		rc = leave_sources(p, err);
	for (size_t i = 0; rc == RC_OK && i < p->victims_n; i++) {
		if (each)
			rc = delete_run(store, p->victims[i].seq, err);
		if (rc == RC_OK && p->victims[i].joined)
			rc = join_forget(store, p->victims[i].seq, err);
		store->progress.counts.runs[p->victims[i].state]--;
	}
	store->progress.changed = true;
	p->n += p->victims_n;
	p->victims_n = 0;
	return rc;
}

static enum rc has_runs(
	struct store *store, int64_t first, int64_t n, bool *ret_has, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_RUNS_LEFT);
	db_bind_int(store->work, s, 1, first);
	db_bind_int(store->work, s, 2, first + n - 1);
	enum rc rc = db_row(store->work, s, ret_has, err);
	if (rc == RC_OK)
		db_reset(s);
	return rc;
}

static enum rc choose_events(struct pruning *p, struct err *err)
{
	struct store *store = p->store;
	struct db *db = store->work;
	bool weighs = p->most_bytes > 0 && p->excess_bytes > 0;
	struct db_stmt *s =
		past_use(db, WORK_PAST_EVENTS, store->pruned_event_to, ANY_PLACE, weighs);
	enum rc rc = RC_OK;
	for (int looked = 0; looked < LOOK_N && !full(p); looked++) {
		bool row, left = false;
		rc = past_row(&s, WORK_PAST_EVENTS, looked, store->pruned_event_to, ANY_PLACE,
			weighs, &row, err);
		if (rc != RC_OK)
			return rc;
		bool old = row && db_int(s, 3) < p->events_before_ms;
		if (!row || (!old && p->excess_bytes <= 0)) {
			store->pruned_event_to = 0;
			break;
		}
		int64_t seq = db_int(s, 0);
		store->pruned_event_to = seq;
		if (db_int(s, 2) > 0)
			continue;
		if (db_int(s, 5) > 0)
			rc = has_runs(store, db_int(s, 4), db_int(s, 5), &left, err);
		if (rc == RC_OK && !left && db_int(s, 6) > 0)
			rc = join_left(store, seq, &left, err);
		if (rc != RC_OK)
			break;
		if (left)
			continue;
		choose(p, seq, (enum queue_state)(int)db_int(s, 1));
		if (weighs)
			take_bytes(p, db_int(s, 7));
	}
	db_reset(s);
	return rc;
}

static enum rc delete_event(struct store *store, int64_t seq, struct err *err)
{
	struct db *db = store->work;
	enum rc rc = delete_by_seq(db, WORK_EVENT_DELETE, seq, err);
	if (rc == RC_OK && !event_delivered(seq))
		rc = delete_by_seq(db, WORK_EVENT_BODY_DELETE, seq, err);
	if (rc == RC_OK)
		rc = delete_by_seq(db, LEDGER_CAUSE_DELETE, seq, err);
	return rc == RC_OK ? seen_delete(&store->seen, seq, err) : rc;
}

static enum rc delete_events(struct pruning *p, struct err *err)
{
	struct store *store = p->store;
	bool each = store->forget == NULL;
	enum rc rc = each ? RC_OK : forget(p, STORE_EVENTS, err);
	for (size_t i = 0; rc == RC_OK && i < p->victims_n; i++) {
		if (each)
			rc = delete_event(store, p->victims[i].seq, err);
		store->progress.counts.events[p->victims[i].state]--;
	}
	store->progress.changed = true;
	p->n += p->victims_n;
	p->victims_n = 0;
	return rc == RC_OK && each ? seen_least_again(store, store->work, err) : rc;
}

static enum rc prune_runs(struct pruning *p, struct err *err)
{
	turn_to(p, STORE_RUNS);
	enum rc rc = choose_runs(p, err);
	if (rc != RC_OK || p->victims_n == 0)
		return rc;
	rc = work_begin(p->store, err);
	return rc == RC_OK ? work_failed(p->store, delete_runs(p, err), err) : rc;
}

static enum rc prune_events(struct pruning *p, struct err *err)
{
	turn_to(p, STORE_EVENTS);
	enum rc rc = choose_events(p, err);
	if (rc != RC_OK || p->victims_n == 0)
		return rc;
	rc = work_begin(p->store, err);
	return rc == RC_OK ? work_failed(p->store, delete_events(p, err), err) : rc;
}

static enum rc prune_work(struct pruning *p, struct err *err)
{
	bool alone = true;
	/* Others may try a run again that is looked at. */
	enum rc rc = work_alone(p->store, err);
	if (rc == RC_OK)
		rc = weigh(p, STORE_RUNS, &alone, err);
	if (rc == RC_OK)
		rc = weigh(p, STORE_EVENTS, &alone, err);
	if (rc == RC_OK && alone)
		rc = prune_runs(p, err);
	if (rc == RC_OK && alone)
		rc = prune_events(p, err);
	return work_quiet(p->store, rc);
}

/* --- both
 * ------------------------------------------------------------------------------------------ */

static int64_t before(int64_t age_ms, int64_t now_wall_ms)
{
	return age_ms > 0 ? now_wall_ms - age_ms : INT64_MIN;
}

static enum rc limit_size(struct pruning *p, int64_t most_bytes, struct err *err)
{
	int64_t bytes = 0;
	enum rc rc = store_need_inbox(p->store, err);
	if (rc == RC_OK)
		rc = store_need_work(p->store, err);
	if (rc != RC_OK || most_bytes <= 0)
		return rc;
	rc = p->store->excess != NULL ? size_apart(p->store, &bytes, err)
				      : size_of_store(p->store, &bytes, err);
	if (rc == RC_OK && p->store->excess != NULL)
		p->most_bytes = most_bytes + bytes;
	else if (rc == RC_OK)
		p->excess_bytes = bytes - most_bytes;
	return rc;
}

enum rc store_prune(struct queue *q, const struct queue_retention *keep, int64_t now_wall_ms,
	size_t most, size_t *ret_n, struct err *err)
{
	struct pruning p = {
		.store = store_of(q),
		.runs_before_ms = before(keep->runs_ms, now_wall_ms),
		.events_before_ms = before(keep->events_ms, now_wall_ms),
		.most = most < LOOK_N ? most : LOOK_N,
	};
	enum rc rc = limit_size(&p, keep->size_bytes, err);
	if (rc != RC_OK)
		return rc;
	p.victims = calloc(p.most + 1, sizeof(*p.victims));
	if (p.victims == NULL)
		return err_set(err, RC_NOMEM, "out of memory for pruning");
	rc = q->side == QUEUE_RECEIVER ? prune_inbox(&p, err) : prune_work(&p, err);
	free(p.victims);
	if (rc == RC_OK)
		*ret_n = p.n;
	return rc;
}
