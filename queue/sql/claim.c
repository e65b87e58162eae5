/* SPDX-License-Identifier: MIT */
/*
 * Claiming: what is due becomes running, under a new epoch.
 *
 * From: queue_claim, queue_next_due, queue_adopt. To: the table run of work.db, in the open
 * transaction. Looks only at the indexes over open runs (run_open, run_timed), so that neither
 * ended nor blocked runs cost anything. Does not decide what is due: routing, finishing and
 * retrying do.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/sql/sql.h"

static void copy_id(struct id *ret_id, const char *text)
{
	*ret_id = (struct id){{0}};
	memcpy(ret_id->text, text, strnlen(text, ID_N));
}

/* --- what has waited long enough -----------------------------------------------------------------
 */

enum { TIMED_MORE = 64 };

struct timed { /* a run whose time has come */
	int64_t seq;
	struct hold_keys keys;
	bool gathers; /* it has no places yet */
};

static enum rc load_timed(struct store *store, int64_t now_wall_ms, size_t max,
	struct timed *ret_timed, size_t *ret_n, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_RUN_TIMED);
	db_bind_int(store->work, s, 1, now_wall_ms);
	db_bind_int(store->work, s, 2, (int64_t)max);
	for (*ret_n = 0;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		ret_timed[(*ret_n)++] = (struct timed){
			db_int(s, 0), {{db_int(s, 1), db_int(s, 2)}}, db_int(s, 3) == 0};
	}
}

/* Due, or, where an older run of its key came back meanwhile, behind that one. */
static enum rc wake(struct store *store, const struct timed *timed, struct err *err)
{
	bool ready = true, stops = false;
	enum rc rc = pause_stops_run(store, timed->seq, &stops, err);
	if (rc == RC_OK && stops)
		return pause_park(store, timed->seq, &timed->keys, QUEUE_WAITING, 0, err);
	if (rc == RC_OK)
		rc = timed->gathers ? hold_again(store, timed->seq, &timed->keys, &ready, err)
				    : hold_ready(store, timed->seq, &timed->keys, &ready, err);
	enum queue_state to = ready ? QUEUE_DUE : QUEUE_WAITING;
	if (rc == RC_OK)
		rc = work_move(store, QUEUE_WAITING, to, err);
	return rc == RC_OK ? work_run_put_state(store, timed->seq, to, err) : rc;
}

enum rc work_wake(struct store *store, int64_t now_wall_ms, size_t max, struct err *err)
{
	size_t n = 0;
	max += TIMED_MORE;
	struct timed *timed = calloc(max, sizeof(*timed));
	if (timed == NULL)
		return err_set(err, RC_NOMEM, "out of memory for runs");
	enum rc rc = load_timed(store, now_wall_ms, max, timed, &n, err);
	if (rc == RC_OK && n > 0)
		rc = work_begin(store, err);
	if (rc == RC_OK) {
		for (size_t i = 0; rc == RC_OK && i < n; i++)
			rc = wake(store, &timed[i], err);
		rc = work_failed(store, rc, err);
	}
	free(timed);
	return rc;
}

/* --- claim ---------------------------------------------------------------------------------------
 */

/* A damaged one must not stop the others: it becomes a text that is no JSON, and ends its run. */
enum rc work_past(struct store *store, struct slice packed, struct slice *ret_past, struct err *err)
{
	if (packed.n == 0)
		return RC_OK;
	enum rc rc = work_unpack(store, packed, err);
	if (rc != RC_OK && rc != RC_PARSE)
		return rc;
	*ret_past = rc == RC_OK ? buf_slice(&store->copies.text) : slice_of("?");
	return RC_OK;
}

enum rc work_run_read(struct store *store, struct db_stmt *s, int at, struct slice headers,
	struct slice body, struct queue_run *ret_run, struct live_run *ret_live, struct err *err)
{
	struct queue_run *run = ret_run;
	*run = (struct queue_run){
		.seq = db_int(s, at),
		.epoch = db_int(s, at + 2) + 1,
		.attempt = (int)db_int(s, at + 3) + (int)db_int(s, at + 4),
		.attempts_max = (int)db_int(s, at + 5),
		.deaths = (int)db_int(s, at + 6),
		.event_received_ms = db_int(s, at + 13),
		.kind = (int)db_int(s, at + 19),
		.routing = SIZE_MAX,
	};
	copy_id(&run->id, db_text(s, at + 1));
	copy_id(&run->event, db_text(s, at + 12));
	*ret_live = (struct live_run){
		.seq = run->seq,
		.epoch = run->epoch,
		.event = db_int(s, at + 11),
		.keys = {{db_int(s, at + 10), db_int(s, at + 17)}},
		.alone = db_int(s, at + 16) == 1 && db_int(s, at + 20) == 0,
		.joined = run->kind > 0,
	};
	struct queue_run_parts parts = {
		.rule = db_text(s, at + 7),
		.born = !db_is_null(s, at + 21) ? db_text(s, at + 21) : NULL,
		.source_hash = db_text(s, at + 8),
		.key = db_text(s, at + 9),
		.event_source = db_text(s, at + 14),
		.event_via = db_text(s, at + 15),
		.headers = headers,
		.body = body,
		.has_body = true,
	};
	enum rc rc = work_past(store, db_blob(s, at + 18), &parts.past, err);
	if (rc == RC_OK && queue_run_fill(run, &parts) != RC_OK)
		rc = err_set(err, RC_NOMEM, "out of memory for a run");
	return rc;
}

static enum rc read_run(struct store *store, struct db_stmt *s, struct queue_run *ret_run,
	struct live_run *ret_live, struct err *err)
{
	struct slice headers, body;
	enum rc rc = inbox_body(store, db_int(s, 11), &headers, &body, err);
	if (rc == RC_OK)
		rc = work_run_read(store, s, 0, headers, body, ret_run, ret_live, err);
	inbox_body_done(store);
	return rc;
}

static enum rc load_due(struct store *store, size_t max, struct queue_run *ret_run,
	struct live_run *ret_live, size_t *ret_n, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_RUN_DUE);
	db_bind_int(store->work, s, 1, (int64_t)max);
	for (*ret_n = 0;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		if (pause_stops(store, db_text(s, 7)))
			continue; /* more of them than could be parked at once */
		int limit = places_find(store, db_text(s, 7));
		if (places_full(store, limit))
			continue;
		rc = read_run(store, s, &ret_run[*ret_n], &ret_live[*ret_n], err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
		ret_live[*ret_n].limit = limit;
		places_enter(store, limit);
		(*ret_n)++;
	}
}

static enum rc claim_one(struct store *store, struct queue_run *run, const struct live_run *live,
	int64_t now_wall_ms, struct err *err)
{
	struct db *db = store->work;
	enum rc rc = RC_OK;
	if (run->epoch > 1)
		rc = work_calls_any(store, run->seq, &run->has_journal, err);
	if (rc == RC_OK)
		rc = work_move(store, QUEUE_DUE, QUEUE_RUNNING, err);
	if (rc == RC_OK && live->joined && run->epoch == 1)
		rc = join_close(store, run->seq, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, WORK_RUN_CLAIM);
	db_bind_int(db, s, 1, run->seq);
	db_bind_int(db, s, 2, run->epoch);
	db_bind_int(db, s, 3, run->attempt);
	db_bind_int(db, s, 4, now_wall_ms);
	rc = db_run(db, s, err);
	return rc == RC_OK ? live_put(&store->live, live, err) : rc;
}

static enum rc claim(struct store *store, int64_t now_wall_ms, size_t max,
	struct queue_run *ret_run, struct live_run *live, size_t *ret_n, struct err *err)
{
	size_t n = 0;
	enum rc rc = load_due(store, max, ret_run, live, &n, err);
	if (rc == RC_OK && n > 0)
		rc = work_begin(store, err);
	if (rc == RC_OK) {
		for (size_t i = 0; rc == RC_OK && i < n; i++)
			rc = claim_one(store, &ret_run[i], &live[i], now_wall_ms, err);
		rc = work_failed(store, rc, err);
	}
	if (rc == RC_OK) {
		*ret_n = n;
		return RC_OK;
	}
	while (n > 0) {
		places_leave(store, live[--n].limit);
		queue_run_done(&ret_run[n]);
	}
	return rc;
}

enum rc work_claim(struct queue *q, int64_t now_wall_ms, size_t max, struct queue_run *ret_run,
	size_t *ret_run_n, struct err *err)
{
	struct store *store = store_of(q);
	/* What is looked at has to be so still when it is claimed. */
	enum rc rc = work_alone(store, err);
	if (rc == RC_OK)
		rc = work_wake(store, now_wall_ms, max, err);
	if (rc == RC_OK)
		rc = pause_park_due(store, max, err);
	if (rc == RC_OK)
		rc = places_before_claim(store, max, err);
	if (rc != RC_OK)
		return rc;
	struct live_run *live = calloc(max + 1, sizeof(*live));
	if (live == NULL)
		return err_set(err, RC_NOMEM, "out of memory for runs");
	rc = claim(store, now_wall_ms, max, ret_run, live, ret_run_n, err);
	free(live);
	/* The others must not wait for somebody who has found nothing to do. */
	bool idle = rc == RC_OK && *ret_run_n == 0 && store->work->driver->shared;
	return idle ? work_commit(q, err) : rc;
}

enum rc work_next_due(struct queue *q, int64_t *ret_wall_ms, struct err *err)
{
	struct store *store = store_of(q);
	bool row = false;
	*ret_wall_ms = INT64_MAX;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct db_stmt *s = db_use(store->work, WORK_RUN_NEXT_DUE);
	rc = db_row(store->work, s, &row, err);
	if (rc == RC_OK && row) {
		if (!db_is_null(s, 0))
			*ret_wall_ms = db_int(s, 0);
		db_reset(s);
	}
	return rc;
}

enum rc work_due_shift(struct queue *q, int64_t by_ms, struct err *err)
{
	struct store *store = store_of(q);
	if (store->follows) /* what waits for a time goes by the clock of the one that leads */
		return RC_OK;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, WORK_RUN_SHIFT);
	db_bind_int(store->work, s, 1, by_ms);
	rc = db_run(store->work, s, err);
	if (rc == RC_OK)
		rc = join_shift(store, by_ms, err);
	if (rc == RC_OK)
		rc = work_timer_shift(store, by_ms, err);
	return work_failed(store, rc, err);
}

/* --- adopt ---------------------------------------------------------------------------------------
 */

enum { ADOPT_N = 256 }; /* the statement's limit */

struct lost { /* a run whose runner is dead */
	int64_t seq;
	struct hold_keys keys;
};

static enum rc load_lost(
	struct store *store, struct lost ret_lost[static ADOPT_N], size_t *ret_n, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_RUN_LOST);
	for (*ret_n = 0;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		ret_lost[(*ret_n)++] = (struct lost){db_int(s, 0), {{db_int(s, 1), db_int(s, 2)}}};
	}
}

/* Due again, or, where an older run of its key came back while it was at work, behind that one. */
static enum rc adopt(struct store *store, const struct lost *lost, struct err *err)
{
	const struct live_run *live = live_find(&store->live, lost->seq);
	places_leave(store, live != NULL ? live->limit : 0);
	live_delete(&store->live, lost->seq);
	enum rc rc = work_move(store, QUEUE_RUNNING, QUEUE_DUE, err);
	if (rc == RC_OK)
		rc = work_run_put_state(store, lost->seq, QUEUE_DUE, err);
	return rc == RC_OK ? hold_settle(store, lost->seq, &lost->keys, QUEUE_DUE, err) : rc;
}

enum rc work_adopt(struct queue *q, size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	size_t total = 0, n = 0;
	enum rc rc = work_alone(store, err);
	if (rc != RC_OK)
		return rc;
	do {
		struct lost lost[ADOPT_N];
		rc = load_lost(store, lost, &n, err);
		if (rc == RC_OK && n > 0)
			rc = work_begin(store, err);
		for (size_t i = 0; rc == RC_OK && i < n; i++)
			rc = adopt(store, &lost[i], err);
		total += n;
	} while (rc == RC_OK && n == ADOPT_N);
	if (rc == RC_OK)
		*ret_n = total;
	return work_quiet(store, work_failed(store, rc, err));
}
