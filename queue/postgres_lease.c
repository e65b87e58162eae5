/* SPDX-License-Identifier: MIT */
/*
 * Who works on the store: leases by the clock of the database.
 *
 * From: postgres.c. To: the table runner. A runner that gives no sign of life for LEASE_MS has lost
 * what it had claimed: any other may take that up, and it itself can write no more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/postgres.h"

#define LEASE "10 s"

enum rc postgres_enter(struct postgres_store *store, struct err *err)
{
	char name[300], host[256] = "", set[80];
	PGresult *result = NULL;
	(void)gethostname(host, sizeof(host) - 1);
	snprintf(name, sizeof(name), "%s:%ld", host, (long)getpid());
	enum rc rc = postgres_ask(&store->link,
		"INSERT INTO runner (id, name, until) VALUES (nextval('runner_id'), $1,"
		" clock_timestamp() + interval '" LEASE "') RETURNING id",
		name, NULL, &result, err);
	if (rc == RC_OK)
		store->runner = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	if (rc != RC_OK)
		return rc;
	/* Statements name us by this. */
	snprintf(set, sizeof(set), "SET moonhook.runner = '%lld'", (long long)store->runner);
	return postgres_script(&store->link, set, err);
}

void postgres_leave(struct postgres_store *store)
{
	char id[24];
	struct err ignored;
	PGresult *result = NULL;
	if (atomic_load(&store->store.base.broken) || PQstatus(store->link.conn) != CONNECTION_OK)
		return;
	db_rollback(store->store.work);
	snprintf(id, sizeof(id), "%lld", (long long)store->runner);
	if (postgres_ask(&store->link, "DELETE FROM runner WHERE id = $1::bigint", id, NULL,
		    &result, &ignored) == RC_OK)
		PQclear(result);
}

enum rc postgres_adopt(struct queue *q, size_t *ret_n, struct err *err)
{
	return work_adopt(q, ret_n, err);
}

enum rc postgres_beat(struct queue *q, struct queue_beat *ret_beat, struct err *err)
{
	struct postgres_store *store = postgres_store_of(q);
	char id[24];
	PGresult *result = NULL;
	int64_t asked_ms = clock_mono_ms();
	snprintf(id, sizeof(id), "%lld", (long long)store->runner);
	enum rc rc = work_commit(q, err);
	if (rc == RC_OK)
		rc = postgres_ask(&store->link,
			"WITH me AS (UPDATE runner SET until = clock_timestamp() + interval '" LEASE
			"' WHERE id = $1::bigint AND until > clock_timestamp() RETURNING until),"
			" lead AS (UPDATE leader SET runner = $1::bigint, until = me.until,"
			" epoch = epoch + (runner <> $1::bigint)::int FROM me"
			" WHERE runner = $1::bigint OR leader.until < clock_timestamp() RETURNING "
			"1)"
			" SELECT (SELECT count(*) FROM me), (SELECT count(*) FROM lead),"
			" (SELECT count(*) FROM runner WHERE until > clock_timestamp())",
			id, NULL, &result, err);
	if (rc != RC_OK)
		return rc;
	bool alive = PQgetvalue(result, 0, 0)[0] == '1';
	ret_beat->leads = PQgetvalue(result, 0, 1)[0] == '1';
	ret_beat->runners_n = (int)strtol(PQgetvalue(result, 0, 2), NULL, 10);
	ret_beat->until_mono_ms = asked_ms + QUEUE_LEASE_MS;
	PQclear(result);
	if (!alive)
		return queue_break(q, err, "the lease on the store was over");
	return ret_beat->leads ? work_adopt(q, &ret_beat->rescued_n, err) : RC_OK;
}

enum rc postgres_resign(struct queue *q, struct err *err)
{
	(void)q, (void)err;
	return RC_OK;
}

int postgres_wake_fd(const struct queue *q)
{
	(void)q;
	return -1;
}

enum rc postgres_woken(struct queue *q, bool *ret_any, struct err *err)
{
	(void)q, (void)ret_any, (void)err;
	return RC_OK;
}

enum rc postgres_peer_each(struct queue *q, queue_peer_fn fn, void *ctx, struct err *err)
{
	(void)q, (void)fn, (void)ctx, (void)err;
	return RC_OK;
}
