/* SPDX-License-Identifier: MIT */
/*
 * Issues that want somebody's eyes, and the log of what people had done.
 * From: the runner, by queue_issue_put and queue_audit_put; anybody who reads. To: the tables issue
 * and audit of work.db, in the open transaction. Fails as the database does.
 */
#include "queue/sql/sql.h"

enum rc work_issue_put(struct queue *q, const struct queue_issue *issue, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, ISSUE_PUT);
	db_bind_text(store->work, s, 1, issue->kind);
	db_bind_text(store->work, s, 2, issue->about);
	db_bind_text(store->work, s, 3, issue->text);
	db_bind_text(store->work, s, 4, issue->event != NULL ? issue->event : "");
	db_bind_int(store->work, s, 5, issue->count);
	db_bind_int(store->work, s, 6, issue->last_ms);
	return work_failed(store, db_run(store->work, s, err), err);
}

enum rc work_issue_acknowledge(
	struct queue *q, const char *kind, const char *about, struct err *err)
{
	struct store *store = store_of(q);
	bool row;
	struct db_stmt *s = db_use(store->work, ISSUE_FIND);
	db_bind_text(store->work, s, 1, kind);
	db_bind_text(store->work, s, 2, about);
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK)
		return rc;
	if (!row)
		return err_set(err, RC_NOT_FOUND, "there is no issue %.40s of %.150s", kind, about);
	db_reset(s);
	rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	s = db_use(store->work, ISSUE_ACKNOWLEDGE);
	db_bind_text(store->work, s, 1, kind);
	db_bind_text(store->work, s, 2, about);
	return work_failed(store, db_run(store->work, s, err), err);
}

enum rc work_issue_each(struct queue *q, queue_issue_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct db_stmt *s = db_use(store->work, ISSUES);
	for (;;) {
		bool row;
		rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_issue issue = {
			.kind = db_text(s, 0),
			.about = db_text(s, 1),
			.text = db_text(s, 2),
			.event = db_text(s, 3),
			.count = db_int(s, 4),
			.first_ms = db_int(s, 5),
			.last_ms = db_int(s, 6),
			.acknowledged = (int)db_int(s, 7) != 0,
		};
		rc = fn(ctx, &issue, err);
		if (rc != RC_OK) {
			db_reset(s);
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
	struct db_stmt *s = db_use(store->work, AUDIT_PUT);
	db_bind_int(store->work, s, 1, audit->at_ms);
	db_bind_int(store->work, s, 2, audit->uid);
	db_bind_text(store->work, s, 3, audit->what);
	db_bind_int(store->work, s, 4, audit->n);
	db_bind_text(store->work, s, 5, audit->result != NULL ? audit->result : "");
	return work_failed(store, db_number(store->work, s, ret_seq, err), err);
}

enum rc work_audit_end(struct queue *q, int64_t seq, int64_t n, const char *result, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, AUDIT_END);
	db_bind_int(store->work, s, 1, seq);
	db_bind_int(store->work, s, 2, n);
	db_bind_text(store->work, s, 3, result);
	return work_failed(store, db_run(store->work, s, err), err);
}

static enum rc walk_audits(
	struct store *store, size_t limit, queue_audit_fn fn, void *ctx, struct err *err)
{
	struct db_stmt *s = db_walk(store->work, AUDITS);
	db_bind_int(store->work, s, 1, limit > 0 ? (int64_t)limit : -1);
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_audit audit = {
			.seq = db_int(s, 0),
			.at_ms = db_int(s, 1),
			.uid = db_int(s, 2),
			.what = db_text(s, 3),
			.n = db_int(s, 4),
			.result = db_text(s, 5),
		};
		rc = fn(ctx, &audit, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

enum rc work_audit_each(
	struct queue *q, size_t limit, queue_audit_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_read_begin(store, err);
	if (rc != RC_OK)
		return rc;
	if (store->has_work)
		rc = walk_audits(store, limit, fn, ctx, err);
	store_read_end(store);
	return rc;
}
