/* SPDX-License-Identifier: MIT */
/*
 * How much of what there is.
 * From: queue_count. To: the row of counters that the runner keeps, and what the inbox holds beyond
 * the position; a handful of looks, however large the store is.
 */
#include <string.h>

#include "queue/sql/sql.h"

/* One number of one row; 0 where there is none. */
static enum rc number(struct db *db, int sql, int64_t *ret_value, struct err *err)
{
	return db_number(db, db_use(db, sql), ret_value, err);
}

/* The same of what lies behind the position. */
static enum rc number_after(
	struct db *db, int sql, int64_t position, int64_t *ret_value, struct err *err)
{
	struct db_stmt *s = db_use(db, sql);
	db_bind_int(db, s, 1, position);
	return db_number(db, s, ret_value, err);
}

static enum rc count_inbox(struct store *store, int64_t position, struct queue_counts *counts,
	int64_t *ret_oldest_ms, struct err *err)
{
	struct db *db = store->inbox;
	int64_t last = 0, quarantined = 0;
	*ret_oldest_ms = 0;
	if (!store->has_inbox)
		return RC_OK;
	enum rc rc = number(db, INBOX_LAST, &last, err);
	if (rc != RC_OK || last <= position)
		return rc;
	rc = number_after(db, INBOX_QUARANTINED, position, &quarantined, err);
	if (rc == RC_OK)
		rc = number_after(db, INBOX_OLDEST, position, ret_oldest_ms, err);
	/* Numbers are given without gaps, and only what has been routed is removed. */
	counts->events[QUEUE_QUARANTINED] += quarantined;
	counts->events[QUEUE_DUE] += last - position - quarantined;
	return rc;
}

/* What others have counted beside the row of counters. */
static enum rc add_moved(struct store *store, struct queue_counts *counts, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_MOVED);
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		int64_t what = db_int(s, 0), n = db_int(s, 1);
		if (what >= 0 && what < QUEUE_STATE_N)
			counts->events[what] += n;
		else if (what >= 0 && what < 2 * QUEUE_STATE_N)
			counts->runs[what - QUEUE_STATE_N] += n;
	}
}

static enum rc count(struct store *store, struct queue_counts *counts, struct err *err)
{
	struct progress progress;
	int64_t oldest = 0, oldest_raw = 0;
	enum rc rc = store_progress(store, &progress, err);
	if (rc != RC_OK)
		return rc;
	memcpy(counts->events, progress.counts.events, sizeof(counts->events));
	memcpy(counts->runs, progress.counts.runs, sizeof(counts->runs));
	if (store->has_work && store->work->driver->shared)
		rc = add_moved(store, counts, err);
	if (rc == RC_OK && store->has_work)
		rc = number(store->work, WORK_OLDEST_OPEN, &oldest, err);
	if (rc == RC_OK)
		rc = count_inbox(store, progress.position, counts, &oldest_raw, err);
	counts->oldest_open_ms = oldest != 0 ? oldest : oldest_raw;
	return rc;
}

enum rc store_count(struct queue *q, struct queue_counts *ret_counts, struct err *err)
{
	struct store *store = store_of(q);
	struct queue_counts counts = {{0}, {0}, 0};
	enum rc rc = store_read_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = count(store, &counts, err);
	store_read_end(store);
	if (rc == RC_OK)
		*ret_counts = counts;
	return rc;
}
