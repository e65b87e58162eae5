/* SPDX-License-Identifier: MIT */
/*
 * Timers and ticks: the tables timer and tick of work.db. How many timers a rule has, the file's
 * own triggers count.
 * From: queue_timer_*, queue_tick_*; sql/claim.c, when the clock was set. To: the open
 * transaction. Holds nothing in memory.
 */
#include "queue/timer.h"
#include "queue/sql/sql.h"

static enum rc drop(
	struct store *store, const char *rule, const char *key, size_t *ret_n, struct err *err)
{
	struct db_stmt *s = db_use(store->work, TIMER_DROP);
	db_bind_text(store->work, s, 1, rule);
	db_bind_text(store->work, s, 2, key);
	return work_delete(store, s, ret_n, err);
}

/* One number of one row; ret_value keeps what it was where there is no row, or NULL in it. */
static enum rc read_number(
	struct store *store, int sql, const char *text, int64_t *ret_value, struct err *err)
{
	bool row = false;
	struct db_stmt *s = db_use(store->work, sql);
	if (text != NULL)
		db_bind_text(store->work, s, 1, text);
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	if (!db_is_null(s, 0))
		*ret_value = db_int(s, 0);
	db_reset(s);
	return RC_OK;
}

static enum rc is_armed(
	struct store *store, const struct queue_timer *t, bool *ret_armed, struct err *err)
{
	struct db_stmt *s = db_use(store->work, TIMER_HAS);
	db_bind_text(store->work, s, 1, t->rule);
	db_bind_text(store->work, s, 2, t->key);
	enum rc rc = db_row(store->work, s, ret_armed, err);
	if (rc == RC_OK && *ret_armed)
		db_reset(s);
	return rc;
}

static enum rc insert(
	struct store *store, int64_t run_seq, const struct queue_timer *t, struct err *err)
{
	struct db *db = store->work;
	struct db_stmt *s = db_use(db, TIMER_PUT);
	db_bind_text(db, s, 1, t->rule);
	db_bind_text(db, s, 2, t->key);
	db_bind_int(db, s, 3, t->due_ms);
	db_bind_int(db, s, 4, t->relative);
	db_bind_blob(db, s, 5, t->payload);
	db_bind_text(db, s, 6, t->object);
	db_bind_text(db, s, 7, t->record);
	db_bind_int(db, s, 8, run_seq);
	db_bind_int(db, s, 9, t->depth);
	return db_run(db, s, err);
}

enum rc work_timer_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_timer *timer, int64_t most, struct err *err)
{
	struct store *store = store_of(q);
	struct live_run *live;
	bool armed = false;
	int64_t n = 0;
	size_t dropped = 0;
	enum rc rc = work_live(store, run_seq, epoch, &live, err);
	if (rc != RC_OK)
		return rc;
	rc = is_armed(store, timer, &armed, err);
	if (rc == RC_OK && !armed)
		rc = read_number(store, TIMER_SUM, timer->rule, &n, err);
	if (rc == RC_OK && n >= most)
		return queue_timer_full(timer->rule, most, err);
	if (rc == RC_OK && armed)
		rc = drop(store, timer->rule, timer->key, &dropped, err);
	if (rc == RC_OK)
		rc = insert(store, run_seq, timer, err);
	return work_failed(store, rc, err);
}

enum rc work_timer_drop(
	struct queue *q, const char *rule, const char *key, bool *ret_was, struct err *err)
{
	struct store *store = store_of(q);
	size_t n = 0;
	enum rc rc = work_begin(store, err);
	if (rc == RC_OK)
		rc = drop(store, rule, key, &n, err);
	if (rc == RC_OK)
		*ret_was = n != 0;
	return rc;
}

enum rc work_timer_take(struct queue *q, int64_t seq, bool *ret_was, struct err *err)
{
	struct store *store = store_of(q);
	size_t n = 0;
	enum rc rc = work_leads(store, err);
	if (rc == RC_OK)
		rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, TIMER_TAKE);
	db_bind_int(store->work, s, 1, seq);
	rc = work_delete(store, s, &n, err);
	if (rc == RC_OK)
		*ret_was = n != 0;
	return rc;
}

static enum rc walk(
	struct store *store, struct db_stmt *s, queue_timer_fn fn, void *ctx, struct err *err)
{
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_timer timer = {
			.seq = db_int(s, 0),
			.rule = db_text(s, 1),
			.key = db_text(s, 2),
			.due_ms = db_int(s, 3),
			.relative = db_int(s, 4) != 0,
			.payload = db_blob(s, 5),
			.object = db_text(s, 6),
			.record = db_text(s, 7),
			.rule_from = db_text(s, 8),
			.run = db_int(s, 9),
			.depth = (int)db_int(s, 10),
		};
		rc = fn(ctx, &timer, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

enum rc work_timer_due(struct queue *q, int64_t now_wall_ms, size_t max, queue_timer_fn fn,
	void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct db_stmt *s = db_use(store->work, TIMER_DUE);
	db_bind_int(store->work, s, 1, now_wall_ms);
	db_bind_int(store->work, s, 2, (int64_t)max);
	return walk(store, s, fn, ctx, err);
}

enum rc work_timer_each(struct queue *q, const char *rule, size_t max, queue_timer_fn fn, void *ctx,
	struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_read_begin(store, err);
	if (rc != RC_OK)
		return rc;
	if (store->has_work) {
		struct db_stmt *s = db_walk(store->work, TIMER_LIST);
		db_bind_text(store->work, s, 1, rule);
		db_bind_int(store->work, s, 2, max > 0 ? (int64_t)max : -1);
		rc = walk(store, s, fn, ctx, err);
	}
	store_read_end(store);
	return rc;
}

enum rc work_timer_next(struct queue *q, int64_t *ret_wall_ms, struct err *err)
{
	struct store *store = store_of(q);
	int64_t next = INT64_MAX;
	enum rc rc = store_need_work(store, err);
	if (rc == RC_OK && store->has_work)
		rc = read_number(store, TIMER_NEXT, NULL, &next, err);
	if (rc == RC_OK)
		*ret_wall_ms = next;
	return rc;
}

enum rc work_timer_count(
	struct queue *q, const char *rule, int64_t *ret_n, int64_t *ret_next_ms, struct err *err)
{
	struct store *store = store_of(q);
	int64_t n = 0, next = INT64_MAX;
	enum rc rc = store_need_work(store, err);
	if (rc == RC_OK && store->has_work)
		rc = read_number(store, TIMER_SUM, rule, &n, err);
	if (rc == RC_OK && store->has_work)
		rc = read_number(store, TIMER_NEXT_OF, rule, &next, err);
	if (rc != RC_OK)
		return rc;
	*ret_n = n;
	*ret_next_ms = next;
	return RC_OK;
}

static enum rc run_pair(
	struct store *store, int sql, const char *from, const char *to, struct err *err)
{
	struct db_stmt *s = db_use(store->work, sql);
	db_bind_text(store->work, s, 1, from);
	if (to != NULL)
		db_bind_text(store->work, s, 2, to);
	return db_run(store->work, s, err);
}

enum rc work_timer_move(struct queue *q, const char *from, const char *to, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = run_pair(store, TIMER_MOVE, from, to, err);
	if (rc == RC_OK)
		rc = run_pair(store, TIMER_LEAVE, from, NULL, err);
	if (rc == RC_OK)
		rc = run_pair(store, TICK_MOVE, from, to, err);
	if (rc == RC_OK)
		rc = run_pair(store, TICK_LEAVE, from, NULL, err);
	return work_failed(store, rc, err);
}

enum rc work_timer_shift(struct store *store, int64_t by_ms, struct err *err)
{
	struct db_stmt *s = db_use(store->work, TIMER_SHIFT);
	db_bind_int(store->work, s, 1, by_ms);
	enum rc rc = db_run(store->work, s, err);
	if (rc != RC_OK)
		return rc;
	s = db_use(store->work, TICK_SHIFT);
	db_bind_int(store->work, s, 1, by_ms);
	return db_run(store->work, s, err);
}

/* --- ticks ------------------------------------------------------------------------------------ */

enum rc work_tick_put(struct queue *q, const struct queue_tick *tick, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	enum rc rc = work_leads(store, err);
	if (rc == RC_OK)
		rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, TICK_PUT);
	db_bind_text(db, s, 1, tick->rule);
	db_bind_text(db, s, 2, tick->schedule);
	db_bind_int(db, s, 3, tick->last_ms);
	db_bind_int(db, s, 4, tick->relative);
	db_bind_text(db, s, 5, tick->event != NULL ? tick->event : "");
	return work_failed(store, db_run(db, s, err), err);
}

enum rc work_tick_each(struct queue *q, queue_tick_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct db_stmt *s = db_use(store->work, TICK_LIST);
	for (;;) {
		bool row;
		rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_tick tick = {
			.rule = db_text(s, 0),
			.schedule = db_text(s, 1),
			.last_ms = db_int(s, 2),
			.relative = db_int(s, 3) != 0,
			.event = db_text(s, 4),
		};
		rc = fn(ctx, &tick, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

enum rc work_event_over(struct queue *q, const char *event_id, bool *ret_over, struct err *err)
{
	struct store *store = store_of(q);
	bool open = false;
	enum rc rc = store_need_work(store, err);
	if (rc == RC_OK && store->has_work) {
		struct db_stmt *s = db_use(store->work, EVENT_OPEN_BY_ID);
		db_bind_text(store->work, s, 1, event_id);
		rc = db_row(store->work, s, &open, err);
		if (rc == RC_OK && open)
			db_reset(s);
	}
	if (rc == RC_OK)
		*ret_over = !open;
	return rc;
}
