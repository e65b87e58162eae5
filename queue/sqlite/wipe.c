/* SPDX-License-Identifier: MIT */
/*
 * Bytes that were deleted go from the files.
 *
 * From: queue_erase_wipe (work.db), queue_scrub (inbox.db), after the rows are gone. SQLite clears
 * what is deleted within a page (secure_delete = FAST), but leaves pages as they are that become
 * free: those are all taken once by a table of zeros, which is then dropped. Last the WAL is moved
 * and cut to nothing, which has to wait for readers. Bounded per call; a crash in between leaves
 * the table, which the next call drops.
 */
#include <stdio.h>

#include "queue/erase.h"
#include "queue/sqlite/sqlite.h"

#define PAGES 1024     /* taken in one call, 8 MB */
#define TRUNCATE_MS 50 /* to wait for readers */
#define BUSY_MS 5000   /* as sqlite/db.c waits else */

static enum rc number(struct sqlite_db *db, const char *sql, int64_t *ret_n, struct err *err)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
	if (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		*ret_n = sqlite3_column_int64(s, 0);
	rc = sqlite3_finalize(s);
	return rc == SQLITE_OK ? RC_OK
			       : err_set(err, RC_IO, "%s: %s", db->base.path, sqlite3_errstr(rc));
}

/* A full disk is no reason to stop: nothing is lost, it is only not overwritten yet. */
static enum rc execute(struct sqlite_db *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return RC_OK;
	if ((rc & 0xff) == SQLITE_FULL || (rc & 0xff) == SQLITE_NOMEM)
		return err_set(err, RC_BUSY,
			"%s is emptied but not overwritten yet (%s); erase once more when there is "
			"room",
			db->base.path, sqlite3_errstr(rc));
	return queue_break(db->base.owner, err, "%s cannot be overwritten: %s", db->base.path,
		sqlite3_errstr(rc));
}

/* Takes up to PAGES free pages; *ret_left: how many there still are. In an open transaction. */
static enum rc take_free(struct sqlite_db *db, int64_t *ret_left, struct err *err)
{
	int64_t free_n = 0, size = 0;
	char sql[120];
	enum rc rc = execute(db, "CREATE TABLE IF NOT EXISTS wipe (b BLOB) STRICT", err);
	if (rc == RC_OK)
		rc = number(db, "PRAGMA page_size", &size, err);
	for (int64_t taken = 0; rc == RC_OK && taken < PAGES;) {
		rc = number(db, "PRAGMA freelist_count", &free_n, err);
		if (rc != RC_OK || free_n == 0)
			break;
		int64_t n = free_n < PAGES ? free_n : PAGES;
		snprintf(sql, sizeof(sql), "INSERT INTO wipe VALUES (zeroblob(%lld))",
			(long long)(n * (size - 4)));
		rc = execute(db, sql, err);
		taken += n;
	}
	if (rc == RC_OK)
		rc = number(db, "PRAGMA freelist_count", ret_left, err);
	return rc;
}

/* Overwrites free pages, a bounded part; ret_done: there is none left. */
static enum rc wipe(struct sqlite_db *db, bool *ret_done, struct err *err)
{
	int64_t left = 0;
	enum rc rc = db_begin(&db->base, err);
	if (rc == RC_OK)
		rc = take_free(db, &left, err);
	if (rc == RC_OK && left == 0)
		rc = execute(db, "DROP TABLE wipe", err);
	if (rc == RC_OK)
		rc = db_commit(&db->base, err);
	else
		db_rollback(&db->base);
	if (rc == RC_OK)
		*ret_done = left == 0;
	return rc;
}

/* Moves the WAL into the file and cuts it to nothing. ret_done: no reader stood in the way. */
static enum rc cut_log(struct sqlite_db *db, bool *ret_done, struct err *err)
{
	*ret_done = false;
	if (db->base.writing || pthread_mutex_trylock(&db->restart) != 0)
		return RC_OK;
	(void)sqlite3_busy_timeout(db->handle, TRUNCATE_MS);
	int rc =
		sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	(void)sqlite3_busy_timeout(db->handle, BUSY_MS);
	if (rc == SQLITE_OK)
		atomic_store(&db->backfilled, true); /* the next transaction starts it anew */
	pthread_mutex_unlock(&db->restart);
	*ret_done = rc == SQLITE_OK;
	if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
		return RC_OK;
	return err_set(err, RC_IO, "%s: %s", db->base.path, sqlite3_errstr(rc));
}

/* --- the work (runner) ------------------------------------------------------------------------ */

enum rc sqlite_wipe(struct queue *q, bool *ret_done, struct err *err)
{
	struct sqlite_store *store = sqlite_store_of(q);
	*ret_done = false;
	enum rc rc = work_commit(q, err);
	if (rc == RC_OK && !store->wiped)
		rc = wipe(&store->work, &store->wiped, err);
	if (rc == RC_OK && store->wiped)
		rc = cut_log(&store->work, ret_done, err);
	if (rc == RC_OK && *ret_done)
		store->wiped = false; /* for the next time */
	return rc;
}

/* --- the inbox (receiver) --------------------------------------------------------------------- */

static enum rc go_on_wiping(struct sqlite_store *store, bool *ret_more, struct err *err)
{
	struct db *db = &store->inbox.base;
	int64_t wiping = 0;
	bool done = false;
	enum rc rc = db_meta_get(db, "wiping", &wiping, err);
	*ret_more = rc == RC_OK && wiping != 0;
	if (rc != RC_OK || wiping == 0)
		return rc;
	if (!store->wiped)
		rc = wipe(&store->inbox, &store->wiped, err);
	if (rc == RC_OK && store->wiped)
		rc = cut_log(&store->inbox, &done, err);
	if (rc != RC_OK || !done)
		return rc;
	store->wiped = false;
	*ret_more = false;
	rc = db_begin(db, err);
	if (rc == RC_OK)
		rc = db_meta_put(db, "wiping", 0, err);
	return rc == RC_OK ? db_commit(db, err) : rc;
}

enum rc sqlite_scrub(struct queue *q, bool *ret_more, struct err *err)
{
	struct store *store = store_of(q);
	*ret_more = false;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	rc = inbox_scrub_some(store, ret_more, err);
	if (rc == RC_OK && *ret_more)
		sqlite_store_of(q)->wiped = false;
	return rc == RC_OK && !*ret_more ? go_on_wiping(sqlite_store_of(q), ret_more, err) : rc;
}
