/* SPDX-License-Identifier: MIT */
/*
 * How large a store in PostgreSQL is, and how much of it pruning has to remove.
 *
 * From: db_size, sql/prune.c. To: the server's statistics, and the table freed. The statistics tell
 * of deleted rows only seconds later: whoever looked again at once would find the store as large as
 * before and remove as much once more. So pruning notes what it has removed, which counts as gone
 * until the statistics know of it. Of each kind of rows one process at a time prunes by size; each
 * kind gives its share of what is too much. Fails as any statement does.
 */
#include "queue/postgres/weight.h"

#include <stdlib.h>
#include <string.h>

#include "queue/postgres/postgres.h"

enum rc postgres_size(struct db *db, int64_t *ret_bytes, struct err *err)
{
	PGresult *result = NULL;
	*ret_bytes = 0;
	if (strcmp(db->form->name, "work.db") != 0)
		return RC_OK;
	enum rc rc = postgres_ask(((struct postgres_db *)db)->link,
		"SELECT coalesce(sum(weight), 0)::bigint FROM (" POSTGRES_WEIGHTS ") AS t", NULL,
		NULL, &result, err);
	if (rc == RC_OK)
		*ret_bytes = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return rc;
}

static struct db_stmt *use_own(struct postgres_store *store, enum postgres_own sql, int64_t what)
{
	struct db_stmt *s = db_use(&store->own.base, sql);
	db_bind_int(&store->own.base, s, 1, what);
	return s;
}

enum rc postgres_excess(struct store *store, enum store_rows what, int64_t most_bytes,
	int64_t *ret_bytes, bool *ret_alone, struct err *err)
{
	struct postgres_store *all = postgres_store_of(&store->base);
	struct db *own = &all->own.base;
	struct postgres_weight *w = &all->weights[what];
	bool row = false;
	int64_t locked = 0;
	*ret_bytes = 0;
	enum rc rc = db_number(own, use_own(all, OWN_WEIGH_LOCK, what), &locked, err);
	*ret_alone = locked == 1;
	if (rc != RC_OK || !*ret_alone)
		return rc;
	struct db_stmt *s = use_own(all, OWN_WEIGH, what);
	db_bind_int(own, s, 2, most_bytes);
	rc = db_row(own, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	*w = (struct postgres_weight){
		.deleted_n = db_int(s, 0),
		.freed_bytes = db_int(s, 1),
		.freed_upto_n = db_int(s, 2),
		.thousandths = db_int(s, 3),
	};
	*ret_bytes = db_int(s, 4);
	db_reset(s);
	return RC_OK;
}

enum rc postgres_freed(
	struct store *store, enum store_rows what, int64_t bytes, int64_t n, struct err *err)
{
	struct postgres_store *all = postgres_store_of(&store->base);
	struct db *own = &all->own.base;
	const struct postgres_weight *w = &all->weights[what];
	bool unseen = w->freed_bytes > 0 && w->freed_upto_n > w->deleted_n;
	struct db_stmt *s = use_own(all, OWN_FREED, what);
	db_bind_int(own, s, 2, w->freed_bytes + bytes * w->thousandths / 1000);
	db_bind_int(own, s, 3, (unseen ? w->freed_upto_n : w->deleted_n) + n);
	db_bind_int(own, s, 4, w->deleted_n);
	return db_run(own, s, err);
}
