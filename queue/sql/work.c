/* SPDX-License-Identifier: MIT */
/*
 * The work as a whole: its transaction, its progress, and the one setter of states.
 *
 * From: the files of sql/ that write the work. Progress (position, last numbers, counts by state)
 * lives in memory on the runner and is written once per transaction, so that counting costs readers
 * one row. Where a write fails in the middle of a transaction, memory and file differ: the handle
 * is broken then, and a successor reads what was committed.
 */
#include <string.h>

#include "queue/sql/sql.h"

static void decode(const uint8_t *bytes, struct counts *ret_counts)
{
	int64_t all[2 * QUEUE_STATE_N];
	for (size_t i = 0; i < ARRAY_N(all); i++) {
		uint64_t v = 0;
		for (int b = 7; b >= 0; b--)
			v = v << 8 | bytes[i * 8 + (size_t)b];
		all[i] = (int64_t)v;
	}
	memcpy(ret_counts->events, all, sizeof(ret_counts->events));
	memcpy(ret_counts->runs, all + QUEUE_STATE_N, sizeof(ret_counts->runs));
}

static void encode(const struct counts *counts, uint8_t *bytes)
{
	for (size_t i = 0; i < 2 * QUEUE_STATE_N; i++) {
		uint64_t v = (uint64_t)(i < QUEUE_STATE_N ? counts->events[i]
							  : counts->runs[i - QUEUE_STATE_N]);
		for (size_t b = 0; b < 8; b++, v >>= 8)
			bytes[i * 8 + b] = (uint8_t)v;
	}
}

enum { COUNTS_BYTES = 2 * QUEUE_STATE_N * 8 };

/* Of a shared store also the news and what copies take. */
static enum rc progress_load(struct store *store, struct progress *ret_progress, int64_t *ret_news,
	int64_t *ret_bytes, struct err *err)
{
	struct db *db = store->work;
	struct db_stmt *s = db_use(db, WORK_PROGRESS);
	bool row;
	enum rc rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	struct slice counts = row ? db_blob(s, 3) : (struct slice){0};
	if (counts.n == COUNTS_BYTES) {
		*ret_progress = (struct progress){
			.position = db_int(s, 0),
			.last_event = db_int(s, 1),
			.last_run = db_int(s, 2),
		};
		decode((const uint8_t *)counts.p, &ret_progress->counts);
		if (db->driver->shared) {
			*ret_news = db_int(s, 4);
			*ret_bytes = db_int(s, 5);
		}
	} else {
		rc = queue_break(&store->base, err,
			"%s is damaged: its progress cannot be read; restore a backup", db->path);
	}
	db_reset(s);
	return rc;
}

enum rc work_progress_load(struct store *store, struct progress *ret_progress, struct err *err)
{
	int64_t news, bytes;
	return progress_load(store, ret_progress, &news, &bytes, err);
}

static enum rc progress_put(struct store *store, struct err *err)
{
	struct progress *p = &store->progress;
	if (!p->changed)
		return RC_OK;
	uint8_t counts[COUNTS_BYTES];
	encode(&p->counts, counts);
	struct db_stmt *s = db_use(store->work, WORK_PROGRESS_PUT);
	db_bind_int(store->work, s, 1, p->position);
	db_bind_int(store->work, s, 2, p->last_event);
	db_bind_int(store->work, s, 3, p->last_run);
	db_bind_blob(store->work, s, 4, (struct slice){(const char *)counts, sizeof(counts)});
	p->changed = false;
	return db_run(store->work, s, err);
}

enum rc work_open(struct store *store, struct err *err)
{
	struct db *db = store->work;
	enum rc rc = db_begin(db, err);
	/* Of several that open a new store, one makes the seed by which all of them hash keys. */
	if (rc == RC_OK && db->driver->shared)
		rc = db_run(db, db_use(db, WORK_LOCK), err);
	if (rc == RC_OK)
		rc = seen_open(&store->seen, db, SEEN_MAX, err);
	if (rc == RC_OK)
		rc = work_progress_load(store, &store->progress, err);
	if (rc == RC_OK)
		rc = work_copies_open(store, err);
	if (rc == RC_OK)
		rc = work_pauses_open(store, err);
	return rc == RC_OK ? db_commit(db, err) : rc;
}

/* Others have written since: alone from here to the commit, and with what they have left. */
static enum rc catch_up(struct store *store, struct err *err)
{
	int64_t news = store->news;
	enum rc rc = db_run(store->work, db_use(store->work, WORK_LOCK), err);
	if (rc == RC_OK && store->fence != NULL)
		rc = store->fence(store, err);
	if (rc == RC_OK)
		rc = progress_load(store, &store->progress, &news, &store->copies.bytes, err);
	if (rc != RC_OK || news == store->news)
		return rc;
	store->news = news;
	work_sources_forget(store);
	work_pauses_done(store);
	return work_pauses_open(store, err);
}

enum rc work_begin(struct store *store, struct err *err)
{
	if (store->work->writing)
		return RC_OK;
	enum rc rc = db_begin(store->work, err);
	if (rc != RC_OK || !store->work->driver->shared)
		return rc;
	rc = catch_up(store, err);
	store->work->wrote = false;
	store->limits.counted = false;
	store->due = false;
	return work_failed(store, rc, err);
}

enum rc work_alone(struct store *store, struct err *err)
{
	return store->work->driver->shared ? work_begin(store, err) : RC_OK;
}

enum rc work_quiet(struct store *store, enum rc rc)
{
	struct db *db = store->work;
	if (db->driver->shared && db->writing && !db->wrote && !store->progress.changed)
		db_rollback(db);
	return rc;
}

enum rc work_leads(struct store *store, struct err *err)
{
	return store->follows ? err_set(err, RC_STALE, "another runner leads on this store")
			      : RC_OK;
}

enum rc work_failed(struct store *store, enum rc rc, struct err *err)
{
	if (rc == RC_OK)
		return rc;
	/* The others must not wait for what nobody will commit. */
	if (store->work->driver->shared)
		db_rollback(store->work);
	if (atomic_load(&store->base.broken))
		return rc;
	return queue_break(&store->base, err,
		"a write to the store failed half way (%s); what was committed is kept, start "
		"again",
		err != NULL ? err->msg : rc_text(rc));
}

enum rc work_commit(struct queue *q, struct err *err)
{
	struct store *store = store_of(q);
	if (!store->work->writing)
		return RC_OK;
	enum rc rc = progress_put(store, err);
	if (rc == RC_OK)
		rc = work_sources_count(store, err);
	if (rc == RC_OK)
		rc = work_copies_count(store, err);
	if (rc == RC_OK && store->due && store->tell != NULL)
		store->tell(store);
	if (rc == RC_OK)
		rc = db_commit(store->work, err);
	return work_failed(store, rc, err);
}

enum rc work_move(struct store *store, enum queue_state from, enum queue_state to, struct err *err)
{
	if (from == to)
		return RC_OK;
	if (!queue_state_may(from, to))
		return err_set(err, RC_INVALID, "a run cannot go from %s to %s",
			queue_state_name(from), queue_state_name(to));
	store->progress.counts.runs[from]--;
	store->progress.counts.runs[to]++;
	store->progress.changed = true;
	store->due = store->due || to == QUEUE_DUE;
	return RC_OK;
}

enum rc work_event_move(struct store *store, int64_t event, enum queue_state from,
	enum queue_state to, int64_t open, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_EVENT_MOVE);
	db_bind_int(store->work, s, 1, event);
	db_bind_int(store->work, s, 2, to);
	db_bind_int(store->work, s, 3, open);
	enum rc rc = db_run(store->work, s, err);
	if (rc != RC_OK || from == to)
		return rc;
	store->progress.counts.events[from]--;
	store->progress.counts.events[to]++;
	store->progress.changed = true;
	return RC_OK;
}

enum rc work_run_put_state(
	struct store *store, int64_t seq, enum queue_state state, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_RUN_MOVE);
	db_bind_int(store->work, s, 1, seq);
	db_bind_int(store->work, s, 2, state);
	return db_run(store->work, s, err);
}

enum rc work_delete(struct store *store, struct db_stmt *s, size_t *ret_n, struct err *err)
{
	int64_t n = 0;
	enum rc rc = db_run(store->work, s, err);
	if (rc == RC_OK)
		rc = db_changed(store->work, &n, err);
	if (rc == RC_OK)
		*ret_n = (size_t)n;
	return work_failed(store, rc, err);
}

enum rc work_news(struct store *store, struct err *err)
{
	if (!store->work->driver->shared)
		return RC_OK;
	store->news++;
	store->due = true;
	return db_run(store->work, db_use(store->work, WORK_NEWS), err);
}
