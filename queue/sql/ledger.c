/* SPDX-License-Identifier: MIT */
/*
 * The ledger of our own writes, and the causes of events.
 *
 * From: queue_write_*, queue_cause_*, queue_step_get; sql/route.c (causes of new events),
 * sql/prune.c (what goes with an event or a run). To: the tables written, event_cause,
 * run_hidden of work.db, in the open transaction. Holds nothing in memory. Does not decide what an
 * event is.
 */
#include <string.h>

#include "queue/sql/sql.h"

enum rc ledger_put(struct queue *q, int64_t run_seq, int64_t epoch, const struct queue_write *write,
	struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	struct live_run *live;
	enum rc rc = work_live(store, run_seq, epoch, &live, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, LEDGER_PUT);
	db_bind_text(db, s, 1, write->record);
	db_bind_text(db, s, 2, write->object != NULL ? write->object : "");
	db_bind_int(db, s, 3, write->action);
	db_bind_int(db, s, 4, write->at_ms);
	db_bind_int(db, s, 5, write->since_ms);
	db_bind_int(db, s, 6, write->written_ms);
	db_bind_text(db, s, 7, write->fields);
	db_bind_int(db, s, 8, run_seq);
	return work_failed(store, db_run(db, s, err), err);
}

static const char *text_or_null(struct db_stmt *s, int column)
{
	return !db_is_null(s, column) ? db_text(s, column) : NULL;
}

enum rc ledger_each(struct queue *q, const char *record, const struct queue_span *span,
	queue_write_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	struct db_stmt *s = db_use(db, LEDGER_LIST);
	db_bind_text(db, s, 1, record);
	db_bind_int(db, s, 2, QUEUE_WRITES_MAX);
	db_bind_int(db, s, 3, span->from_ms);
	db_bind_int(db, s, 4, span->to_ms);
	for (;;) {
		bool row;
		enum rc rc = db_row(db, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_write write = {
			.record = db_text(s, 0),
			.object = db_text(s, 1),
			.action = (enum queue_action)(int)db_int(s, 2),
			.at_ms = db_int(s, 3),
			.since_ms = db_int(s, 4),
			.written_ms = db_int(s, 5),
			.fields = text_or_null(s, 6),
			.rule = db_text(s, 7),
			.run = db_int(s, 8),
			.depth = (int)db_int(s, 9),
		};
		rc = fn(ctx, &write, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

/* The newest of the oldest rows that go; 0: none does. */
static enum rc find_past(struct store *store, int64_t before_ms, int64_t beyond, int64_t *ret_seq,
	size_t *ret_n, struct err *err)
{
	struct db *db = store->work;
	struct db_stmt *s = db_use(db, LEDGER_PAST);
	db_bind_int(db, s, 1, QUEUE_WRITES_PRUNED);
	*ret_seq = 0;
	for (*ret_n = 0;; (*ret_n)++) {
		bool row;
		enum rc rc = db_row(db, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		int64_t seq = db_int(s, 0);
		if (db_int(s, 1) >= before_ms && seq > beyond) {
			db_reset(s);
			return RC_OK;
		}
		*ret_seq = seq;
	}
}

static enum rc find_beyond(struct store *store, int64_t keep_n, int64_t *ret_seq, struct err *err)
{
	struct db *db = store->work;
	struct db_stmt *s = db_use(db, LEDGER_SPAN);
	bool row;
	enum rc rc = db_row(db, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	/* Rows are numbered without holes, but for those of erased records. */
	*ret_seq = keep_n > 0 ? db_int(s, 1) - keep_n : 0;
	db_reset(s);
	return RC_OK;
}

enum rc ledger_prune(
	struct queue *q, int64_t before_wall_ms, int64_t keep_n, size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	int64_t beyond = 0, to = 0;
	size_t n = 0;
	if (store->follows) { /* the one that leads prunes */
		*ret_n = 0;
		return RC_OK;
	}
	enum rc rc = find_beyond(store, keep_n, &beyond, err);
	if (rc == RC_OK)
		rc = find_past(store, before_wall_ms, beyond, &to, &n, err);
	if (rc == RC_OK && n > 0)
		rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	if (n > 0) {
		struct db_stmt *s = db_use(store->work, LEDGER_DELETE);
		db_bind_int(store->work, s, 1, to);
		rc = work_failed(store, db_run(store->work, s, err), err);
	}
	if (rc == RC_OK)
		*ret_n = n;
	return rc;
}

enum rc ledger_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	bool row;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, LEDGER_ERASE_N);
	db_bind_text(db, s, 1, record);
	rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return work_failed(store, rc, err);
	size_t n = row ? (size_t)db_int(s, 0) : 0;
	db_reset(s);
	s = db_use(db, LEDGER_ERASE);
	db_bind_text(db, s, 1, record);
	rc = work_failed(store, db_run(db, s, err), err);
	if (rc == RC_OK)
		*ret_n = n;
	return rc;
}

/* --- causes ----------------------------------------------------------------------------------- */

enum rc ledger_cause_write(
	struct store *store, int64_t event, const struct queue_cause *cause, struct err *err)
{
	struct db *db = store->work;
	struct db_stmt *s = db_use(db, LEDGER_CAUSE_PUT);
	db_bind_int(db, s, 1, event);
	db_bind_int(db, s, 2, cause->run);
	db_bind_int(db, s, 3, cause->depth);
	db_bind_text(db, s, 4, cause->fields != NULL ? cause->fields : "");
	return db_run(db, s, err);
}

enum rc ledger_hide(struct store *store, int64_t run, const char *fields, struct err *err)
{
	struct db *db = store->work;
	struct db_stmt *s = db_use(db, LEDGER_HIDE);
	db_bind_int(db, s, 1, run);
	db_bind_text(db, s, 2, fields);
	return db_run(db, s, err);
}

enum rc ledger_cause_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_cause *cause, struct err *err)
{
	struct store *store = store_of(q);
	struct live_run *live;
	enum rc rc = work_live(store, run_seq, epoch, &live, err);
	if (rc != RC_OK)
		return rc;
	if (cause->depth > 0)
		rc = ledger_cause_write(store, live->event, cause, err);
	if (rc == RC_OK && cause->hidden != NULL)
		rc = ledger_hide(store, run_seq, cause->hidden, err);
	return work_failed(store, rc, err);
}

/* Keeps a text until the next call; *ret_at: where, unchanged for NULL. */
static enum rc lend(struct store *store, const char *text, size_t *ret_at, struct err *err)
{
	if (text == NULL)
		return RC_OK;
	size_t at = store->lent.n;
	if (buf_put(&store->lent, text, strlen(text) + 1) != RC_OK)
		return err_set(err, RC_NOMEM, "out of memory for a chain of causes");
	*ret_at = at;
	return RC_OK;
}

enum rc ledger_cause_find(
	struct queue *q, int64_t run_seq, struct queue_cause *ret_cause, struct err *err)
{
	struct store *store = store_of(q);
	bool row = false;
	enum rc rc = store_need_work(store, err);
	*ret_cause = (struct queue_cause){0};
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct db_stmt *s = db_use(store->work, LEDGER_CAUSE);
	db_bind_int(store->work, s, 1, run_seq);
	rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	buf_clear(&store->lent);
	size_t fields = SIZE_MAX, hidden = SIZE_MAX;
	rc = lend(store, text_or_null(s, 2), &fields, err);
	if (rc == RC_OK)
		rc = lend(store, text_or_null(s, 3), &hidden, err);
	if (rc == RC_OK)
		*ret_cause = (struct queue_cause){
			.run = db_int(s, 0),
			.depth = (int)db_int(s, 1),
			.fields = fields != SIZE_MAX ? store->lent.p + fields : NULL,
			.hidden = hidden != SIZE_MAX ? store->lent.p + hidden : NULL,
		};
	db_reset(s);
	return rc;
}

enum rc ledger_step_get(
	struct queue *q, int64_t run_seq, struct queue_step *ret_step, struct err *err)
{
	struct store *store = store_of(q);
	size_t at[8];
	bool row = false;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK)
		return rc;
	if (!store->has_work)
		return RC_NOT_FOUND;
	struct db_stmt *s = db_use(store->work, LEDGER_STEP);
	db_bind_int(store->work, s, 1, run_seq);
	rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK)
		return rc;
	if (!row)
		return RC_NOT_FOUND;
	buf_clear(&store->lent);
	for (int i = 0; i < (int)ARRAY_N(at) && rc == RC_OK; i++)
		rc = lend(store, db_text(s, i), &at[i], err);
	const char *lent = store->lent.p;
	if (rc == RC_OK)
		*ret_step = (struct queue_step){
			.run = run_seq,
			.run_id = lent + at[0],
			.rule = lent + at[1],
			.event_id = lent + at[2],
			.name = lent + at[3],
			.object = lent + at[4],
			.record = lent + at[5],
			.via = lent + at[6],
			.fields = lent + at[7],
			.cause = db_int(s, 8),
			.depth = (int)db_int(s, 9),
		};
	db_reset(s);
	return rc;
}
