/* SPDX-License-Identifier: MIT */
/* What is the same for every handle on an SQL database. From: sqlite/sqlite.c, postgres/postgres.c.
 */
#include "queue/sql/sql.h"

#include <stdlib.h>

void store_init(struct store *store, const struct queue_backend *backend, enum queue_side side)
{
	store->base.backend = backend;
	store->base.side = side;
	buf_init(&store->key, 1 << 20);
	buf_init(&store->raw, (size_t)1 << 30);
	buf_init(&store->copies.packed, 2 * PACK_TEXT_MAX);
	buf_init(&store->copies.text, PACK_TEXT_MAX);
	buf_init(&store->lent, 1 << 20);
}

void store_done(struct store *store)
{
	seen_done(&store->seen);
	live_done(&store->live);
	buf_done(&store->key);
	buf_done(&store->raw);
	work_copies_done(store);
	work_pauses_done(store);
	places_done(store);
	buf_done(&store->lent);
	free(store->sources);
}

enum rc store_need_inbox(struct store *store, struct err *err)
{
	return store->has_inbox ? RC_OK : store->need(store, false, err);
}

enum rc store_need_work(struct store *store, struct err *err)
{
	return store->has_work ? RC_OK : store->need(store, true, err);
}
