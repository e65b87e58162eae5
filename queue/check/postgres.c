/* SPDX-License-Identifier: MIT */
/*
 * Puts questions to a schema of PostgreSQL.
 * From: check.c. As any reader, in one state. Pages: the extension amcheck looks through the
 * indexes where an administrator has made it; without it only what is read is looked at, by the
 * checksums of the server where those are on.
 */
#include <stdlib.h>

#include "queue/check/text.h"
#include "queue/postgres/address.h"
#include "queue/postgres/postgres.h"

enum { PATIENCE_MS = 6 * 3600 * 1000 }; /* for one answer */

static enum rc ask(void *self, const char *sql, check_row_fn fn, void *ctx, struct err *err)
{
	struct postgres_store *store = self;
	PGresult *result = NULL;
	enum rc rc = postgres_ask(&store->link, sql, NULL, NULL, &result, err);
	for (int i = 0; rc == RC_OK && i < PQntuples(result); i++)
		rc = fn(ctx, strtoll(PQgetvalue(result, i, 0), NULL, 10), PQgetvalue(result, i, 1),
			err);
	PQclear(result);
	return rc;
}

static void close_store(void *self)
{
	struct postgres_store *store = self;
	queue_close(&store->store.base);
}

/* A reader's statements go through indexes; these read everything, once. */
static const char read_all[] =
	"SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
	"SET enable_seqscan = on; SET enable_hashjoin = on; SET enable_mergejoin = on;"
	"SET enable_bitmapscan = on; SET plan_cache_mode = auto;"
	"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

static enum rc open_store(const struct queue_place *place, void **ret_self,
	struct queue_mark *ret_mark, bool *ret_relaxed, struct err *err)
{
	struct queue *q = NULL;
	struct postgres_address address;
	enum rc rc = postgres_address_parse(place, &address, err);
	if (rc == RC_OK)
		*ret_relaxed = address.relaxed;
	postgres_address_done(&address);
	if (rc == RC_OK)
		rc = queue_place_open(place, QUEUE_READER, 0, &q, err);
	if (rc != RC_OK)
		return rc;
	rc = queue_mark_read(q, ret_mark, err);
	if (rc == RC_OK) {
		postgres_store_of(q)->link.patience_ms = PATIENCE_MS;
		rc = postgres_script(&postgres_store_of(q)->link, read_all, err);
	}
	if (rc == RC_OK)
		*ret_self = q;
	else
		queue_close(q);
	return rc;
}

static enum rc note(void *ctx, int64_t n, const char *text, struct err *err)
{
	(void)text, (void)err;
	*(int64_t *)ctx = n;
	return RC_OK;
}

/* That of the extension, which only a superuser can make: anybody may have made a function of this
 * name, and we are the owner of the store. */
#define INDEX_CHECK                                                                                \
	" FROM pg_extension AS x JOIN pg_depend AS m ON m.refobjid = x.oid AND m.deptype = 'e'"    \
	" AND m.refclassid = 'pg_extension'::regclass AND m.classid = 'pg_proc'::regclass"         \
	" JOIN pg_proc AS p ON p.oid = m.objid JOIN pg_namespace AS n ON n.oid = p.pronamespace"   \
	" WHERE x.extname = 'amcheck' AND p.proname = 'bt_index_check' AND p.pronargs = 1"         \
	" AND p.proargtypes[0] = 'regclass'::regtype AND has_function_privilege(p.oid, 'EXECUTE')" \
	" AND has_schema_privilege(n.oid, 'USAGE')"

/* bt_index_check fails where an index is damaged, and with it the connection: it is the last. Its
 * argument has exactly its type, so that no other of its name is meant. */
static enum rc pages(void *self, check_row_fn fn, void *ctx, bool *ret_asked, struct err *err)
{
	struct err why = {.msg = ""};
	int64_t there = 0, n = 0;
	enum rc rc = ask(self, "SELECT count(*), ''" INDEX_CHECK, note, &there, err);
	*ret_asked = false;
	if (rc != RC_OK || there == 0)
		return rc;
	PGresult *result = NULL;
	rc = postgres_ask(&((struct postgres_store *)self)->link,
		"SELECT format('SELECT count(%I.bt_index_check(c.oid::regclass)), '''' FROM"
		" pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid JOIN pg_am AS a ON"
		" a.oid = c.relam WHERE a.amname = ''btree'' AND i.indisvalid AND c.relnamespace ="
		" current_schema()::regnamespace', n.nspname)" INDEX_CHECK,
		NULL, NULL, &result, err);
	if (rc == RC_OK)
		rc = ask(self, PQgetvalue(result, 0, 0), note, &n, &why);
	PQclear(result);
	*ret_asked = true;
	return rc == RC_OK ? rc : fn(ctx, 1, why.msg, err);
}

const struct check_driver check_postgres = {
	.open = open_store, .ask = ask, .pages = pages, .close = close_store, .postgres = true};
