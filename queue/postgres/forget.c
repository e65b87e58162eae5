/* SPDX-License-Identifier: MIT */
/*
 * Pruning on PostgreSQL: what goes, goes with one statement, and costs the same however much stays.
 * From: sql/prune.c. To: the tables of deliveries, runs and events. Fails as any statement does.
 */
#include "queue/postgres/array.h"
#include "queue/postgres/postgres.h"

enum rc postgres_forget(
	struct store *store, enum store_rows what, const int64_t *seqs, size_t n, struct err *err)
{
	static const enum postgres_own statements[] = {
		[STORE_DELIVERIES] = OWN_FORGET_DELIVERIES,
		[STORE_RUNS] = OWN_FORGET_RUNS,
		[STORE_EVENTS] = OWN_FORGET_EVENTS,
	};
	struct db *own = &postgres_store_of(&store->base)->own.base;
	struct buf all;
	buf_init(&all, (size_t)1 << 30);
	enum rc rc = postgres_array_begin(&all, OID_INT8, n);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = postgres_array_int(&all, seqs[i]);
	if (rc == RC_OK) {
		struct db_stmt *s = db_use(own, statements[what]);
		postgres_bind(s, 1, buf_slice(&all), OID_INT8S);
		rc = db_run(own, s, err);
	} else {
		rc = err_set(err, rc, "out of memory for what is pruned");
	}
	buf_done(&all);
	return rc;
}
