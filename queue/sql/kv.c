/* SPDX-License-Identifier: MIT */
/*
 * What rules keep: the table kv of work.db, and how much of it each scope has, which the file's own
 * triggers count.
 * From: queue_kv_*; sql/prune.c (size). To: the open transaction. Holds nothing in memory.
 */
#include <inttypes.h>
#include <string.h>

#include "queue/sql/sql.h"

static enum rc sum_of(
	struct store *store, const char *scope, struct queue_kv_sum *ret_sum, struct err *err)
{
	struct db *db = store->work;
	bool row = false;
	struct db_stmt *s = db_use(db, KV_SUM);
	db_bind_text(db, s, 1, scope);
	enum rc rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_sum = (struct queue_kv_sum){0};
	if (!row)
		return RC_OK;
	*ret_sum = (struct queue_kv_sum){db_int(s, 0), db_int(s, 1)};
	db_reset(s);
	return RC_OK;
}

/* Bytes of the value that is there, over or not; -1: none is. */
static enum rc size_of(
	struct store *store, const struct queue_kv *kv, int64_t *ret_bytes, struct err *err)
{
	struct db *db = store->work;
	bool row = false;
	struct db_stmt *s = db_use(db, KV_SIZE);
	db_bind_text(db, s, 1, kv->scope);
	db_bind_text(db, s, 2, kv->key);
	enum rc rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_bytes = row ? db_int(s, 0) : -1;
	if (row)
		db_reset(s);
	return RC_OK;
}

/* Forgets what is over in a scope, a bounded part of it. */
static enum rc tidy(struct store *store, const char *scope, int64_t now_wall_ms, struct err *err)
{
	struct db_stmt *s = db_use(store->work, KV_OVER_IN);
	db_bind_int(store->work, s, 1, now_wall_ms);
	db_bind_text(store->work, s, 2, scope);
	return db_run(store->work, s, err);
}

/* RC_QUOTA: there is no room, also when what is over is gone. */
static enum rc make_room(struct store *store, const struct queue_kv *kv, int64_t now_wall_ms,
	const struct queue_kv_sum *most, struct err *err)
{
	for (int round = 0;; round++) {
		struct queue_kv_sum sum;
		int64_t was = -1;
		enum rc rc = size_of(store, kv, &was, err);
		if (rc == RC_OK)
			rc = sum_of(store, kv->scope, &sum, err);
		if (rc != RC_OK)
			return rc;
		int64_t bytes = sum.bytes + (int64_t)kv->value.n -
				(was >= 0 ? was : -(int64_t)strlen(kv->key));
		if (sum.n + (was < 0) <= most->n && bytes <= most->bytes)
			return RC_OK;
		if (round > 0)
			return queue_kv_full(kv->scope, most, sum.n + (was < 0) > most->n, err);
		rc = tidy(store, kv->scope, now_wall_ms, err);
		if (rc != RC_OK)
			return rc;
	}
}

enum rc work_kv_put(struct queue *q, const struct queue_kv *kv, int64_t now_wall_ms,
	const struct queue_kv_sum *most, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = make_room(store, kv, now_wall_ms, most, err);
	if (rc == RC_QUOTA)
		return rc;
	if (rc == RC_OK) {
		struct db_stmt *s = db_use(db, KV_PUT);
		db_bind_text(db, s, 1, kv->scope);
		db_bind_text(db, s, 2, kv->key);
		db_bind_blob(db, s, 3, kv->value);
		db_bind_int(db, s, 4, kv->until_ms);
		rc = db_run(db, s, err);
	}
	return work_failed(store, rc, err);
}

enum rc work_kv_find(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	struct buf *out, int64_t *ret_until_ms, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	bool row = false;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK)
		return rc;
	if (!store->has_work)
		return RC_NOT_FOUND;
	struct db_stmt *s = db_use(db, KV_FIND);
	db_bind_text(db, s, 1, scope);
	db_bind_text(db, s, 2, key);
	db_bind_int(db, s, 3, now_wall_ms);
	rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	if (!row)
		return RC_NOT_FOUND;
	struct slice value = db_blob(s, 0);
	rc = buf_put(out, value.p, value.n);
	*ret_until_ms = rc == RC_OK ? db_int(s, 1) : *ret_until_ms;
	db_reset(s);
	return rc == RC_OK ? RC_OK
			   : err_set(err, rc, "a value that a rule keeps is %s", rc_text(rc));
}

enum rc work_kv_drop(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	bool *ret_was, struct err *err)
{
	struct store *store = store_of(q);
	struct buf value;
	int64_t until_ms;
	size_t n;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	buf_init(&value, KV_VALUE_MAX);
	rc = work_kv_find(q, scope, key, now_wall_ms, &value, &until_ms, err);
	buf_done(&value);
	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return work_failed(store, rc, err);
	*ret_was = rc == RC_OK;
	struct db_stmt *s = db_use(store->work, KV_DROP);
	db_bind_text(store->work, s, 1, scope);
	db_bind_text(store->work, s, 2, key);
	return work_delete(store, s, &n, err);
}

enum rc work_kv_move(struct queue *q, const char *from, const char *to, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	size_t n;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, KV_MOVE);
	db_bind_text(db, s, 1, from);
	db_bind_text(db, s, 2, to);
	rc = db_run(db, s, err);
	if (rc != RC_OK)
		return work_failed(store, rc, err);
	s = db_use(db, KV_LEAVE);
	db_bind_text(db, s, 1, from);
	return work_delete(store, s, &n, err);
}

enum rc work_kv_prune(struct queue *q, int64_t now_wall_ms, size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	if (store->follows) { /* the one that leads prunes */
		*ret_n = 0;
		return RC_OK;
	}
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, KV_OVER);
	db_bind_int(store->work, s, 1, now_wall_ms);
	return work_delete(store, s, ret_n, err);
}

enum rc work_kv_count(
	struct queue *q, const char *scope, struct queue_kv_sum *ret_sum, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK)
		return rc;
	if (store->has_work)
		return sum_of(store, scope, ret_sum, err);
	*ret_sum = (struct queue_kv_sum){0};
	return RC_OK;
}

enum rc work_kv_bytes(struct store *store, int64_t *ret_bytes, struct err *err)
{
	bool row = false;
	struct db_stmt *s = db_use(store->work, KV_BYTES);
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	*ret_bytes = db_int(s, 0);
	db_reset(s);
	return RC_OK;
}
