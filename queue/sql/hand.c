/* SPDX-License-Identifier: MIT */
/*
 * What people do by hand: single runs and events go.
 * From: queue_run_purge, queue_run_renew, queue_event_settle, queue_event_purge. To: the tables of
 * work.db, in the open transaction; the bytes of a delivery are the receiver's, so what has to go
 * of them is put into the table scrub, which it reads (sqlite/wipe.c). Refuses what is open.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/sql/sql.h"

static enum rc delete_seq(struct store *store, int sql, int64_t seq, struct err *err)
{
	struct db_stmt *s = db_use(store->work, sql);
	db_bind_int(store->work, s, 1, seq);
	return db_run(store->work, s, err);
}

/* --- runs ------------------------------------------------------------------------------------- */

static enum rc purge_run(struct store *store, int64_t seq, enum queue_state state, struct err *err)
{
	int64_t event = 0, source = 0, *others = NULL;
	size_t others_n = 0;
	bool row;
	struct db_stmt *s = db_use(store->work, HAND_RUN);
	db_bind_int(store->work, s, 1, seq);
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	event = db_int(s, 0);
	source = db_int(s, 1);
	bool joined = (int)db_int(s, 2) > 0;
	db_reset(s);
	if (joined)
		rc = join_events(store, seq, &others, &others_n, err);
	if (rc == RC_OK && joined)
		rc = join_forget(store, seq, err);
	if (rc == RC_OK)
		rc = work_calls_forget(store, seq, err);
	if (rc == RC_OK)
		rc = delete_seq(store, WORK_RUN_DELETE, seq, err);
	if (rc == RC_OK)
		rc = delete_seq(store, LEDGER_SHOW, seq, err);
	if (rc == RC_OK)
		rc = delete_seq(store, SHADOW_DROP, seq, err);
	if (rc == RC_OK)
		rc = work_source_leave(store, source, err);
	store->progress.counts.runs[state]--;
	store->progress.changed = true;
	if (rc == RC_OK)
		rc = work_event_again(store, event, err);
	for (size_t i = 0; rc == RC_OK && i < others_n; i++)
		rc = work_event_again(store, others[i], err);
	free(others);
	return rc;
}

enum rc work_run_purge(struct queue *q, const char *run_id, struct err *err)
{
	struct store *store = store_of(q);
	int64_t seq;
	enum queue_state state;
	enum rc rc = work_alone(store, err);
	if (rc == RC_OK)
		rc = store_run_find(store, run_id, &seq, &state, err);
	if (rc == RC_OK && !queue_state_ended(state))
		rc = err_set(err, RC_INVALID, "run %s is %s; only what has ended can be removed",
			run_id, queue_state_name(state));
	if (rc == RC_OK)
		rc = work_begin(store, err);
	return rc == RC_OK ? work_failed(store, purge_run(store, seq, state, err), err)
			   : work_quiet(store, rc);
}

static enum rc renew_run(struct store *store, int64_t seq, const char *hash, struct err *err)
{
	int64_t old = 0, new = 0;
	bool row;
	struct db_stmt *s = db_use(store->work, HAND_RUN);
	db_bind_int(store->work, s, 1, seq);
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	old = db_int(s, 1);
	db_reset(s);
	rc = work_source_n(store, hash, &new, err);
	if (rc != RC_OK)
		return rc;
	s = db_use(store->work, HAND_RUN_RENEW);
	db_bind_int(store->work, s, 1, seq);
	db_bind_int(store->work, s, 2, new);
	rc = db_run(store->work, s, err);
	return rc == RC_OK ? work_source_leave(store, old, err) : rc;
}

enum rc work_run_renew(
	struct queue *q, const char *run_id, const char *source_hash, struct err *err)
{
	struct store *store = store_of(q);
	int64_t seq;
	enum queue_state state;
	enum rc rc = work_alone(store, err);
	if (rc == RC_OK)
		rc = store_run_find(store, run_id, &seq, &state, err);
	if (rc == RC_OK && !queue_state_ended(state))
		rc = err_set(err, RC_INVALID, "run %s is %s; what is open keeps its rule", run_id,
			queue_state_name(state));
	if (rc == RC_OK)
		rc = work_begin(store, err);
	return rc == RC_OK ? work_failed(store, renew_run(store, seq, source_hash, err), err)
			   : work_quiet(store, rc);
}

/* --- events ----------------------------------------------------------------------------------- */

/* The one event in quarantine that has no run. */
static enum rc find_quarantined(
	struct store *store, const char *id, int64_t *ret_seq, struct err *err)
{
	struct id_span span;
	bool row;
	int n = 0;
	enum rc rc = id_span_init(&span, id, "event", err);
	if (rc != RC_OK)
		return rc;
	bool fits = false;
	struct db_stmt *s = db_use(store->work, HAND_EVENTS);
	db_bind_text(store->work, s, 1, span.from);
	db_bind_text(store->work, s, 2, span.to);
	for (rc = db_row(store->work, s, &row, err); rc == RC_OK && row;
		rc = db_row(store->work, s, &row, err)) {
		*ret_seq = db_int(s, 0);
		fits = (int)db_int(s, 1) == QUEUE_QUARANTINED && db_int(s, 2) == 0;
		n++;
	}
	if (rc != RC_OK)
		return rc;
	if (n == 0)
		return err_set(err, RC_NOT_FOUND, "no event has the id \"%.40s\"", id);
	if (n > 1)
		return err_set(err, RC_INVALID,
			"several events have ids that begin with \"%.40s\"; type more of it", id);
	return fits ? RC_OK
		    : err_set(err, RC_INVALID, "event %.40s is not in quarantine itself", id);
}

static enum rc settle_event(struct store *store, int64_t seq, const char *how, struct err *err)
{
	enum rc rc = work_event_move(store, seq, QUEUE_QUARANTINED, QUEUE_DONE, 0, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, HAND_EVENT_REASON);
	db_bind_int(store->work, s, 1, seq);
	db_bind_text(store->work, s, 2, how);
	return db_run(store->work, s, err);
}

enum rc work_event_settle(struct queue *q, const char *event_id, const char *how, struct err *err)
{
	struct store *store = store_of(q);
	int64_t seq = 0;
	enum rc rc = work_alone(store, err);
	if (rc == RC_OK)
		rc = find_quarantined(store, event_id, &seq, err);
	if (rc == RC_OK)
		rc = work_begin(store, err);
	return rc == RC_OK ? work_failed(store, settle_event(store, seq, how, err), err)
			   : work_quiet(store, rc);
}

enum rc work_scrub_put(struct store *store, int64_t event_seq, struct err *err)
{
	if (!event_delivered(event_seq))
		return RC_OK;
	return delete_seq(store, HAND_SCRUB_PUT, delivery_seq_of(event_seq), err);
}

static enum rc purge_event(struct store *store, int64_t seq, struct err *err)
{
	enum rc rc = delete_seq(store, WORK_EVENT_DELETE, seq, err);
	if (rc == RC_OK)
		rc = delete_seq(store, WORK_EVENT_BODY_DELETE, seq, err);
	if (rc == RC_OK)
		rc = delete_seq(store, LEDGER_CAUSE_DELETE, seq, err);
	if (rc == RC_OK)
		rc = work_scrub_put(store, seq, err);
	store->progress.counts.events[QUEUE_QUARANTINED]--;
	store->progress.changed = true;
	return rc;
}

enum rc work_event_purge(struct queue *q, const char *event_id, struct err *err)
{
	struct store *store = store_of(q);
	int64_t seq = 0;
	enum rc rc = work_alone(store, err);
	if (rc == RC_OK)
		rc = find_quarantined(store, event_id, &seq, err);
	if (rc == RC_OK)
		rc = work_begin(store, err);
	return rc == RC_OK ? work_failed(store, purge_event(store, seq, err), err)
			   : work_quiet(store, rc);
}

/* --- counts ----------------------------------------------------------------------------------- */

struct tally { /* one rule, being added up */
	char rule[256];
	struct queue_tally sum;
	bool any;
};

static void add(struct tally *t, struct db_stmt *s)
{
	int state = (int)db_int(s, 1);
	if (!t->any)
		snprintf(t->rule, sizeof(t->rule), "%s", db_text(s, 0));
	t->any = true;
	t->sum.rule = t->rule;
	if (state >= 0 && state < QUEUE_STATE_N)
		t->sum.runs[state] = db_int(s, 2);
	if (state == QUEUE_WAITING)
		t->sum.parked = db_int(s, 3);
}

enum rc work_tally_each(
	struct queue *q, int64_t since_ms, queue_tally_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	struct tally t = {.any = false};
	bool row = true;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct db_stmt *s = db_use(store->work, HAND_TALLY);
	db_bind_int(store->work, s, 1, since_ms);
	while (rc == RC_OK && row) {
		rc = db_row(store->work, s, &row, err);
		bool other = rc == RC_OK && (!row || strcmp(t.rule, db_text(s, 0)) != 0);
		if (other && t.any) {
			rc = fn(ctx, &t.sum, err);
			t = (struct tally){.any = false};
		}
		if (rc == RC_OK && row)
			add(&t, s);
	}
	if (rc != RC_OK)
		db_reset(s);
	return rc;
}
