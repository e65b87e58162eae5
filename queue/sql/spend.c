/* SPDX-License-Identifier: MIT */
/*
 * How much rules have written, runs in shadow mode, what is to be erased: the tables spend, shadow
 * and erasure. From: queue_spend_*, queue_shadow_is, queue_erasure_*, sql/route.c. To: work.db,
 * in the open transaction. Does not know limits.
 */
#include "queue/spend.h"

#include <stdio.h>

#include "queue/sql/sql.h"

enum rc work_spend_add(
	struct queue *q, const char *rule, int64_t slot_ms, int64_t n, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, SPEND_ADD);
	db_bind_text(db, s, 1, rule);
	db_bind_int(db, s, 2, slot_ms);
	db_bind_int(db, s, 3, n);
	return work_failed(store, db_run(db, s, err), err);
}

enum rc work_spend_each(struct queue *q, const char *rule, int64_t since_ms, queue_spend_fn fn,
	void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_need_work(store, err);
	/* Others may write, too: what is read here holds until our commit. */
	if (rc == RC_OK && store->work->driver->shared && q->side == QUEUE_RUNNER)
		rc = work_begin(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct db_stmt *s = db_use(store->work, SPEND_LIST);
	db_bind_text(store->work, s, 1, rule);
	db_bind_int(store->work, s, 2, since_ms);
	for (;;) {
		bool row;
		rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		rc = fn(ctx, db_int(s, 0), db_int(s, 1), err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

enum rc work_spend_clear(struct queue *q, const char *rule, int64_t before_ms, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, SPEND_CLEAR);
	db_bind_text(db, s, 1, rule);
	db_bind_int(db, s, 2, before_ms);
	return work_failed(store, db_run(db, s, err), err);
}

enum rc shadow_put(struct store *store, int64_t run, struct err *err)
{
	struct db_stmt *s = db_use(store->work, SHADOW_PUT);
	db_bind_int(store->work, s, 1, run);
	return db_run(store->work, s, err);
}

enum rc work_shadow_is(struct queue *q, int64_t run_seq, bool *ret_shadow, struct err *err)
{
	struct store *store = store_of(q);
	bool row = false;
	enum rc rc = store_need_work(store, err);
	if (rc == RC_OK && store->has_work) {
		struct db_stmt *s = db_use(store->work, SHADOW_FIND);
		db_bind_int(store->work, s, 1, run_seq);
		rc = db_row(store->work, s, &row, err);
		if (rc == RC_OK && row)
			db_reset(s);
	}
	if (rc == RC_OK)
		*ret_shadow = row;
	return rc;
}

static enum rc change_erasure(
	struct store *store, enum sql_work what, const char *record, struct err *err)
{
	struct db *db = store->work;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, what);
	db_bind_text(db, s, 1, record);
	return work_failed(store, db_run(db, s, err), err);
}

enum rc work_erasure_put(struct queue *q, const char *record, struct err *err)
{
	return change_erasure(store_of(q), ERASURE_PUT, record, err);
}

enum rc work_erasure_drop(struct queue *q, const char *record, struct err *err)
{
	return change_erasure(store_of(q), ERASURE_DROP, record, err);
}

enum rc work_erasure_first(
	struct queue *q, char ret_record[static QUEUE_ERASURE_N], bool *ret_any, struct err *err)
{
	struct store *store = store_of(q);
	bool row = false;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, ERASURE_FIRST);
	rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_any = row;
	if (row) {
		snprintf(ret_record, QUEUE_ERASURE_N, "%s", db_text(s, 0));
		db_reset(s);
	}
	return RC_OK;
}
