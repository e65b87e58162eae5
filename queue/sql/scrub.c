/* SPDX-License-Identifier: MIT */
/*
 * Deliveries of an erased record lose their bytes.
 * From: queue_erase_left (runner), queue_scrub (receiver), which empties what the runner has listed
 * in the table scrub. To: delivery, scrub. What emptied rows leave in a file is the backend's.
 */
#include "queue/sql/sql.h"

/* Emptied, or gone by age. */
static enum rc is_empty(struct store *store, int64_t delivery, bool *ret_empty, struct err *err)
{
	bool row;
	struct db_stmt *s = db_use(store->inbox, INBOX_BODY);
	db_bind_int(store->inbox, s, 1, delivery);
	enum rc rc = db_row(store->inbox, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_empty = !row || (db_blob(s, 0).n == 0 && db_blob(s, 1).n == 0);
	if (row)
		db_reset(s);
	return RC_OK;
}

enum { SCRUB_N = 256 };

static enum rc load_scrubs(struct store *store, int64_t after, int64_t ret_seq[static SCRUB_N],
	size_t *ret_n, struct err *err)
{
	struct db_stmt *s = db_use(store->work, HAND_SCRUBS);
	db_bind_int(store->work, s, 1, after);
	db_bind_int(store->work, s, 2, SCRUB_N);
	for (*ret_n = 0;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		ret_seq[(*ret_n)++] = db_int(s, 0);
	}
}

enum rc work_erase_left(struct queue *q, int64_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	int64_t seqs[SCRUB_N], left = 0, wiping = 0;
	size_t n = 0;
	enum rc rc = store_need_inbox(store, err);
	if (rc == RC_OK)
		rc = load_scrubs(store, 0, seqs, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		bool empty = true;
		if (store->has_inbox)
			rc = is_empty(store, seqs[i], &empty, err);
		left += !empty;
		if (rc != RC_OK || !empty)
			continue;
		rc = work_begin(store, err);
		if (rc != RC_OK)
			break;
		struct db_stmt *s = db_use(store->work, HAND_SCRUB_DELETE);
		db_bind_int(store->work, s, 1, seqs[i]);
		rc = work_failed(store, db_run(store->work, s, err), err);
	}
	if (rc == RC_OK && store->has_inbox)
		rc = db_meta_get(store->inbox, "wiping", &wiping, err);
	if (rc == RC_OK)
		*ret_n = left + (n == SCRUB_N) + wiping;
	return rc;
}

/* --- the inbox (receiver) --------------------------------------------------------------------- */

static enum rc empty_all(struct store *store, const int64_t *seqs, size_t n, struct err *err)
{
	struct db *db = store->inbox;
	enum rc rc = db_begin(db, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct db_stmt *s = db_use(db, INBOX_EMPTY);
		db_bind_int(db, s, 1, seqs[i]);
		rc = db_run(db, s, err);
	}
	/* Where rows leave their bytes in a file of ours. */
	if (rc == RC_OK && !db->driver->shared)
		rc = db_meta_put(db, "wiping", 1, err);
	if (rc == RC_OK)
		rc = db_commit(db, err);
	if (rc != RC_OK)
		db_rollback(db);
	return rc;
}

/* Those of the scrubs that still hold something. */
static enum rc find_full(
	struct store *store, int64_t ret_seq[static SCRUB_N], size_t *ret_n, struct err *err)
{
	int64_t seqs[SCRUB_N];
	size_t n = 0, full_n = 0;
	enum rc rc = load_scrubs(store, 0, seqs, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		bool empty = true;
		rc = is_empty(store, seqs[i], &empty, err);
		if (rc == RC_OK && !empty)
			ret_seq[full_n++] = seqs[i];
	}
	*ret_n = full_n;
	return rc;
}

enum rc inbox_scrub_some(struct store *store, bool *ret_any, struct err *err)
{
	int64_t seqs[SCRUB_N];
	size_t n = 0;
	enum rc rc = find_full(store, seqs, &n, err);
	*ret_any = rc == RC_OK && n > 0;
	return *ret_any ? empty_all(store, seqs, n, err) : rc;
}
