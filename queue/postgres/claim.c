/* SPDX-License-Identifier: MIT */
/*
 * Claims that runners make side by side.
 *
 * From: queue_claim. To: run, with what a run needs of event, source, delivery and journal, in one
 * statement and one round trip; sql/claim.c where rules are paused or limited, which only somebody
 * who is alone can count. A claim is a transaction of its own: what was open before is committed.
 * It shares the lock that every other writer to the work takes alone, so that nobody who asks which
 * runs of a key are at work misses one; rows that another claim has locked are stepped over.
 *
 * Its commit does not wait for the disk. Where the server dies before it got there, every handle is
 * broken with it, and nothing has left: an effect leaves behind its intent, whose commit does wait,
 * and takes all that was committed before along. What is lost is that an attempt was counted.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "queue/postgres/postgres.h"

enum { AGAIN_N = 3, FRONT_MS = 1000 };

struct claim { /* one queue_claim */
	struct postgres_store *store;
	int64_t now_ms;
	size_t max, n;
	struct queue_run *runs;
	int64_t news, due_ms; /* as the statement saw them; due_ms: the next that waits; 0: none */
};

static enum rc read_row(struct claim *c, struct db_stmt *s, struct err *err)
{
	struct store *store = &c->store->store;
	struct live_run live;
	struct queue_run *run = &c->runs[c->n];
	enum rc rc = work_run_read(store, s, 2, db_blob(s, 24), db_blob(s, 25), run, &live, err);
	if (rc != RC_OK)
		return rc;
	run->has_journal = db_int(s, 26) != 0;
	c->n++;
	c->store->claimed_to = run->seq;
	return live_put(&store->live, &live, err);
}

static enum rc read_rows(struct claim *c, struct db_stmt *s, struct err *err)
{
	struct db *own = &c->store->own.base;
	for (;;) {
		bool row;
		enum rc rc = db_row(own, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		c->news = db_int(s, 0);
		c->due_ms = db_int(s, 1);
		if (!db_is_null(s, 2))
			rc = read_row(c, s, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

static enum rc take(struct claim *c, struct err *err)
{
	struct db *own = &c->store->own.base;
	enum rc rc = db_begin(own, err);
	if (rc == RC_OK)
		rc = db_run(own, db_use(own, OWN_ASYNC), err);
	if (rc == RC_OK)
		rc = db_run(own, db_use(own, OWN_SHARE), err);
	if (rc == RC_OK)
		rc = postgres_fence(&c->store->store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(own, OWN_CLAIM);
	db_bind_int(own, s, 1, (int64_t)(c->max - c->n));
	db_bind_int(own, s, 2, c->store->claimed_to);
	db_bind_int(own, s, 3, c->now_ms);
	db_bind_int(own, s, 4, c->store->store.news);
	rc = postgres_commit_rows(own, s, err);
	return rc == RC_OK ? work_failed(&c->store->store, read_rows(c, s, err), err) : rc;
}

/* Runs that were claimed leave their places in the index until it is vacuumed. As long as there is
 * plenty, a claim goes on where the last one ended; now and then, and where there is little, it
 * begins at the front, where older ones may have become due. */
static void choose_front(struct postgres_store *store)
{
	int64_t now_ms = clock_mono_ms();
	if (now_ms - store->claimed_from_ms < FRONT_MS)
		return;
	store->claimed_from_ms = now_ms;
	store->claimed_to = 0;
}

static bool is_special(const struct store *store)
{
	return store->pauses.n > 0 || store->limits.n > 0;
}

/* Does what only one can do who is alone, and commits it. */
static enum rc prepare(struct claim *c, struct err *err)
{
	struct store *store = &c->store->store;
	enum rc rc = work_begin(store, err);
	if (rc == RC_OK)
		rc = work_wake(store, c->now_ms, c->max, err);
	return rc == RC_OK ? work_commit(&store->base, err) : rc;
}

/* ret_again: there may be more. */
static enum rc claim(struct claim *c, bool *ret_again, struct err *err)
{
	struct postgres_store *store = c->store;
	bool behind = store->claimed_to > 0;
	enum rc rc = take(c, err);
	bool stale = c->news != store->store.news;
	bool due = c->due_ms != 0 && c->due_ms <= c->now_ms;
	if (c->n < c->max)
		store->claimed_to = 0;
	*ret_again = c->n < c->max && (behind || stale || due);
	if (rc == RC_OK && (stale || due))
		rc = prepare(c, err);
	return rc;
}

enum rc postgres_claim(struct queue *q, int64_t now_wall_ms, size_t max, struct queue_run *ret_run,
	size_t *ret_run_n, struct err *err)
{
	struct postgres_store *store = postgres_store_of(q);
	struct claim c = {.store = store, .now_ms = now_wall_ms, .max = max, .runs = ret_run};
	bool again = max > 0;
	if (is_special(&store->store))
		return work_claim(q, now_wall_ms, max, ret_run, ret_run_n, err);
	enum rc rc = work_commit(q, err);
	choose_front(store);
	for (int i = 0; rc == RC_OK && again && i < AGAIN_N; i++)
		rc = claim(&c, &again, err);
	if (rc == RC_OK && c.n == 0 && again && is_special(&store->store))
		return work_claim(q, now_wall_ms, max, ret_run, ret_run_n, err);
	if (rc == RC_OK) {
		*ret_run_n = c.n;
		return RC_OK;
	}
	while (c.n > 0)
		queue_run_done(&ret_run[--c.n]);
	return rc;
}
