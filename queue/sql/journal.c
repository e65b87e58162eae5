/* SPDX-License-Identifier: MIT */
/*
 * The journal: what a run asked and what it was answered.
 *
 * From: queue_call_put, queue_calls_load; sql/finish.c and sql/prune.c, which forget. To: the
 * table journal, which is only appended to: the answer to an intent is a second row with the same
 * path, so that pages once written are left alone. Loading puts the two together.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/sql/sql.h"

static enum rc insert(
	struct store *store, int64_t run_seq, const struct queue_call *call, struct err *err)
{
	struct db *db = store->work;
	struct db_stmt *s = db_use(db, WORK_CALL_PUT);
	db_bind_int(db, s, 1, run_seq);
	db_bind_text(db, s, 2, call->path);
	db_bind_text(db, s, 3, call->method);
	db_bind_text(db, s, 4, call->object != NULL ? call->object : "");
	db_bind_int(db, s, 5, call->effect);
	db_bind_blob(db, s, 6, (struct slice){(const char *)call->digest, DIGEST_N});
	db_bind_blob(db, s, 7, call->request);
	db_bind_blob(db, s, 8, call->answer);
	db_bind_text(db, s, 9, call->code != RC_OK ? rc_name(call->code) : NULL);
	db_bind_int(db, s, 10, call->started_ms);
	db_bind_int(db, s, 11, call->ended_ms);
	db_bind_int(db, s, 12, call->requests);
	return db_run(db, s, err);
}

enum rc work_call_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_call *call, struct err *err)
{
	struct store *store = store_of(q);
	struct live_run *live;
	enum rc rc = work_live(store, run_seq, epoch, &live, err);
	return rc == RC_OK ? work_failed(store, insert(store, run_seq, call, err), err) : rc;
}

static void read_call(struct db_stmt *s, struct queue_call *ret_call)
{
	*ret_call = (struct queue_call){
		.path = db_text(s, 0),
		.method = db_text(s, 1),
		.object = db_text(s, 2),
		.effect = (int)db_int(s, 3) != 0,
		.request = db_blob(s, 5),
		.answer = db_blob(s, 6),
		.started_ms = db_int(s, 8),
		.ended_ms = db_int(s, 9),
		.requests = (int)db_int(s, 10),
	};
	struct slice digest = db_blob(s, 4);
	if (digest.n == DIGEST_N)
		memcpy(ret_call->digest, digest.p, DIGEST_N);
	enum rc code = rc_find(db_text(s, 7));
	ret_call->code = db_is_null(s, 7) ? RC_OK : code == RC_N ? RC_INVALID : code;
}

enum rc work_calls_load(struct queue *q, int64_t run_seq, struct queue_call **ret_calls,
	size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	struct queue_calls calls = {0};
	bool row;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = store->has_work ? db_use(store->work, WORK_CALLS) : NULL;
	if (s != NULL)
		db_bind_int(store->work, s, 1, run_seq);
	while (s != NULL && rc == RC_OK) {
		struct queue_call call;
		rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			break;
		read_call(s, &call);
		rc = queue_calls_put(&calls, &call);
		if (rc != RC_OK)
			err_set(err, rc, "out of memory for a journal");
	}
	if (rc != RC_OK) {
		db_reset(s);
		queue_calls_free(calls.p, calls.n);
		return rc;
	}
	*ret_calls = calls.p;
	*ret_n = calls.n;
	return RC_OK;
}

enum rc work_calls_forget(struct store *store, int64_t run_seq, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_CALLS_DELETE);
	db_bind_int(store->work, s, 1, run_seq);
	return db_run(store->work, s, err);
}

enum rc work_calls_any(struct store *store, int64_t run_seq, bool *ret_any, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_CALLS_ANY);
	db_bind_int(store->work, s, 1, run_seq);
	enum rc rc = db_row(store->work, s, ret_any, err);
	if (rc == RC_OK)
		db_reset(s);
	return rc;
}
