/* SPDX-License-Identifier: MIT */
/*
 * Who works on the store: leases by the clock of the database, and the lead.
 *
 * From: postgres/postgres.c, sql/work.c (the fence at the begin of each transaction that writes to
 * the work). To: the tables runner and leader. A runner that gives no sign of life for its lease
 * has lost what it had claimed, and can write no more. The lead ends with the lease of the one that
 * has it, never before: who is alive and has led once leads still, unless it has resigned. It
 * moves, and what a dead runner had claimed is taken back, only by somebody who is alone: never in
 * the middle of a transaction of another. Fails by breaking the handle.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/postgres/postgres.h"

static struct db_stmt *use_own(struct postgres_store *store, enum postgres_own sql)
{
	struct db_stmt *s = db_use(&store->own.base, sql);
	db_bind_int(&store->own.base, s, 1, store->runner);
	return s;
}

static struct db_stmt *use_lease(struct postgres_store *store, enum postgres_own sql)
{
	struct db_stmt *s = use_own(store, sql);
	db_bind_int(&store->own.base, s, 2, store->lease_ms);
	return s;
}

static struct db_stmt *use_hold(struct postgres_store *store)
{
	struct db_stmt *s = use_own(store, OWN_LEAD);
	db_bind_int(&store->own.base, s, 2, QUEUE_HOLD_MS);
	return s;
}

/* --- coming and going ------------------------------------------------------------------------- */

enum rc postgres_enter(struct postgres_store *store, struct err *err)
{
	char name[300], host[256] = "", set[80];
	struct db *own = &store->own.base;
	int64_t id = 0;
	(void)gethostname(host, sizeof(host) - 1);
	snprintf(name, sizeof(name), "%s:%ld", host, (long)getpid());
	struct db_stmt *s = use_lease(store, OWN_ENTER);
	db_bind_text(own, s, 1, name);
	enum rc rc = db_number(own, s, &id, err);
	if (rc != RC_OK)
		return rc;
	store->runner = id;
	store->store.follows = true;
	/* Statements name us by this. */
	snprintf(set, sizeof(set), "SET moonhook.runner = '%lld'", (long long)store->runner);
	return postgres_script(&store->link, set, err);
}

void postgres_leave(struct postgres_store *store)
{
	struct err ignored;
	if (atomic_load(&store->store.base.broken) || PQstatus(store->link.conn) != CONNECTION_OK)
		return;
	db_rollback(store->store.work);
	(void)!db_run(&store->own.base, use_own(store, OWN_LEAVE), &ignored);
}

enum { ANSWERS_MAX = 100000 };

/* What else was on its way is answered, too, before another question can be asked. */
static bool end_pipeline(PGconn *conn)
{
	if (PQsetnonblocking(conn, 0) != 0 ||
		(PQpipelineStatus(conn) != PQ_PIPELINE_OFF && PQpipelineSync(conn) != 1))
		return false;
	for (int i = 0; i < ANSWERS_MAX && PQstatus(conn) == CONNECTION_OK; i++) {
		if (PQexitPipelineMode(conn) == 1)
			return true;
		PQclear(PQgetResult(conn));
	}
	return false;
}

void postgres_blame(struct postgres_store *store)
{
	char run[24], runner[24];
	const char *const values[] = {run, runner};
	PGconn *conn = store->link.conn;
	if (PQstatus(conn) != CONNECTION_OK || !end_pipeline(conn))
		return;
	snprintf(run, sizeof(run), "%lld", (long long)store->link.poison);
	snprintf(runner, sizeof(runner), "%lld", (long long)store->runner);
	/* Others wait for us no longer than this. */
	PQclear(PQexec(conn, "ROLLBACK; SET lock_timeout = 2000; SET statement_timeout = 4000"));
	PQclear(PQexecParams(conn,
		"UPDATE run SET deaths = deaths + 1 WHERE seq = $1::bigint AND state = 2"
		" AND state < 3 AND runner = $2::bigint",
		2, NULL, values, NULL, NULL, 0));
}

/* --- the fence -------------------------------------------------------------------------------- */

enum rc postgres_fence(struct store *store, struct err *err)
{
	struct postgres_store *all = postgres_store_of(&store->base);
	struct db *own = &all->own.base;
	struct db_stmt *s = use_lease(all, OWN_FENCE);
	db_bind_int(own, s, 3, store->follows ? 0 : 1);
	db_bind_text(own, s, 4, all->schema);
	return db_run(own, s, err);
}

/* --- the lead --------------------------------------------------------------------------------- */

enum rc postgres_lead(struct postgres_store *store, struct err *err)
{
	struct store *s = &store->store;
	int64_t n = 0;
	enum rc rc = work_begin(s, err);
	if (rc == RC_OK)
		rc = db_run(&store->own.base, use_hold(store), err);
	if (rc == RC_OK)
		rc = db_changed(&store->own.base, &n, err);
	if (rc == RC_OK)
		rc = work_commit(&s->base, err);
	if (rc != RC_OK)
		return work_failed(s, rc, err);
	s->follows = n == 0;
	return RC_OK;
}

enum rc postgres_adopt(struct queue *q, size_t *ret_n, struct err *err)
{
	struct postgres_store *store = postgres_store_of(q);
	enum rc rc = work_begin(&store->store, err);
	if (rc == RC_OK)
		rc = work_adopt(q, ret_n, err);
	/* All that they had has been taken back. */
	if (rc == RC_OK && !store->store.work->writing)
		rc = work_begin(&store->store, err);
	if (rc == RC_OK)
		rc = db_run(&store->own.base, db_use(&store->own.base, OWN_BURY), err);
	return rc == RC_OK ? work_commit(q, err) : rc;
}

struct signs { /* what one sign of life has come to */
	bool alive, leads, vacant, dead;
	int runners_n;
};

static enum rc give_sign(struct postgres_store *store, struct signs *ret_signs, struct err *err)
{
	bool row;
	struct db_stmt *s = use_lease(store, OWN_BEAT);
	enum rc rc = db_row(&store->own.base, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_signs = (struct signs){
		.alive = row && db_int(s, 0) > 0,
		.leads = row && db_int(s, 1) > 0,
		.runners_n = row ? (int)db_int(s, 2) : 0,
		.vacant = row && db_int(s, 3) > 0,
		.dead = row && db_int(s, 4) > 0,
	};
	db_reset(s);
	return RC_OK;
}

enum rc postgres_beat(struct queue *q, struct queue_beat *ret_beat, struct err *err)
{
	struct postgres_store *store = postgres_store_of(q);
	struct signs signs = {0};
	postgres_ear_tend(store);
	enum rc rc = work_commit(q, err);
	int64_t asked_ms = clock_mono_ms();
	if (rc == RC_OK)
		rc = give_sign(store, &signs, err);
	if (rc != RC_OK)
		return rc;
	if (!signs.alive)
		return queue_break(q, err,
			"the lease of this runner on %s was over; what it had claimed goes on "
			"elsewhere",
			store->link.name);
	store->store.follows = !signs.leads;
	/* Who has given up the lead leaves it to another, where there is one. */
	bool may = !store->resigned || signs.runners_n == 1;
	if (signs.vacant && may)
		rc = postgres_lead(store, err);
	size_t rescued_n = 0;
	if (rc == RC_OK && !store->store.follows && signs.dead)
		rc = postgres_adopt(q, &rescued_n, err);
	if (rc != RC_OK)
		return rc;
	store->resigned = store->resigned && store->store.follows;
	*ret_beat = (struct queue_beat){
		.leads = !store->store.follows,
		.until_mono_ms = asked_ms + store->lease_ms,
		.runners_n = signs.runners_n,
		.rescued_n = rescued_n,
	};
	return RC_OK;
}

enum rc postgres_resign(struct queue *q, struct err *err)
{
	struct postgres_store *store = postgres_store_of(q);
	enum rc rc = work_commit(q, err);
	if (rc != RC_OK || store->store.follows)
		return rc;
	store->store.follows = true;
	store->resigned = true;
	return db_run(&store->own.base, use_own(store, OWN_RESIGN), err);
}

/* --- for people ------------------------------------------------------------------------------- */

enum rc postgres_peer_each(struct queue *q, queue_peer_fn fn, void *ctx, struct err *err)
{
	struct postgres_store *store = postgres_store_of(q);
	struct db *own = &store->own.base;
	struct db_stmt *s = use_own(store, OWN_PEERS);
	for (;;) {
		bool row;
		enum rc rc = db_row(own, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_peer peer = {
			.name = db_text(s, 0),
			.leads = db_int(s, 1) != 0,
			.ours = db_int(s, 2) != 0,
			.quiet_ms = db_int(s, 3),
			.running_n = db_int(s, 4),
		};
		rc = fn(ctx, &peer, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}
