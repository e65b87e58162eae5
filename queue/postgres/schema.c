/* SPDX-License-Identifier: MIT */
/*
 * Migrations: a schema of its own name, made and brought up to date in one transaction.
 *
 * From: postgres/postgres.c, at every start. To: postgres/store_1.sql and those behind it.
 * Processes that start at once wait for one another on an advisory lock; the first does the work.
 * Fails without having changed anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/postgres/postgres.h"

static const char version_1[] = {
#include "queue/postgres/store_1.sql.inc"
	0};
static const char *const migrations[] = {version_1};
const int postgres_newest = (int)ARRAY_N(migrations);

enum { MIGRATE_MS = 600000 };   /* large tables take their time, and others wait for who is first */
enum { LOCK_CLASS = 0x4d486b }; /* "MHk", of pg_advisory_xact_lock */

enum rc postgres_version(
	struct postgres_link *link, const char *schema, int *ret_version, struct err *err)
{
	PGresult *result = NULL;
	enum rc rc =
		postgres_ask(link, "SELECT to_regclass(format('%I.version', $1::text)) IS NOT NULL",
			schema, NULL, &result, err);
	*ret_version = 0;
	bool there = rc == RC_OK && PQgetvalue(result, 0, 0)[0] == 't';
	PQclear(result);
	if (rc != RC_OK || !there)
		return rc;
	result = NULL;
	rc = postgres_ask(
		link, "SELECT coalesce(max(n), 0) FROM version", NULL, NULL, &result, err);
	if (rc == RC_OK)
		*ret_version = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return rc;
}

static enum rc refuse(struct postgres_store *store, int version, struct err *err)
{
	int newest = (int)ARRAY_N(migrations);
	if (version > newest)
		return err_set(err, RC_UNSUPPORTED,
			"schema %s of %s was written by a newer Moonhook (version %d, this one "
			"knows %d); start that one",
			store->schema, store->link.name, version, newest);
	if (store->store.base.side != QUEUE_READER)
		return RC_OK;
	if (version == 0)
		return err_set(err, RC_NOT_FOUND,
			"there is no schema %s in %s yet; start moonhook serve, or name its "
			"configuration",
			store->schema, store->link.name);
	if (version < newest)
		return err_set(err, RC_UNSUPPORTED,
			"schema %s of %s is of an older Moonhook (version %d); start moonhook "
			"serve once, which brings it up to date",
			store->schema, store->link.name, version);
	return RC_OK;
}

static enum rc apply(struct postgres_store *store, int version, struct err *err)
{
	struct postgres_link *link = &store->link;
	char mark[80];
	enum rc rc = RC_OK;
	for (; rc == RC_OK && version < (int)ARRAY_N(migrations); version++) {
		rc = postgres_script(link, migrations[version], err);
		snprintf(mark, sizeof(mark), "INSERT INTO version (n) VALUES (%d)", version + 1);
		if (rc == RC_OK)
			rc = postgres_script(link, mark, err);
	}
	return rc;
}

/* Who may only work with the rows is told who has to come first, before anything fails. */
static enum rc may_make(struct postgres_store *store, int version, struct err *err)
{
	PGresult *result = NULL;
	enum rc rc = postgres_ask(&store->link,
		"SELECT CASE WHEN n IS NULL THEN has_database_privilege(current_database(), "
		"'CREATE')"
		" ELSE has_schema_privilege(n, 'CREATE') AND coalesce((SELECT"
		" pg_has_role(c.relowner, 'USAGE') FROM pg_class AS c WHERE c.relnamespace = n"
		" AND c.relname = 'version'), true) END, current_user"
		" FROM (SELECT to_regnamespace($1)::oid AS n) AS x",
		store->schema, NULL, &result, err);
	if (rc == RC_OK && PQgetvalue(result, 0, 0)[0] != 't')
		rc = err_set(err, RC_DENIED,
			"the tables of schema %s of %s %s, and user %.40s may not change that: "
			"start one "
			"daemon as the owner of the schema first, or grant CREATE",
			store->schema, store->link.name,
			version == 0 ? "are not there yet" : "are of an older Moonhook",
			PQgetvalue(result, 0, 1));
	PQclear(result);
	return rc;
}

/* The schema may have been made by an administrator, who lets us only use it. */
static enum rc make(struct postgres_store *store, struct err *err)
{
	struct postgres_link *link = &store->link;
	char sql[400];
	int version = 0;
	link->patience_ms = MIGRATE_MS;
	snprintf(sql, sizeof(sql), "BEGIN; SELECT pg_advisory_xact_lock(%d, hashtext('%s'))",
		(int)LOCK_CLASS, store->schema);
	enum rc rc = postgres_script(link, sql, err);
	snprintf(sql, sizeof(sql),
		"DO $$ BEGIN IF to_regnamespace('%s') IS NULL THEN CREATE SCHEMA %s; END IF; END "
		"$$;"
		"CREATE TABLE IF NOT EXISTS %s.version (n integer PRIMARY KEY)",
		store->schema, store->schema, store->schema);
	if (rc == RC_OK)
		rc = postgres_script(link, sql, err);
	if (rc == RC_OK)
		rc = postgres_version(link, store->schema, &version, err);
	if (rc == RC_OK)
		rc = refuse(store, version, err);
	if (rc == RC_OK)
		rc = apply(store, version, err);
	return rc == RC_OK ? postgres_script(link, "COMMIT", err) : rc;
}

enum rc postgres_migrate(struct postgres_store *store, struct err *err)
{
	int version = 0;
	enum rc rc = postgres_version(&store->link, store->schema, &version, err);
	if (rc == RC_OK)
		rc = refuse(store, version, err);
	if (rc != RC_OK || version == (int)ARRAY_N(migrations))
		return rc;
	rc = may_make(store, version, err);
	return rc == RC_OK ? make(store, err) : rc;
}
