/* SPDX-License-Identifier: MIT */
/*
 * One question for a whole batch that is to be routed: which of its keys are held by runs that have
 * not ended, which of its digests are known.
 * From: queue_route, which holds the lock, so that it stays true. To: sql/ahead.h.
 */
#include <string.h>

#include "queue/postgres/array.h"
#include "queue/postgres/postgres.h"

struct question {
	struct buf keys, digests;
	size_t keys_n, digests_n;
};

static size_t runs_of(const struct queue_routing *routings, size_t n)
{
	size_t all = 0;
	for (size_t i = 0; i < n; i++)
		all += routings[i].runs_n;
	return all;
}

/* Twice: an array begins with how many there are. */
static enum rc each_key(struct store *store, struct question *q,
	const struct queue_routing *routings, size_t n, bool write)
{
	enum rc rc = write ? postgres_array_begin(&q->keys, OID_INT8, q->keys_n) : RC_OK;
	q->keys_n = 0;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < routings[i].runs_n; k++) {
			const struct queue_run_new *new = &routings[i].runs[k];
			const int64_t keys[] = {
				work_key_hash(store, new->key), work_key_hash(store, new->also)};
			for (size_t j = 0; j < ARRAY_N(keys) && rc == RC_OK; j++) {
				if (keys[j] == 0 || new->join != NULL)
					continue;
				q->keys_n++;
				rc = write ? postgres_array_int(&q->keys, keys[j]) : rc;
			}
		}
	}
	return rc;
}

static enum rc each_digest(struct question *q, const struct queue_routing *routings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		q->digests_n += routings[i].event.has_digest;
	enum rc rc = postgres_array_begin(&q->digests, OID_BYTEA, q->digests_n);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		if (routings[i].event.has_digest)
			rc = postgres_array_bytes(
				&q->digests, (const char *)routings[i].event.digest, DIGEST_N);
	return rc;
}

static enum rc ask(struct postgres_store *store, const struct question *q, struct err *err)
{
	struct db *own = &store->own.base;
	struct db_stmt *s = db_use(own, OWN_AHEAD);
	postgres_bind(s, 1, buf_slice(&q->keys), OID_INT8S);
	postgres_bind(s, 2, buf_slice(&q->digests), OID_BYTEAS);
	for (;;) {
		bool row;
		enum rc rc = db_row(own, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct slice digest = db_blob(s, 1);
		if (db_is_null(s, 1))
			(void)ahead_take_key(&store->store.ahead, db_int(s, 0));
		else if (digest.n == DIGEST_N)
			(void)ahead_take_digest(&store->store.ahead, (const uint8_t *)digest.p);
	}
}

enum rc postgres_look_ahead(
	struct store *store, const struct queue_routing *routings, size_t n, struct err *err)
{
	struct question q = {.keys_n = 0};
	buf_init(&q.keys, (size_t)1 << 30);
	buf_init(&q.digests, (size_t)1 << 30);
	enum rc rc = each_key(store, &q, routings, n, false);
	if (rc == RC_OK)
		rc = each_key(store, &q, routings, n, true);
	if (rc == RC_OK)
		rc = each_digest(&q, routings, n);
	if (rc != RC_OK)
		rc = err_set(err, rc, "out of memory for routing");
	/* Keys that only a join would want are left to be asked for one by one. */
	if (rc == RC_OK)
		rc = ahead_init(&store->ahead, 2 * runs_of(routings, n) + n, err);
	if (rc == RC_OK && q.keys_n + q.digests_n > 0)
		rc = ask(postgres_store_of(&store->base), &q, err);
	buf_done(&q.keys);
	buf_done(&q.digests);
	return rc;
}
