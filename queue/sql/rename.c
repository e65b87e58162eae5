/* SPDX-License-Identifier: MIT */
/*
 * Rules that have got another name: the tables run, session, written, spend, issue, and renamed,
 * where it is noted what was done.
 * From: queue_rename. To: work.db, in the open transaction.
 */
#include "queue/sql/sql.h"

static enum rc is_done(
	struct store *store, const char *from, const char *to, bool *ret_done, struct err *err)
{
	struct db_stmt *s = db_use(store->work, RENAME_DONE);
	db_bind_text(store->work, s, 1, from);
	db_bind_text(store->work, s, 2, to);
	enum rc rc = db_row(store->work, s, ret_done, err);
	db_reset(s);
	return rc;
}

enum rc work_rename(
	struct queue *q, const char *from, const char *to, bool *ret_moved, struct err *err)
{
	static const int steps[] = {RENAME_RUNS, RENAME_SESSIONS, RENAME_CLOSE, RENAME_WRITTEN,
		RENAME_SPEND, RENAME_SPENT, RENAME_ISSUES, RENAME_BACK, RENAME_NOTE};
	struct store *store = store_of(q);
	struct db *db = store->work;
	bool done = false;
	enum rc rc = work_begin(store, err);
	if (rc == RC_OK)
		rc = is_done(store, from, to, &done, err);
	for (size_t i = 0; i < ARRAY_N(steps) && rc == RC_OK && !done; i++) {
		struct db_stmt *s = db_use(db, steps[i]);
		db_bind_text(db, s, 1, from);
		db_bind_text(db, s, 2, to);
		rc = db_run(db, s, err);
	}
	if (rc != RC_OK)
		return work_failed(store, rc, err);
	*ret_moved = !done;
	return RC_OK;
}
