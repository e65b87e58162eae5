/* SPDX-License-Identifier: MIT */
/*
 * The inbox on PostgreSQL: a batch of deliveries is one round trip; what is to be routed is
 * numbered when it is routed.
 *
 * From: queue_inbox_put (receivers, side by side), queue_inbox_next and routing (the runner that
 * leads). To: delivery, pending, routed. The same batch put twice, because nobody
 * knows what became of its commit, is stored once: ids and keys are unique.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/postgres/array.h"
#include "queue/postgres/postgres.h"

/* --- put -------------------------------------------------------------------------------------- */

enum { COLUMNS_N = 8, IDS = 0, SOURCES, TIMES, QUARANTINES, HEADERS, BODIES, KEYS, PLACES };

static const unsigned element_types[COLUMNS_N] = {
	OID_TEXT, OID_TEXT, OID_INT8, OID_TEXT, OID_BYTEA, OID_BYTEA, OID_BYTEA, OID_INT8};

/* After one of a batch was there already, more may be: so many batches look first. */
enum { WARY_N = 32 };

struct batch {
	struct buf columns[COLUMNS_N];
	struct buf key;
	const struct queue_delivery **order; /* by key */
};

static int compare(struct slice a, struct slice b)
{
	int way = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
	return way != 0 ? way : (a.n > b.n) - (a.n < b.n);
}

/* As the server orders bytes; those without a key last, all else as they came. */
static int by_key(const void *a, const void *b)
{
	const struct queue_delivery *x = *(const struct queue_delivery *const *)a;
	const struct queue_delivery *y = *(const struct queue_delivery *const *)b;
	int way = (x->dedupe.n == 0) - (y->dedupe.n == 0);
	if (way == 0 && x->dedupe.n > 0)
		way = strcmp(x->source, y->source);
	if (way == 0 && x->dedupe.n > 0)
		way = compare(x->dedupe, y->dedupe);
	return way != 0 ? way : (x > y) - (x < y);
}

static enum rc sort(struct batch *b, const struct queue_delivery *deliveries, size_t n)
{
	b->order = calloc(n, sizeof(const struct queue_delivery *));
	if (b->order == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n; i++)
		b->order[i] = &deliveries[i];
	qsort(b->order, n, sizeof(const struct queue_delivery *), by_key);
	return RC_OK;
}

static enum rc put_key(struct batch *b, const struct queue_delivery *d)
{
	if (d->dedupe.n == 0)
		return postgres_array_bytes(&b->columns[KEYS], NULL, 0);
	buf_clear(&b->key);
	enum rc rc = buf_put(&b->key, d->source, strlen(d->source) + 1);
	if (rc == RC_OK)
		rc = buf_put(&b->key, d->dedupe.p, d->dedupe.n);
	return rc == RC_OK ? postgres_array_bytes(&b->columns[KEYS], b->key.p, b->key.n) : rc;
}

static enum rc fill(struct batch *b, const struct queue_delivery *deliveries, size_t n)
{
	enum rc rc = sort(b, deliveries, n);
	for (int c = 0; rc == RC_OK && c < COLUMNS_N; c++)
		rc = postgres_array_begin(&b->columns[c], element_types[c], n);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		const struct queue_delivery *d = b->order[i];
		const char *headers = d->headers.p != NULL ? d->headers.p : "";
		const char *body = d->body.p != NULL ? d->body.p : "";
		rc = postgres_array_text(&b->columns[IDS], d->id.text);
		if (rc == RC_OK)
			rc = postgres_array_text(&b->columns[SOURCES], d->source);
		if (rc == RC_OK)
			rc = postgres_array_int(&b->columns[TIMES], d->received_ms);
		if (rc == RC_OK)
			rc = postgres_array_text(&b->columns[QUARANTINES], d->quarantine);
		if (rc == RC_OK)
			rc = postgres_array_bytes(&b->columns[HEADERS], headers, d->headers.n);
		if (rc == RC_OK)
			rc = postgres_array_bytes(&b->columns[BODIES], body, d->body.n);
		if (rc == RC_OK)
			rc = put_key(b, d);
		if (rc == RC_OK)
			rc = postgres_array_int(&b->columns[PLACES], d - deliveries + 1);
	}
	return rc;
}

static void bind_columns(struct db_stmt *s, const struct batch *b)
{
	static const unsigned types[COLUMNS_N] = {OID_TEXTS, OID_TEXTS, OID_INT8S, OID_TEXTS,
		OID_BYTEAS, OID_BYTEAS, OID_BYTEAS, OID_INT8S};
	for (int c = 0; c < COLUMNS_N; c++)
		postgres_bind(s, c + 1, buf_slice(&b->columns[c]), types[c]);
}

static void bind_keys(struct db_stmt *s, const struct batch *b)
{
	postgres_bind(s, 1, buf_slice(&b->columns[IDS]), OID_TEXTS);
	postgres_bind(s, 2, buf_slice(&b->columns[KEYS]), OID_BYTEAS);
	postgres_bind(s, 3, buf_slice(&b->columns[PLACES]), OID_INT8S);
}

/* Another delivery has come first with the key of one of ours. One that is there with its own id is
 * no repeat: it was put before. */
static enum rc read_repeats(
	struct db *own, const struct batch *b, struct queue_delivery *deliveries, struct err *err)
{
	struct db_stmt *s = db_use(own, OWN_FIRST);
	bind_keys(s, b);
	for (;;) {
		bool row;
		enum rc rc = db_row(own, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_delivery *d = &deliveries[db_int(s, 0) - 1];
		snprintf(d->id.text, sizeof(d->id.text), "%s", db_text(s, 1));
		d->ret_repeated = true;
	}
}

/* BEGIN to COMMIT in one round trip; another where something was there already. */
static enum rc put(struct postgres_store *store, const struct batch *b,
	struct queue_delivery *deliveries, size_t n, struct err *err)
{
	struct db *own = &store->own.base;
	int64_t stored = 0;
	enum rc rc = db_begin(own, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(own, OWN_PUT);
	bind_columns(s, b);
	db_bind_int(own, s, COLUMNS_N + 1, store->wary == 0);
	postgres_tell(store, true);
	rc = postgres_commit_rows(own, s, err);
	if (rc == RC_OK)
		rc = db_number(own, s, &stored, err);
	if (rc != RC_OK) {
		db_rollback(own);
		return rc;
	}
	bool all = stored == (int64_t)n;
	store->wary = !all ? WARY_N : store->wary > 0 ? store->wary - 1 : 0;
	return all ? RC_OK : read_repeats(own, b, deliveries, err);
}

enum rc postgres_inbox_put(
	struct queue *q, struct queue_delivery *deliveries, size_t n, struct err *err)
{
	struct batch b = {.order = NULL};
	for (int c = 0; c < COLUMNS_N; c++)
		buf_init(&b.columns[c], (size_t)1 << 30);
	buf_init(&b.key, 1 << 20);
	for (size_t i = 0; i < n; i++)
		deliveries[i].ret_repeated = false;
	enum rc rc = fill(&b, deliveries, n);
	if (rc != RC_OK)
		rc = err_set(err, rc, "a batch of deliveries is %s", rc_text(rc));
	else
		rc = put(postgres_store_of(q), &b, deliveries, n, err);
	for (int c = 0; c < COLUMNS_N; c++)
		buf_done(&b.columns[c]);
	buf_done(&b.key);
	free(b.order);
	return rc;
}

/* --- next ------------------------------------------------------------------------------------- */

static const char *lend(struct buf *raw, struct slice bytes)
{
	char *at = raw->p + raw->n;
	if (bytes.n > 0)
		memcpy(at, bytes.p, bytes.n);
	at[bytes.n] = '\0';
	raw->n += bytes.n + 1;
	return at;
}

/* NULL: it can be read. */
static const char *damage_of(struct db_stmt *s)
{
	int64_t kind = db_int(s, 10);
	if (kind == 0)
		return NULL;
	return kind < 0 ? "nothing is there but its number" : "it is larger than 64 MB";
}

static void lend_row(struct buf *raw, struct db_stmt *s, int64_t seq, struct queue_raw *ret_raw)
{
	*ret_raw = (struct queue_raw){.seq = seq, .damage = damage_of(s)};
	snprintf(ret_raw->id.text, sizeof(ret_raw->id.text), "%s", db_text(s, 1));
	ret_raw->source = lend(raw, slice_of(db_text(s, 2)));
	ret_raw->received_ms = db_int(s, 3);
	if (!db_is_null(s, 4))
		ret_raw->quarantine = lend(raw, slice_of(db_text(s, 4)));
	struct slice headers = db_blob(s, 5), body = db_blob(s, 6);
	ret_raw->headers = (struct slice){lend(raw, headers), headers.n};
	ret_raw->body = (struct slice){lend(raw, body), body.n};
}

static enum rc room_for(struct postgres_store *store, size_t max, struct err *err)
{
	if (max <= store->places_cap)
		return RC_OK;
	struct postgres_place *p = realloc(store->places, max * sizeof(*p));
	if (p == NULL)
		return err_set(err, RC_NOMEM, "out of memory for deliveries");
	store->places = p;
	store->places_cap = max;
	return RC_OK;
}

/* Bytes that a row takes when it is lent. */
static size_t row_n(struct db_stmt *s)
{
	size_t n = 0;
	for (int column = 1; column <= 6; column++)
		n += db_blob(s, column).n + 1;
	return n;
}

struct snapshot {
	int64_t top;        /* the last number that was given: a higher one is none of them */
	int64_t oldest_xid; /* that was open when rows were read */
	int64_t own_xid; /* ours, given behind that: all who had a number by then have a lower xid;
			  * 0: the transaction has written already, its xid is from before that */
};

/*
 * Rows of pending that are gone leave their places in the index until it is vacuumed, and every
 * look from the front steps over them. Nothing comes at or below the floor any more: numbers are
 * given in order, each to a transaction that has its xid already (deliver, store_1.sql), so once
 * all with an xid below one that was given after a row with number n was seen are over, nobody is
 * left who has a number below n and is not seen. The end of the snapshot (xmax) is no such xid:
 * some above it may be open. Nor is our own, where a write earlier in the transaction had it given:
 * then the mark is left for another look.
 */
static void raise_floor(
	struct postgres_floor *f, const struct snapshot *seen, int64_t first, int64_t last)
{
	if (f->mark_xid != 0 && seen->oldest_xid >= f->mark_xid) {
		f->n = f->mark_n < first ? f->mark_n : first - 1;
		f->mark_xid = 0;
	}
	if (last > seen->top)
		last = seen->top;
	if (f->mark_xid == 0 && seen->own_xid != 0)
		*f = (struct postgres_floor){f->n, last, seen->own_xid};
}

enum { RAW_BYTES = 1 << 20 }; /* what one queue_inbox_next lends, unless a single one is larger */

/* Lends what a look has found, up to max; ret_seen: of a look that tells of spools, too; else NULL.
 */
static enum rc lend_rows(struct postgres_store *store, struct db_stmt *s, size_t max,
	struct queue_raw *ret_raw, size_t *ret_n, struct snapshot *ret_seen, struct err *err)
{
	struct db *own = &store->own.base;
	struct buf *raw = &store->store.raw;
	bool row = true;
	size_t n = 0;
	buf_clear(raw);
	while (n < max) {
		enum rc rc = db_row(own, s, &row, err);
		if (rc != RC_OK)
			return rc;
		if (row && ret_seen != NULL && n == 0)
			store->window = (struct postgres_window){
				db_int(s, 11), db_int(s, 12), db_int(s, 13), db_int(s, 14)};
		if (!row || db_is_null(s, 0))
			break;
		size_t bytes = row_n(s);
		if (n > 0 && raw->n + bytes >= raw->cap)
			break;
		if (n == 0 && buf_reserve(raw, bytes > RAW_BYTES ? bytes : RAW_BYTES) == NULL) {
			db_reset(s);
			return err_set(err, RC_NOMEM, "out of memory for a delivery");
		}
		int64_t seq = store->store.progress.position + 1 + (int64_t)n;
		store->places[n] = (struct postgres_place){seq, db_int(s, 0), !db_is_null(s, 4)};
		lend_row(raw, s, seq, &ret_raw[n++]);
		if (ret_seen != NULL)
			*ret_seen = (struct snapshot){db_int(s, 9), db_int(s, 7), db_int(s, 8)};
	}
	db_reset(s);
	store->places_n = n;
	*ret_n = n;
	return RC_OK;
}

/* In the order of their numbers; nothing where what has come by a spool may be among them: with a
 * number behind window.done_n, and behind passed_n, up to which the caller has looked. */
static enum rc next_straight(struct postgres_store *store, int64_t passed_n, size_t max,
	struct queue_raw *ret_raw, size_t *ret_n, struct err *err)
{
	struct db *own = &store->own.base;
	struct snapshot seen = {0};
	struct db_stmt *s = db_use(own, OWN_NEXT);
	db_bind_int(own, s, 1, (int64_t)max);
	db_bind_int(own, s, 2, store->floor.n);
	db_bind_int(own, s, 3, passed_n);
	enum rc rc = lend_rows(store, s, max, ret_raw, ret_n, &seen, err);
	/* What is held back stands between those that are lent. */
	if (rc == RC_OK && *ret_n > 0 && store->window.below_ms == INT64_MAX)
		raise_floor(&store->floor, &seen, store->places[0].n, store->places[*ret_n - 1].n);
	return rc;
}

static enum rc next_up_to(struct postgres_store *store, enum postgres_own sql, int64_t below_ms,
	size_t max, struct queue_raw *ret_raw, size_t *ret_n, struct err *err)
{
	struct db *own = &store->own.base;
	struct db_stmt *s = db_use(own, sql);
	db_bind_int(own, s, 1, (int64_t)max);
	db_bind_int(own, s, 2, store->floor.n);
	db_bind_int(own, s, 3, store->window.last_n);
	db_bind_int(own, s, 4, below_ms);
	return lend_rows(store, s, max, ret_raw, ret_n, NULL, err);
}

static enum rc end_window(struct postgres_store *store, struct err *err)
{
	struct db *own = &store->own.base;
	struct db_stmt *s = db_use(own, OWN_WINDOW_DONE);
	db_bind_int(own, s, 1, store->runner);
	db_bind_int(own, s, 2, store->window.last_n);
	return db_run(own, s, err);
}

/*
 * What has come by spools, and beside it, up to window.last_n: a backlog from before, which may be
 * long, in the order of its numbers; then the others in the order in which they were received. What
 * comes behind that number follows nothing that is missing. When nothing of it waits any more, and
 * nothing is held back, this is over.
 */
static enum rc next_window(struct postgres_store *store, size_t max, struct queue_raw *ret_raw,
	size_t *ret_n, struct err *err)
{
	struct postgres_window w = store->window;
	int64_t before_ms = w.since_ms < w.below_ms ? w.since_ms : w.below_ms;
	enum rc rc = next_up_to(store, OWN_BEFORE, before_ms, max, ret_raw, ret_n, err);
	if (rc == RC_OK && *ret_n == 0)
		rc = next_up_to(store, OWN_WINDOW, w.below_ms, max, ret_raw, ret_n, err);
	if (rc != RC_OK || *ret_n > 0)
		return rc;
	if (w.below_ms == INT64_MAX)
		rc = end_window(store, err);
	return rc == RC_OK ? next_straight(store, w.last_n, max, ret_raw, ret_n, err) : rc;
}

enum rc postgres_inbox_next(
	struct queue *q, size_t max, struct queue_raw *ret_raw, size_t *ret_n, struct err *err)
{
	struct postgres_store *store = postgres_store_of(q);
	enum rc rc = room_for(store, max, err);
	if (rc == RC_OK)
		rc = next_straight(store, 0, max, ret_raw, ret_n, err);
	if (rc == RC_OK && store->window.last_n > store->window.done_n)
		rc = next_window(store, max, ret_raw, ret_n, err);
	return rc;
}

static const struct postgres_place *find_place(const struct postgres_store *store, int64_t seq)
{
	for (size_t i = 0; i < store->places_n; i++)
		if (store->places[i].seq == seq)
			return &store->places[i];
	return NULL;
}

static enum rc put_places(struct postgres_store *store, const struct queue_routing *routings,
	size_t n, struct buf *seqs, struct buf *numbers, struct err *err)
{
	int64_t routed = 0, quarantined = 0;
	for (size_t i = 0; i < n; i++)
		routed += routings[i].event.seq != 0;
	if (routed == 0)
		return RC_OK;
	enum rc rc = postgres_array_begin(seqs, OID_INT8, (size_t)routed);
	if (rc == RC_OK)
		rc = postgres_array_begin(numbers, OID_INT8, (size_t)routed);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		int64_t seq = routings[i].event.seq;
		const struct postgres_place *place = seq != 0 ? find_place(store, seq) : NULL;
		if (seq == 0)
			continue;
		if (place == NULL)
			return err_set(
				err, RC_INVALID, "delivery %lld was not lent", (long long)seq);
		quarantined += place->quarantined;
		rc = postgres_array_int(seqs, seq);
		if (rc == RC_OK)
			rc = postgres_array_int(numbers, place->n);
	}
	if (rc != RC_OK)
		return err_set(err, rc, "out of memory for places of deliveries");
	struct db_stmt *s = db_use(&store->own.base, OWN_ROUTED);
	postgres_bind(s, 1, buf_slice(seqs), OID_INT8S);
	postgres_bind(s, 2, buf_slice(numbers), OID_INT8S);
	db_bind_int(&store->own.base, s, 3, routed);
	db_bind_int(&store->own.base, s, 4, quarantined);
	return db_run(&store->own.base, s, err);
}

enum rc postgres_inbox_routed(
	struct store *store, const struct queue_routing *routings, size_t n, struct err *err)
{
	struct buf seqs, numbers;
	buf_init(&seqs, (size_t)1 << 30);
	buf_init(&numbers, (size_t)1 << 30);
	enum rc rc = put_places(postgres_store_of(&store->base), routings, n, &seqs, &numbers, err);
	buf_done(&seqs);
	buf_done(&numbers);
	return rc;
}
