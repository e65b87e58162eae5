/* SPDX-License-Identifier: MIT */
/*
 * Everything that the work holds of one record goes.
 *
 * From: queue_erase_step. To: the tables event, event_body, run, journal, copy, written, told,
 * issue, kv, timer, scrub of work.db, in the open transaction; from end to end, a bounded number of
 * rows per call, since nothing is indexed by what it says. Two ways of belonging: the events of the
 * record with their runs and journals lose all that they hold; of others, what names the record by
 * one of the needles is emptied. Runs that are open are counted and left alone.
 */
#include <stdio.h>
#include <string.h>

#include "queue/erase.h"
#include "queue/sql/sql.h"

#define ROWS 2000 /* looked at in one call */

enum phase {
	PHASE_EVENTS,
	PHASE_RUNS,
	PHASE_CALLS,
	PHASE_KEPT,
	PHASE_TIMERS,
	PHASE_REST,
	PHASE_END
};

static bool names_it(const struct queue_erase *e, struct slice bytes)
{
	for (size_t i = 0; bytes.p != NULL && i < e->needles_n; i++) {
		size_t n = strlen(e->needles[i]);
		if (n > 0 && memmem(bytes.p, bytes.n, e->needles[i], n) != NULL)
			return true;
	}
	return false;
}

static bool text_names_it(const struct queue_erase *e, struct db_stmt *s, int column)
{
	return names_it(e, slice_of(db_text(s, column)));
}

static enum rc run_by_seq(struct store *store, int sql, int64_t seq, struct err *err)
{
	struct db_stmt *s = db_use(store->work, sql);
	db_bind_int(store->work, s, 1, seq);
	return db_run(store->work, s, err);
}

/* --- events and their runs -------------------------------------------------------------------- */

static enum rc empty_run(struct store *store, int64_t run, struct err *err)
{
	enum rc rc = run_by_seq(store, ERASE_RUN, run, err);
	return rc == RC_OK ? work_calls_forget(store, run, err) : rc;
}

/* Runs that stand for others, too, hold what they did about all of them. */
static enum rc empty_joined(struct store *store, int64_t event, struct err *err)
{
	int64_t runs[64], after = 0;
	for (size_t n = ARRAY_N(runs); n == ARRAY_N(runs);) {
		bool row = true;
		enum rc rc = RC_OK;
		struct db_stmt *s = db_use(store->work, JOIN_RUNS);
		db_bind_int(store->work, s, 1, event);
		db_bind_int(store->work, s, 2, after);
		for (n = 0; rc == RC_OK && n < ARRAY_N(runs);) {
			rc = db_row(store->work, s, &row, err);
			if (rc != RC_OK || !row)
				break;
			runs[n++] = after = db_int(s, 0);
		}
		if (row)
			db_reset(s);
		for (size_t i = 0; rc == RC_OK && i < n; i++)
			rc = empty_run(store, runs[i], err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc empty_event(
	struct store *store, int64_t seq, int64_t first, int64_t n, struct err *err)
{
	enum rc rc = run_by_seq(store, ERASE_EVENT, seq, err);
	if (rc == RC_OK)
		rc = run_by_seq(store, ERASE_EVENT_BODY, seq, err);
	if (rc == RC_OK)
		rc = work_scrub_put(store, seq, err);
	for (int64_t run = first; rc == RC_OK && run < first + n; run++)
		rc = empty_run(store, run, err);
	return rc;
}

struct event_row {
	int64_t seq, open, first, n, joins;
	bool own;
};

static enum rc erase_events(
	struct store *store, struct queue_erase *e, size_t *ret_n, struct err *err)
{
	struct event_row rows[256];
	size_t n = 0, looked = 0;
	bool row = true;
	struct db_stmt *s = db_use(store->work, ERASE_EVENTS);
	db_bind_int(store->work, s, 1, e->at);
	db_bind_int(store->work, s, 2, ROWS);
	enum rc rc = RC_OK;
	while (rc == RC_OK && n < ARRAY_N(rows)) {
		rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			break;
		looked++;
		e->at = db_int(s, 0);
		bool own = strcmp(db_text(s, 1), e->record) == 0;
		if (own || text_names_it(e, s, 2))
			rows[n++] = (struct event_row){
				e->at, db_int(s, 3), db_int(s, 4), db_int(s, 5), db_int(s, 6), own};
	}
	if (row && rc == RC_OK)
		db_reset(s);
	*ret_n = n == ARRAY_N(rows) ? ROWS : looked;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		e->sum.open += rows[i].own ? rows[i].open : 0;
		if (rows[i].open > 0)
			continue;
		e->sum.events++;
		e->sum.deliveries += rows[i].own && event_delivered(rows[i].seq);
		e->sum.runs += rows[i].own ? rows[i].n : 0;
		if (!e->dry && rows[i].own && rows[i].joins > 0)
			rc = empty_joined(store, rows[i].seq, err);
		if (rc != RC_OK)
			break;
		if (!e->dry)
			rc = rows[i].own ? empty_event(store, rows[i].seq, rows[i].first, rows[i].n,
						   err)
					 : run_by_seq(store, ERASE_REASON, rows[i].seq, err);
	}
	return rc;
}

/* --- others that name it ---------------------------------------------------------------------- */

static enum rc erase_naming(struct store *store, struct queue_erase *e, int list, int empty,
	int columns, int64_t *sum, size_t *ret_n, struct err *err)
{
	int64_t seqs[256];
	size_t n = 0, looked = 0;
	bool row = true;
	struct db_stmt *s = db_use(store->work, list);
	db_bind_int(store->work, s, 1, e->at);
	db_bind_int(store->work, s, 2, ROWS);
	enum rc rc = RC_OK;
	while (rc == RC_OK && n < ARRAY_N(seqs)) {
		bool named = false;
		rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			break;
		looked++;
		e->at = db_int(s, 0);
		/* When it is only counted, what is its own is still there, and counted already. */
		if (e->dry && strcmp(db_text(s, 1), e->record) == 0)
			continue;
		for (int i = 2; !named && i < columns + 2; i++)
			named = names_it(e, db_blob(s, i));
		if (named)
			seqs[n++] = e->at;
	}
	if (row && rc == RC_OK)
		db_reset(s);
	*ret_n = n == ARRAY_N(seqs) ? ROWS : looked;
	*sum += (int64_t)n;
	for (size_t i = 0; rc == RC_OK && !e->dry && i < n; i++)
		rc = run_by_seq(store, empty, seqs[i], err);
	return rc;
}

static enum rc count_issues(struct store *store, struct queue_erase *e, struct err *err)
{
	bool row;
	struct db_stmt *s = db_use(store->work, ISSUES);
	enum rc rc;
	while ((rc = db_row(store->work, s, &row, err)) == RC_OK && row)
		e->sum.issues += text_names_it(e, s, 2);
	return rc;
}

static enum rc erase_issues(struct store *store, struct queue_erase *e, struct err *err)
{
	for (;;) {
		char kind[64], about[512];
		bool row, named = false;
		struct db_stmt *s = db_use(store->work, ISSUES);
		enum rc rc = RC_OK;
		while (!named && (rc = db_row(store->work, s, &row, err)) == RC_OK && row)
			named = text_names_it(e, s, 2);
		if (rc != RC_OK || !named)
			return rc;
		snprintf(kind, sizeof(kind), "%s", db_text(s, 0));
		snprintf(about, sizeof(about), "%s", db_text(s, 1));
		db_reset(s);
		e->sum.issues++;
		s = db_use(store->work, ERASE_ISSUE);
		db_bind_text(store->work, s, 1, kind);
		db_bind_text(store->work, s, 2, about);
		rc = db_run(store->work, s, err);
		if (rc != RC_OK)
			return rc;
	}
}

static enum rc count_rest(struct store *store, struct queue_erase *e, struct err *err)
{
	bool row;
	enum rc rc = count_issues(store, e, err);
	if (rc == RC_OK)
		rc = work_copy_count(store, e->record, &e->sum.copies, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(store->work, ERASE_COUNT);
	db_bind_text(store->work, s, 1, e->record);
	rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	e->sum.writes = db_int(s, 0);
	e->sum.told = db_int(s, 1);
	db_reset(s);
	return RC_OK;
}

static enum rc erase_rest(struct queue *q, struct queue_erase *e, struct err *err)
{
	size_t copies = 0, writes = 0, told = 0;
	if (e->dry)
		return count_rest(store_of(q), e, err);
	enum rc rc = erase_issues(store_of(q), e, err);
	if (rc == RC_OK)
		rc = work_copy_erase(q, e->record, &copies, err);
	if (rc == RC_OK)
		rc = ledger_erase(q, e->record, &writes, err);
	if (rc == RC_OK)
		rc = work_told_erase(q, e->record, &told, err);
	e->sum.copies = (int64_t)copies;
	e->sum.writes = (int64_t)writes;
	e->sum.told = (int64_t)told;
	return rc;
}

/* --- all of it -------------------------------------------------------------------------------- */

enum rc work_erase_step(struct queue *q, struct queue_erase *e, struct err *err)
{
	struct store *store = store_of(q);
	size_t n = 0;
	enum rc rc = e->dry ? RC_OK : work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	switch ((enum phase)e->phase) {
	case PHASE_EVENTS:
		rc = erase_events(store, e, &n, err);
		break;
	case PHASE_RUNS:
		rc = erase_naming(store, e, ERASE_RUNS, ERASE_RUN_TEXTS, 4, &e->sum.runs, &n, err);
		break;
	case PHASE_CALLS:
		rc = erase_naming(store, e, ERASE_CALLS, ERASE_CALL, 2, &e->sum.calls, &n, err);
		break;
	case PHASE_KEPT:
		rc = erase_naming(store, e, ERASE_KVS, ERASE_KV, 2, &e->sum.kept, &n, err);
		break;
	case PHASE_TIMERS:
		rc = erase_naming(store, e, ERASE_TIMERS, ERASE_TIMER, 3, &e->sum.timers, &n, err);
		break;
	case PHASE_REST:
		rc = erase_rest(q, e, err);
		break;
	case PHASE_END:
		break;
	}
	if (!e->dry)
		rc = work_failed(store, rc, err);
	if (rc != RC_OK)
		return rc;
	if (n < ROWS) {
		e->phase++;
		e->at = 0;
	}
	e->more = e->phase < (int)PHASE_END;
	return RC_OK;
}
