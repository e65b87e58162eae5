/* SPDX-License-Identifier: MIT */
/*
 * How far objects have been looked through, and what was told of by asking: the tables gap and
 * told. From: queue_gap_*, queue_told_*. To: work.db, in the open transaction.
 */
#include "queue/sql/sql.h"

enum rc work_gap_put(struct queue *q, const struct queue_gap *gap, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	enum rc rc = work_leads(store, err);
	if (rc == RC_OK)
		rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, GAP_PUT);
	db_bind_text(db, s, 1, gap->object);
	db_bind_int(db, s, 2, gap->first_ms);
	db_bind_int(db, s, 3, gap->from_ms);
	db_bind_int(db, s, 4, gap->asked_ms);
	db_bind_int(db, s, 5, gap->swept_ms);
	db_bind_text(db, s, 6, gap->problem != NULL ? gap->problem : "");
	return work_failed(store, db_run(db, s, err), err);
}

enum rc work_gap_drop(struct queue *q, const char *object, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	enum rc rc = work_leads(store, err);
	if (rc == RC_OK)
		rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, GAP_DROP);
	db_bind_text(db, s, 1, object);
	return work_failed(store, db_run(db, s, err), err);
}

enum rc work_gap_each(struct queue *q, queue_gap_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct db_stmt *s = db_use(store->work, GAP_LIST);
	for (;;) {
		bool row;
		rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_gap gap = {
			.object = db_text(s, 0),
			.first_ms = db_int(s, 1),
			.from_ms = db_int(s, 2),
			.asked_ms = db_int(s, 3),
			.swept_ms = db_int(s, 4),
			.problem = db_text(s, 5),
		};
		rc = fn(ctx, &gap, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

enum rc work_told_put(struct queue *q, const char *object, const char *record, int64_t until_ms,
	int64_t now_wall_ms, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	enum rc rc = work_leads(store, err);
	if (rc == RC_OK)
		rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, TOLD_PUT);
	db_bind_text(db, s, 1, record);
	db_bind_text(db, s, 2, object);
	db_bind_int(db, s, 3, until_ms);
	db_bind_int(db, s, 4, now_wall_ms);
	return work_failed(store, db_run(db, s, err), err);
}

enum rc work_told_find(struct queue *q, const char *object, const char *record,
	int64_t *ret_until_ms, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	bool row = false;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK)
		return rc;
	if (!store->has_work)
		return RC_NOT_FOUND;
	struct db_stmt *s = db_use(db, TOLD_FIND);
	db_bind_text(db, s, 1, record);
	db_bind_text(db, s, 2, object);
	rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	if (!row)
		return RC_NOT_FOUND;
	*ret_until_ms = db_int(s, 0);
	db_reset(s);
	return RC_OK;
}

enum rc work_told_prune(struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	if (store->follows) { /* the one that leads prunes */
		*ret_n = 0;
		return RC_OK;
	}
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, TOLD_PRUNE);
	db_bind_int(store->work, s, 1, before_wall_ms);
	return work_delete(store, s, ret_n, err);
}

enum rc work_told_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, TOLD_ERASE);
	db_bind_text(store->work, s, 1, record);
	return work_delete(store, s, ret_n, err);
}
