/* SPDX-License-Identifier: MIT */
/*
 * Issues that want somebody's eyes, and the log of what people had done.
 * From: the runner, by queue_issue_put and queue_audit_put; anybody who reads. To: the tables issue
 * and audit of work.db, in the open transaction. Fails as the database does.
 */
#include "queue/sqlite.h"

enum rc work_issue_put(struct queue *q, const struct queue_issue *issue, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	sqlite3_stmt *s = db_use(&store->work, ISSUE_PUT);
	db_bind_text(&store->work, s, 1, issue->kind);
	db_bind_text(&store->work, s, 2, issue->about);
	db_bind_text(&store->work, s, 3, issue->text);
	db_bind_text(&store->work, s, 4, issue->event != NULL ? issue->event : "");
	db_bind_int(&store->work, s, 5, issue->count);
	db_bind_int(&store->work, s, 6, issue->last_ms);
	return work_failed(store, db_run(&store->work, s, err), err);
}

enum rc work_issue_acknowledge(
	struct queue *q, const char *kind, const char *about, struct err *err)
{
	struct store *store = store_of(q);
	bool row;
	sqlite3_stmt *s = db_use(&store->work, ISSUE_FIND);
	db_bind_text(&store->work, s, 1, kind);
	db_bind_text(&store->work, s, 2, about);
	enum rc rc = db_row(&store->work, s, &row, err);
	if (rc != RC_OK)
		return rc;
	if (!row)
		return err_set(err, RC_NOT_FOUND, "there is no issue %.40s of %.150s", kind, about);
	sqlite3_reset(s);
	rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	s = db_use(&store->work, ISSUE_ACKNOWLEDGE);
	db_bind_text(&store->work, s, 1, kind);
	db_bind_text(&store->work, s, 2, about);
	return work_failed(store, db_run(&store->work, s, err), err);
}

enum rc work_issue_each(struct queue *q, queue_issue_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	sqlite3_stmt *s = db_use(&store->work, ISSUES);
	for (;;) {
		bool row;
		rc = db_row(&store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_issue issue = {
			.kind = db_text(s, 0),
			.about = db_text(s, 1),
			.text = db_text(s, 2),
			.event = db_text(s, 3),
			.count = sqlite3_column_int64(s, 4),
			.first_ms = sqlite3_column_int64(s, 5),
			.last_ms = sqlite3_column_int64(s, 6),
			.acknowledged = sqlite3_column_int(s, 7) != 0,
		};
		rc = fn(ctx, &issue, err);
		if (rc != RC_OK) {
			sqlite3_reset(s);
			return rc;
		}
	}
}

/* --- audit ------------------------------------------------------------------------------------ */

enum rc work_audit_put(
	struct queue *q, const struct queue_audit *audit, int64_t *ret_seq, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	sqlite3_stmt *s = db_use(&store->work, AUDIT_PUT);
	db_bind_int(&store->work, s, 1, audit->at_ms);
	db_bind_int(&store->work, s, 2, audit->uid);
	db_bind_text(&store->work, s, 3, audit->what);
	db_bind_int(&store->work, s, 4, audit->n);
	db_bind_text(&store->work, s, 5, audit->result != NULL ? audit->result : "");
	rc = work_failed(store, db_run(&store->work, s, err), err);
	if (rc == RC_OK)
		*ret_seq = sqlite3_last_insert_rowid(store->work.handle);
	return rc;
}

enum rc work_audit_end(struct queue *q, int64_t seq, int64_t n, const char *result, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	sqlite3_stmt *s = db_use(&store->work, AUDIT_END);
	db_bind_int(&store->work, s, 1, seq);
	db_bind_int(&store->work, s, 2, n);
	db_bind_text(&store->work, s, 3, result);
	return work_failed(store, db_run(&store->work, s, err), err);
}

enum rc work_audit_each(
	struct queue *q, size_t limit, queue_audit_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	sqlite3_stmt *s = db_use(&store->work, AUDITS);
	db_bind_int(&store->work, s, 1, limit > 0 ? (int64_t)limit : -1);
	for (;;) {
		bool row;
		rc = db_row(&store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_audit audit = {
			.seq = sqlite3_column_int64(s, 0),
			.at_ms = sqlite3_column_int64(s, 1),
			.uid = sqlite3_column_int64(s, 2),
			.what = db_text(s, 3),
			.n = sqlite3_column_int64(s, 4),
			.result = db_text(s, 5),
		};
		rc = fn(ctx, &audit, err);
		if (rc != RC_OK) {
			sqlite3_reset(s);
			return rc;
		}
	}
}
