/* SPDX-License-Identifier: MIT */
/*
 * Ending and releasing: what becomes of a claimed run, of the next one of its key, and of its
 * event.
 *
 * From: queue_finish, queue_retry; sql/journal.c asks here whether a lease is still good. To:
 * the tables run, hold, event of work.db, in the open transaction. Who may start next is
 * sql/hold.c's. Does not decide whether to retry.
 */
#include <string.h>

#include "queue/sql/sql.h"

/* What the row of a run says; where there is none, or it does not run: not *ret_running. */
static enum rc load_run(struct store *store, int64_t seq, struct live_run *ret_run,
	bool *ret_running, struct err *err)
{
	struct db *db = store->work;
	struct db_stmt *s = db_use(db, WORK_RUN_LIVE);
	db_bind_int(db, s, 1, seq);
	bool row;
	enum rc rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_run = (struct live_run){.seq = seq};
	*ret_running = row && (int)db_int(s, 5) == QUEUE_RUNNING;
	if (row) {
		ret_run->event = db_int(s, 0);
		ret_run->keys.key[0] = db_int(s, 1);
		ret_run->keys.key[1] = db_int(s, 6);
		ret_run->epoch = db_int(s, 2);
		ret_run->joined = db_int(s, 7) > 0;
		ret_run->alone = db_int(s, 4) == 1 && db_int(s, 8) == 0;
		db_reset(s);
	}
	return RC_OK;
}

enum rc work_live(struct store *store, int64_t run_seq, int64_t epoch, struct live_run **ret_run,
	struct err *err)
{
	enum rc began = work_alone(store, err);
	if (began != RC_OK)
		return began;
	struct live_run *run = live_find(&store->live, run_seq);
	if (run == NULL) {
		struct live_run found;
		bool running;
		enum rc rc = load_run(store, run_seq, &found, &running, err);
		if (rc != RC_OK)
			return rc;
		if (!running)
			return work_quiet(store, err_set(err, RC_STALE, "run %lld is not claimed",
							 (long long)run_seq));
		rc = live_put(&store->live, &found, err);
		if (rc != RC_OK)
			return rc;
		run = live_find(&store->live, run_seq);
	}
	if (run->epoch != epoch)
		return work_quiet(
			store, err_set(err, RC_STALE, "run %lld has been claimed again since",
				       (long long)run_seq));
	enum rc rc = work_begin(store, err);
	if (rc == RC_OK)
		*ret_run = run;
	return rc;
}

/* --- the run itself --------------------------------------------------------------------------- */

static enum rc update_run(struct store *store, int64_t seq, const struct queue_outcome *o,
	enum queue_state state, struct err *err)
{
	struct db *db = store->work;
	bool ends = queue_state_ended(state);
	struct db_stmt *s = db_use(db, ends ? WORK_RUN_END : WORK_RUN_RELEASE);
	db_bind_int(db, s, 1, seq);
	db_bind_int(db, s, 2, state);
	db_bind_text(db, s, 3, o->code != RC_OK ? rc_name(o->code) : NULL);
	db_bind_text(db, s, 4, o->error);
	db_bind_text(db, s, 5, o->detail);
	db_bind_text(db, s, 6, o->log);
	db_bind_int(db, s, 7, o->api_calls);
	db_bind_int(db, s, 8, o->started_ms);
	if (ends) {
		db_bind_int(db, s, 9, o->ended_ms);
	} else {
		db_bind_int(db, s, 9, state == QUEUE_WAITING ? o->due_ms : 0);
		db_bind_int(db, s, 10, o->attempt_used ? 1 : 0);
		db_bind_int(db, s, 11, o->died ? 1 : 0);
	}
	return db_run(db, s, err);
}

/* --- its event -------------------------------------------------------------------------------- */

static enum rc load_event(
	struct store *store, int64_t event, struct event_open *ret_event, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_EVENT);
	db_bind_int(store->work, s, 1, event);
	bool row;
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK)
		return rc;
	if (row) {
		ret_event->state = (enum queue_state)(int)db_int(s, 0);
		ret_event->open = db_int(s, 1);
		ret_event->run_first = db_int(s, 2);
		ret_event->run_n = db_int(s, 3);
		ret_event->joins = db_int(s, 4);
		db_reset(s);
	}
	return RC_OK;
}

/* The state that the ends of all its runs come to. */
static enum rc sum_up(struct store *store, int64_t seq, const struct event_open *event,
	enum queue_state *ret_state, struct err *err)
{
	int64_t n[QUEUE_STATE_N] = {0};
	struct db_stmt *s = db_use(store->work, WORK_EVENT_RUNS);
	db_bind_int(store->work, s, 1, event->run_first);
	db_bind_int(store->work, s, 2, event->run_first + event->run_n - 1);
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK)
			return rc;
		if (!row)
			break;
		int state = (int)db_int(s, 0);
		if (state >= 0 && state < QUEUE_STATE_N)
			n[state]++;
	}
	enum rc rc = event->joins > 0 ? join_states(store, seq, n, err) : RC_OK;
	if (rc == RC_OK)
		*ret_state = queue_event_end(n);
	return rc;
}

enum rc work_event_again(struct store *store, int64_t event, struct err *err)
{
	struct event_open now = {0};
	enum rc rc = load_event(store, event, &now, err);
	bool bad = now.state == QUEUE_DEAD || now.state == QUEUE_QUARANTINED;
	enum queue_state to = now.state;
	if (rc != RC_OK || now.open != 0 || !bad)
		return rc;
	rc = sum_up(store, event, &now, &to, err);
	return rc == RC_OK ? work_event_move(store, event, now.state, to, 0, err) : rc;
}

static enum rc close_one(struct store *store, int64_t seq, struct err *err)
{
	struct event_open event = {0};
	enum rc rc = load_event(store, seq, &event, err);
	enum queue_state to = event.state;
	if (rc == RC_OK && event.open == 1)
		rc = sum_up(store, seq, &event, &to, err);
	return rc == RC_OK ? work_event_move(store, seq, event.state, to, event.open - 1, err) : rc;
}

static enum rc open_one(struct store *store, int64_t seq, struct err *err)
{
	struct event_open event = {0};
	enum rc rc = load_event(store, seq, &event, err);
	return rc == RC_OK
		       ? work_event_move(store, seq, event.state, QUEUE_DUE, event.open + 1, err)
		       : rc;
}

static enum rc end_event(
	struct store *store, const struct live_run *run, enum queue_state state, struct err *err)
{
	if (run->alone) {
		int64_t n[QUEUE_STATE_N] = {0};
		n[state] = 1;
		return work_event_move(store, run->event, QUEUE_DUE, queue_event_end(n), 0, err);
	}
	return close_one(store, run->event, err);
}

/* --- finish ----------------------------------------------------------------------------------- */

static enum rc finish(struct store *store, const struct live_run *run,
	const struct queue_outcome *o, struct err *err)
{
	/* To wait for a time that is not named is to wait for nothing. */
	enum queue_state state = o->state == QUEUE_WAITING && o->due_ms <= 0 ? QUEUE_DUE : o->state;
	enum rc rc = work_move(store, QUEUE_RUNNING, state, err);
	if (rc == RC_OK && o->forget_journal && !queue_state_ended(state))
		rc = work_calls_forget(store, run->seq, err);
	if (rc == RC_OK)
		rc = update_run(store, run->seq, o, state, err);
	if (rc != RC_OK)
		return rc;
	if (queue_state_ended(state)) {
		rc = hold_leave(store, run->seq, &run->keys, err);
		if (rc == RC_OK && run->joined)
			rc = join_each_event(store, run->seq, close_one, err);
		return rc == RC_OK ? end_event(store, run, state, err) : rc;
	}
	bool stops = false;
	rc = pause_stops_run(store, run->seq, &stops, err);
	if (rc != RC_OK || stops)
		return rc != RC_OK ? rc
				   : pause_park(store, run->seq, &run->keys, state, o->due_ms, err);
	/* An older run of its key may have come back while it was at work. */
	return hold_settle(store, run->seq, &run->keys, state, err);
}

enum rc work_finish(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_outcome *outcome, struct err *err)
{
	struct store *store = store_of(q);
	struct live_run *live;
	enum rc rc = work_live(store, run_seq, epoch, &live, err);
	if (rc != RC_OK)
		return rc;
	struct live_run run = *live;
	places_leave(store, run.limit);
	live_delete(&store->live, run_seq);
	return work_failed(store, finish(store, &run, outcome, err), err);
}

/* --- retry ------------------------------------------------------------------------------------ */

static enum rc retry(
	struct store *store, const struct live_run *run, enum queue_state from, struct err *err)
{
	struct db *db = store->work;
	bool ready = true, parks = false;
	enum rc rc = pause_parks_run(store, run->seq, &parks, err);
	if (rc == RC_OK && !parks)
		rc = hold_again(store, run->seq, &run->keys, &ready, err);
	enum queue_state to = ready && !parks ? QUEUE_DUE : QUEUE_WAITING;
	if (rc == RC_OK)
		rc = work_move(store, from, to, err);
	if (rc == RC_OK)
		rc = open_one(store, run->event, err);
	if (rc == RC_OK && run->joined)
		rc = join_each_event(store, run->seq, open_one, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, WORK_RUN_RETRY);
	db_bind_int(db, s, 1, run->seq);
	db_bind_int(db, s, 2, to);
	rc = db_run(db, s, err);
	return rc == RC_OK && parks ? pause_park(store, run->seq, &run->keys, to, 0, err) : rc;
}

enum rc work_retry(struct queue *q, const char *run_id, struct err *err)
{
	struct store *store = store_of(q);
	struct live_run run;
	int64_t seq;
	bool running;
	enum queue_state from;
	enum rc rc = work_alone(store, err);
	if (rc == RC_OK)
		rc = store_run_find(store, run_id, &seq, &from, err);
	if (rc == RC_OK && from != QUEUE_DEAD && from != QUEUE_QUARANTINED)
		rc = err_set(err, RC_INVALID,
			"run %s is %s; only dead and quarantined runs can be tried again", run_id,
			queue_state_name(from));
	if (rc != RC_OK)
		return work_quiet(store, rc);
	rc = load_run(store, seq, &run, &running, err);
	if (rc == RC_OK)
		rc = work_begin(store, err);
	return rc == RC_OK ? work_failed(store, retry(store, &run, from, err), err) : rc;
}
