/* SPDX-License-Identifier: MIT */
/*
 * The inbox: deliveries go in durably, and come out in order of arrival.
 *
 * From: queue_inbox_put (receiver), queue_inbox_next (runner), bodies for claims and readers.
 * To: the tables delivery and seen of inbox.db. A put is one transaction with one fsync; a repeat,
 * also within the same batch, answers the id that came first. Does not look into bodies.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/sql/sql.h"

enum { RAW_BYTES = 1 << 20 }; /* what one queue_inbox_next lends, unless a single one is larger */

static enum rc load_last(struct store *store, struct err *err)
{
	struct db *db = store->inbox;
	struct db_stmt *s = db_use(db, INBOX_LAST);
	bool row;
	int64_t kept = 0;
	enum rc rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	store->last_delivery = row ? db_int(s, 0) : 0;
	db_reset(s);
	rc = db_meta_get(db, "last_seq", &kept, err);
	if (kept > store->last_delivery)
		store->last_delivery = kept;
	return rc;
}

/* Numbers below the position of the work would never be routed: after somebody has taken inbox.db
 * away, they go on behind it. */
static enum rc pass_position(struct store *store, struct err *err)
{
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct progress progress;
	rc = work_progress_load(store, &progress, err);
	if (rc == RC_OK && progress.position > store->last_delivery)
		store->last_delivery = progress.position;
	return rc;
}

enum rc inbox_open(struct store *store, struct err *err)
{
	struct db *db = store->inbox;
	enum rc rc = db_begin(db, err);
	if (rc == RC_OK)
		rc = seen_open(&store->seen, db, SEEN_MAX, err);
	if (rc == RC_OK)
		rc = load_last(store, err);
	if (rc == RC_OK)
		rc = pass_position(store, err);
	return rc == RC_OK ? db_commit(db, err) : rc;
}

/* --- put ----------------------------------------------------------------------------------------
 */

static enum rc load_id(struct store *store, int64_t seq, struct id *ret_id, struct err *err)
{
	struct db_stmt *s = db_use(store->inbox, INBOX_ID);
	db_bind_int(store->inbox, s, 1, seq);
	bool row;
	enum rc rc = db_row(store->inbox, s, &row, err);
	if (rc != RC_OK)
		return rc;
	if (row) {
		struct slice id = slice_of(db_text(s, 0));
		memcpy(ret_id->text, id.p, id.n < ID_N ? id.n : ID_N);
		ret_id->text[id.n < ID_N ? id.n : ID_N] = '\0';
		db_reset(s);
	}
	return RC_OK;
}

static enum rc insert(
	struct store *store, const struct queue_delivery *d, int64_t seq, struct err *err)
{
	struct db *db = store->inbox;
	struct db_stmt *s = db_use(db, INBOX_PUT);
	db_bind_int(db, s, 1, seq);
	db_bind_text(db, s, 2, d->id.text);
	db_bind_text(db, s, 3, d->source);
	db_bind_int(db, s, 4, d->received_ms);
	db_bind_text(db, s, 5, d->quarantine);
	db_bind_blob(db, s, 6, d->headers);
	db_bind_blob(db, s, 7, d->body);
	return db_run(db, s, err);
}

static enum rc put_one(struct store *store, struct queue_delivery *d, struct err *err)
{
	int64_t first = 0;
	d->ret_repeated = false;
	if (d->dedupe.n > 0) {
		buf_clear(&store->key);
		enum rc rc = buf_put(&store->key, d->source, strlen(d->source) + 1);
		if (rc == RC_OK)
			rc = buf_put(&store->key, d->dedupe.p, d->dedupe.n);
		if (rc != RC_OK)
			return err_set(err, rc, "the dedupe key of a delivery is %s", rc_text(rc));
		rc = seen_find(&store->seen, buf_slice(&store->key), &first, err);
		if (rc != RC_OK)
			return rc;
	}
	if (first != 0) {
		d->ret_repeated = true;
		return load_id(store, first, &d->id, err);
	}
	int64_t seq = ++store->last_delivery;
	enum rc rc = insert(store, d, seq, err);
	if (rc == RC_OK && d->dedupe.n > 0)
		rc = seen_put(&store->seen, buf_slice(&store->key), seq, err);
	return rc;
}

enum rc inbox_put(struct queue *q, struct queue_delivery *deliveries, size_t n, struct err *err)
{
	struct store *store = store_of(q);
	int64_t last = store->last_delivery;
	enum rc rc = db_begin(store->inbox, err);
	if (rc != RC_OK)
		return rc;
	seen_begin(&store->seen);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = put_one(store, &deliveries[i], err);
	if (rc == RC_OK)
		rc = db_commit(store->inbox, err);
	if (rc == RC_OK) {
		seen_end(&store->seen);
		return RC_OK;
	}
	db_rollback(store->inbox);
	seen_rollback(&store->seen);
	store->last_delivery = last;
	return rc;
}

/* --- next ---------------------------------------------------------------------------------------
 */

/* Lends bytes with a NUL behind them; the caller has made sure that they fit. */
static const char *lend(struct buf *raw, struct slice bytes)
{
	char *at = raw->p + raw->n;
	if (bytes.n > 0)
		memcpy(at, bytes.p, bytes.n);
	at[bytes.n] = '\0';
	raw->n += bytes.n + 1;
	return at;
}

/* False where it does not fit behind what has been lent. */
static bool fits(struct buf *raw, struct db_stmt *s, bool first)
{
	size_t n = 0;
	for (int column = 1; column <= 6; column++)
		n += db_blob(s, column).n + 1;
	if (!first)
		return raw->n + n < raw->cap;
	return buf_reserve(raw, n > RAW_BYTES ? n : RAW_BYTES) != NULL;
}

static void lend_row(struct buf *raw, struct db_stmt *s, struct queue_raw *ret_raw)
{
	const char *id = db_text(s, 1);
	*ret_raw = (struct queue_raw){.seq = db_int(s, 0)};
	memcpy(ret_raw->id.text, id, strnlen(id, ID_N));
	ret_raw->source = lend(raw, slice_of(db_text(s, 2)));
	ret_raw->received_ms = db_int(s, 3);
	if (!db_is_null(s, 4))
		ret_raw->quarantine = lend(raw, slice_of(db_text(s, 4)));
	struct slice headers = db_blob(s, 5), body = db_blob(s, 6);
	ret_raw->headers = (struct slice){lend(raw, headers), headers.n};
	ret_raw->body = (struct slice){lend(raw, body), body.n};
}

enum rc inbox_next(
	struct queue *q, size_t max, struct queue_raw *ret_raw, size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->inbox;
	size_t n = 0;
	bool row = true;
	enum rc rc = store_need_inbox(store, err);
	if (rc != RC_OK || !store->has_inbox) {
		*ret_n = rc == RC_OK ? 0 : *ret_n;
		return rc;
	}
	struct db_stmt *s = db_use(db, INBOX_NEXT);
	db_bind_int(db, s, 1, store->progress.position);
	db_bind_int(db, s, 2, (int64_t)max);
	buf_clear(&store->raw);
	while (n < max) {
		rc = db_row(db, s, &row, err);
		if (rc != RC_OK)
			return rc;
		if (!row)
			break;
		if (!fits(&store->raw, s, n == 0))
			break;
		lend_row(&store->raw, s, &ret_raw[n++]);
	}
	db_reset(s);
	if (n == 0 && row && max > 0)
		return err_set(err, RC_NOMEM, "out of memory for a delivery");
	*ret_n = n;
	return RC_OK;
}

/* --- bodies -------------------------------------------------------------------------------------
 */

enum rc inbox_body(struct store *store, int64_t event_seq, struct slice *ret_headers,
	struct slice *ret_body, struct err *err)
{
	bool delivered = event_delivered(event_seq), row = false;
	*ret_headers = (struct slice){0};
	*ret_body = (struct slice){0};
	enum rc rc = delivered ? store_need_inbox(store, err) : store_need_work(store, err);
	if (rc != RC_OK || !(delivered ? store->has_inbox : store->has_work))
		return rc;
	struct db *db = delivered ? store->inbox : store->work;
	struct db_stmt *s = db_use(db, delivered ? (int)INBOX_BODY : (int)WORK_EVENT_BODY);
	db_bind_int(db, s, 1, delivered ? delivery_seq_of(event_seq) : event_seq);
	rc = db_row(db, s, &row, err);
	if (rc == RC_OK && row) {
		*ret_headers = db_blob(s, 0);
		*ret_body = db_blob(s, 1);
	}
	return rc;
}

void inbox_body_done(struct store *store)
{
	if (store->has_inbox)
		db_reset(db_use(store->inbox, INBOX_BODY));
	if (store->has_work)
		db_reset(db_use(store->work, WORK_EVENT_BODY));
}
