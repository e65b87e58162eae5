/* SPDX-License-Identifier: MIT */
/*
 * The PostgreSQL backend: a schema in a database, shared by any number of receivers and runners.
 *
 * From: queue.c. To: the files here for what is its own (the inbox, claims, leases, migrations),
 * those of sql/ for the rest. One connection for each handle. Runners write in turn: a transaction
 * that writes to the work begins by taking a lock, reads what others have changed since, and is as
 * alone then as SQLite's only writer. Claims (postgres/claim.c) share that lock with each other.
 * Receivers insert side by side and wait for nobody.
 */
#include "queue/postgres/postgres.h"

#include <stdlib.h>

#include "queue/postgres/address.h"

static void store_close(struct queue *q)
{
	struct postgres_store *store = postgres_store_of(q);
	if (store->runner != 0 && store->link.poison != 0)
		postgres_blame(store);
	if (store->runner != 0)
		postgres_leave(store);
	postgres_ear_done(&store->ear);
	postgres_purse_done(store);
	postgres_db_done(&store->inbox);
	postgres_db_done(&store->work);
	postgres_db_done(&store->own);
	postgres_link_close(&store->link);
	store_done(&store->store);
	free(store->places);
	free(store->schema);
	free(store);
}

/* The server looks after its log itself. */
static enum rc checkpoint(struct queue *q, struct err *err)
{
	(void)q, (void)err;
	return RC_OK;
}

/* Dead rows are the server's, and so is its log: `erase` says so. */
static enum rc wipe(struct queue *q, bool *ret_done, struct err *err)
{
	enum rc rc = work_commit(q, err);
	*ret_done = rc == RC_OK;
	return rc;
}

static enum rc scrub(struct queue *q, bool *ret_more, struct err *err)
{
	return inbox_scrub_some(store_of(q), ret_more, err);
}

static enum rc backup(
	struct queue *q, const char *folder, struct queue_backup *ret_backup, struct err *err)
{
	const struct postgres_store *store = postgres_store_of(q);
	PGconn *conn = store->link.conn;
	(void)ret_backup;
	return err_set(err, RC_UNSUPPORTED,
		"the store is in PostgreSQL, whose own copy is its backup: pg_dump -h %s -p %s -U "
		"%s "
		"-d %s -n %s -Fc -f %.60s.dump (back with pg_restore)",
		PQhost(conn), PQport(conn), PQuser(conn), PQdb(conn), store->schema, folder);
}

/* A runner has no use for more than it has from the start: then its lease is over. */
static void patience(struct queue *q, int64_t ms)
{
	struct postgres_link *link = &postgres_store_of(q)->link;
	if (q->side != QUEUE_RUNNER || ms < link->patience_ms)
		link->patience_ms = ms;
}

static const struct queue_backend postgres_backend = {
	STORE_BACKEND,
	.name = "postgres",
	.close = store_close,
	.checkpoint = checkpoint,
	.inbox_put = postgres_inbox_put,
	.inbox_next = postgres_inbox_next,
	.claim = postgres_claim,
	.adopt = postgres_adopt,
	.erase_wipe = wipe,
	.scrub = scrub,
	.backup = backup,
	.mark = postgres_mark,
	.beat = postgres_beat,
	.resign = postgres_resign,
	.wake_fd = postgres_wake_fd,
	.woken = postgres_woken,
	.peer_each = postgres_peer_each,
	.sign = postgres_sign,
	.patience = patience,
	.flight_each = postgres_flight_each,
	.heard_each = postgres_heard_each,
	.purse_fd = postgres_purse_fd,
	.purse_swap = postgres_purse_swap,
	.purse_step = postgres_purse_step,
};

/* --- opening ---------------------------------------------------------------------------------- */

static enum rc connect(
	struct postgres_store *store, const struct queue_place *place, struct err *err)
{
	struct postgres_address address;
	enum rc rc = postgres_address_parse(place, &address, err);
	if (rc == RC_OK)
		rc = postgres_link_open(
			&store->link, &store->store.base, &address, place->password, err);
	store->schema = address.schema;
	store->lease_ms = address.lease_ms;
	address.schema = NULL;
	postgres_address_done(&address);
	return rc;
}

enum { PATIENCE_MIN_MS = 3000 };

/* A runner that stands still in the middle of a transaction holds up all the others: the server
 * ends it long before they are taken for dead. Nor does it wait for an answer when its lease is
 * over, and whatever is at hand belongs to others. */
static enum rc hurry(struct postgres_store *store, struct err *err)
{
	char set[100];
	patience(&store->store.base,
		store->lease_ms > PATIENCE_MIN_MS ? store->lease_ms : PATIENCE_MIN_MS);
	snprintf(set, sizeof(set), "SET idle_in_transaction_session_timeout = %lld",
		(long long)(store->lease_ms / 2));
	return postgres_script(&store->link, set, err);
}

static enum rc open_parts(struct postgres_store *store, struct err *err)
{
	struct store *s = &store->store;
	enum rc rc = postgres_db_init(&store->inbox, &store->link, &db_inbox_form, err);
	if (rc == RC_OK)
		rc = postgres_db_init(&store->work, &store->link, &db_work_form, err);
	if (rc == RC_OK)
		rc = postgres_db_init(&store->own, &store->link, &postgres_own_form, err);
	s->inbox = &store->inbox.base;
	s->work = &store->work.base;
	s->routed = postgres_inbox_routed;
	s->fence = postgres_fence;
	s->tell = postgres_tell_work;
	s->look_ahead = postgres_look_ahead;
	s->forget = postgres_forget;
	s->excess = postgres_excess;
	s->freed = postgres_freed;
	s->has_inbox = s->has_work = rc == RC_OK;
	if (rc == RC_OK)
		rc = postgres_migrate(store, err);
	if (rc == RC_OK && s->base.side == QUEUE_RUNNER)
		rc = postgres_enter(store, err);
	if (rc == RC_OK && s->base.side == QUEUE_RUNNER)
		rc = work_open(s, err);
	if (rc == RC_OK)
		rc = postgres_link_serve(&store->link, s->base.side, err);
	if (rc == RC_OK && s->base.side == QUEUE_RUNNER)
		rc = hurry(store, err);
	if (rc == RC_OK && s->base.side == QUEUE_RUNNER)
		rc = postgres_lead(store, err);
	return rc;
}

enum rc postgres_open(const struct queue_place *place, enum queue_side side,
	struct queue **ret_queue, struct err *err)
{
	struct postgres_store *store = calloc(1, sizeof(*store));
	if (store == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	store_init(&store->store, &postgres_backend, side);
	store->ear.fd = store->ear.watched = -1;
	enum rc rc = connect(store, place, err);
	if (rc == RC_OK)
		rc = open_parts(store, err);
	if (rc != RC_OK) {
		store_close(&store->store.base);
		return rc;
	}
	*ret_queue = &store->store.base;
	return RC_OK;
}
