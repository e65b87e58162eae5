/* SPDX-License-Identifier: MIT */
/*
 * Who may start: of the runs that share a key only the first that has not ended, and none while
 * another of them is at work.
 * From: routing, claiming, finishing. To: the clustered table hold (key, run) and the states of
 * runs in work.db, in the open transaction. Every look-up is one step into the table, whatever the
 * backlog. Fails as the database does.
 */
#include "queue/sql/sql.h"

struct waiting {      /* a run as promotion sees it */
	bool blocked; /* waits for its keys, not for a time */
	struct hold_keys keys;
};

static enum rc find_first(struct store *store, int64_t key, int64_t *ret_run, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_HOLD_FIRST);
	db_bind_int(store->work, s, 1, key);
	bool row;
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_run = row ? db_int(s, 0) : 0;
	if (row)
		db_reset(s);
	return RC_OK;
}

static enum rc put(struct store *store, int64_t key, int64_t run, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_HOLD_PUT);
	db_bind_int(store->work, s, 1, key);
	db_bind_int(store->work, s, 2, run);
	return db_run(store->work, s, err);
}

/* Is a run of the key at work, other than this one? */
static enum rc is_at_work(
	struct store *store, int64_t key, int64_t but, bool *ret_is, struct err *err)
{
	struct db *db = store->work;
	*ret_is = !db->driver->shared && live_holds(&store->live, key, but);
	if (!db->driver->shared)
		return RC_OK;
	struct db_stmt *s = db_use(db, WORK_HOLD_LIVE);
	db_bind_int(db, s, 1, key);
	db_bind_int(db, s, 2, but);
	enum rc rc = db_row(db, s, ret_is, err);
	if (rc == RC_OK && *ret_is)
		db_reset(s);
	return rc;
}

enum rc hold_ready(struct store *store, int64_t run, const struct hold_keys *keys, bool *ret_ready,
	struct err *err)
{
	bool ready = true;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && ready && i < HOLD_KEYS_N; i++) {
		int64_t first = run;
		if (keys->key[i] == 0)
			continue;
		rc = find_first(store, keys->key[i], &first, err);
		/* An older run that has come back may find a younger one at work. */
		bool at_work = false;
		if (rc == RC_OK && first == run)
			rc = is_at_work(store, keys->key[i], run, &at_work, err);
		ready = first == run && !at_work;
	}
	if (rc == RC_OK)
		*ret_ready = ready;
	return rc;
}

enum rc hold_append(struct store *store, int64_t run, const struct hold_keys *keys, bool *ret_ready,
	struct err *err)
{
	bool ready = true;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < HOLD_KEYS_N; i++) {
		int64_t first = 0;
		if (keys->key[i] == 0)
			continue;
		if (store->ahead.known)
			first = ahead_take_key(&store->ahead, keys->key[i]) ? 1 : 0;
		else
			rc = find_first(store, keys->key[i], &first, err);
		if (rc == RC_OK)
			rc = put(store, keys->key[i], run, err);
		ready = ready && first == 0;
	}
	if (rc == RC_OK)
		*ret_ready = ready;
	return rc;
}

static enum rc look(struct store *store, int64_t run, struct waiting *ret_waiting, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_RUN_WAITS);
	db_bind_int(store->work, s, 1, run);
	bool row;
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_waiting = (struct waiting){0};
	if (row) {
		ret_waiting->blocked = (int)db_int(s, 0) == QUEUE_WAITING && db_int(s, 1) == 0;
		ret_waiting->keys.key[0] = db_int(s, 2);
		ret_waiting->keys.key[1] = db_int(s, 3);
		db_reset(s);
	}
	return RC_OK;
}

/* The same where every question is a way to another machine and back: one statement that asks and
 * counts by itself. */
static enum rc promote_there(struct store *store, int64_t key, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_HOLD_PROMOTE);
	db_bind_int(store->work, s, 1, key);
	return db_run(store->work, s, err);
}

/* Makes the first run of a key due, unless it is at work, waits for a time, or for its other key.
 */
static enum rc promote(struct store *store, int64_t key, struct err *err)
{
	int64_t first = 0;
	struct waiting waiting;
	bool ready = false;
	enum rc rc = find_first(store, key, &first, err);
	if (rc != RC_OK || first == 0)
		return rc;
	rc = look(store, first, &waiting, err);
	if (rc != RC_OK || !waiting.blocked)
		return rc;
	rc = hold_ready(store, first, &waiting.keys, &ready, err);
	if (rc != RC_OK || !ready)
		return rc;
	rc = work_move(store, QUEUE_WAITING, QUEUE_DUE, err);
	return rc == RC_OK ? work_run_put_state(store, first, QUEUE_DUE, err) : rc;
}

static enum rc promote_all(struct store *store, const struct hold_keys *keys, struct err *err)
{
	enum rc rc = RC_OK;
	bool there = store->work->driver->shared;
	for (size_t i = 0; rc == RC_OK && i < HOLD_KEYS_N; i++)
		if (keys->key[i] != 0)
			rc = there ? promote_there(store, keys->key[i], err)
				   : promote(store, keys->key[i], err);
	return rc;
}

enum rc hold_leave(struct store *store, int64_t run, const struct hold_keys *keys, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < HOLD_KEYS_N; i++) {
		if (keys->key[i] == 0)
			continue;
		struct db_stmt *s = db_use(store->work, WORK_HOLD_DELETE);
		db_bind_int(store->work, s, 1, keys->key[i]);
		db_bind_int(store->work, s, 2, run);
		rc = db_run(store->work, s, err);
	}
	return rc == RC_OK ? promote_all(store, keys, err) : rc;
}

enum rc hold_settle(struct store *store, int64_t run, const struct hold_keys *keys,
	enum queue_state state, struct err *err)
{
	bool ready = true;
	enum rc rc = hold_ready(store, run, keys, &ready, err);
	if (rc == RC_OK && !ready && state == QUEUE_DUE) {
		rc = work_move(store, QUEUE_DUE, QUEUE_WAITING, err);
		if (rc == RC_OK)
			rc = work_run_put_state(store, run, QUEUE_WAITING, err);
	}
	return rc == RC_OK ? promote_all(store, keys, err) : rc;
}

/* A younger run of the key that is due steps back behind an older one. */
static enum rc push_back(struct store *store, int64_t key, int64_t run, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_HOLD_DUE);
	db_bind_int(store->work, s, 1, key);
	db_bind_int(store->work, s, 2, run);
	bool row;
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	int64_t due = db_int(s, 0);
	db_reset(s);
	rc = work_move(store, QUEUE_DUE, QUEUE_WAITING, err);
	return rc == RC_OK ? work_run_put_state(store, due, QUEUE_WAITING, err) : rc;
}

enum rc hold_again(struct store *store, int64_t run, const struct hold_keys *keys, bool *ret_ready,
	struct err *err)
{
	bool ready = true;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < HOLD_KEYS_N; i++)
		if (keys->key[i] != 0)
			rc = put(store, keys->key[i], run, err);
	if (rc == RC_OK)
		rc = hold_ready(store, run, keys, &ready, err);
	for (size_t i = 0; rc == RC_OK && i < HOLD_KEYS_N; i++)
		if (keys->key[i] != 0)
			rc = push_back(store, keys->key[i], run, err);
	if (rc == RC_OK)
		*ret_ready = ready;
	return rc;
}
