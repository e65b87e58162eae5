/* SPDX-License-Identifier: MIT */
/*
 * Looks at a PostgreSQL from outside.
 * From: `moonhook doctor`, a daemon before it starts. To: the server, by a connection of its own;
 * postgres/measure.c measures. A question that a server does not understand (poolers and relatives
 * of PostgreSQL are not all alike) leaves its answers empty; only the first ones must be answered.
 */
#include "queue/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/postgres/address.h"
#include "queue/postgres/postgres.h"

static void take_text(const PGresult *r, int column, char *out, size_t out_n)
{
	snprintf(out, out_n, "%s", PQgetvalue(r, 0, column));
}

static int64_t take_int(const PGresult *r, int column)
{
	return strtoll(PQgetvalue(r, 0, column), NULL, 10);
}

/* "on", "t"; what a relative of PostgreSQL does not know counts as on. */
static bool take_bool(const PGresult *r, int column)
{
	const char *text = PQgetvalue(r, 0, column);
	return text[0] == '\0' || text[0] == 't' || strcmp(text, "on") == 0;
}

static enum rc read_settings(struct postgres_link *link, struct queue_server *s, struct err *err)
{
	PGresult *r = NULL;
	enum rc rc = postgres_ask(link,
		"SELECT current_setting('server_version'), "
		"current_setting('server_version_num')::int"
		" / 10000, current_user, pg_is_in_recovery(), "
		"current_setting('transaction_read_only'),"
		" current_setting('synchronous_commit', true), current_setting('fsync', true),"
		" current_setting('full_page_writes', true), current_setting('server_encoding'),"
		" current_setting('autovacuum', true),"
		" current_setting('synchronous_standby_names', true)",
		NULL, NULL, &r, err);
	if (rc != RC_OK)
		return rc;
	take_text(r, 0, s->version, sizeof(s->version));
	s->major = (int)take_int(r, 1);
	take_text(r, 2, s->user, sizeof(s->user));
	s->replica = PQgetvalue(r, 0, 3)[0] == 't';
	s->read_only = strcmp(PQgetvalue(r, 0, 4), "on") == 0;
	take_text(r, 5, s->synchronous_commit, sizeof(s->synchronous_commit));
	s->fsync = take_bool(r, 6);
	s->pages = take_bool(r, 7);
	take_text(r, 8, s->encoding, sizeof(s->encoding));
	s->vacuum = take_bool(r, 9);
	take_text(r, 10, s->standbys, sizeof(s->standbys));
	PQclear(r);
	return RC_OK;
}

static void read_connections(struct postgres_link *link, struct queue_server *s)
{
	PGresult *r = NULL;
	struct err ignored;
	if (postgres_ask(link,
		    "SELECT count(*) FILTER (WHERE backend_type = 'client backend'),"
		    " count(*) FILTER (WHERE application_name = 'moonhook'),"
		    " current_setting('max_connections')::int"
		    " - current_setting('superuser_reserved_connections')::int"
		    " FROM pg_stat_activity",
		    NULL, NULL, &r, &ignored) != RC_OK)
		return;
	s->connections_n = take_int(r, 0);
	s->ours_n = take_int(r, 1);
	s->connections_max = take_int(r, 2);
	PQclear(r);
}

/* Of a relation c: is what a part has to do with it not allowed? pending stands for the functions.
 */
#define NO_CALL                                                                                    \
	"c.relname = 'pending' AND EXISTS (SELECT 1 FROM pg_proc AS f WHERE f.pronamespace = n"    \
	" AND f.proname IN ('deliver', 'delivered', 'receiver_enrol', 'receiver_sign') AND NOT "   \
	"has_function_privilege(f.oid, "                                                           \
	"'EXECUTE'))"
static const struct {
	const char *sql, *words;
} parts[] = {
	[QUEUE_SERVER_START] = {"(" NO_CALL " OR CASE WHEN c.relname = 'version' THEN NOT"
				" has_table_privilege(c.oid, 'SELECT')"
				" WHEN c.relkind IN ('r', 'p') THEN NOT (has_table_privilege(c.oid,"
				" 'SELECT') AND has_table_privilege(c.oid, 'INSERT')"
				" AND has_table_privilege(c.oid, 'UPDATE')"
				" AND has_table_privilege(c.oid, 'DELETE'))"
				" WHEN c.relkind = 'S' THEN NOT has_sequence_privilege(c.oid, "
				"'USAGE')"
				" ELSE false END)",
		"SELECT, INSERT, UPDATE, DELETE (of sequences USAGE, of functions EXECUTE)"},
	[QUEUE_SERVER_RECEIVER] = {NO_CALL,
		"EXECUTE on the functions deliver, delivered, receiver_enrol and receiver_sign"},
	[QUEUE_SERVER_CONSOLE] = {"c.relkind IN ('r', 'p') AND NOT has_table_privilege(c.oid,"
				  " 'SELECT')",
		"SELECT"},
};

/* What our user would need, as GRANT calls it. ret_use: the schema is there, and may be looked
 * into. */
static enum rc read_privileges(struct postgres_link *link, enum queue_server_look look,
	struct queue_server *s, bool *ret_use, bool *ret_make, struct err *err)
{
	PGresult *r = NULL;
	char sql[1500];
	if (look == QUEUE_SERVER_CLOSE)
		look = QUEUE_SERVER_START;
	snprintf(sql, sizeof(sql),
		"SELECT n IS NOT NULL, has_schema_privilege(n, 'USAGE'), has_schema_privilege(n, "
		"'CREATE'),"
		" has_database_privilege(current_database(), 'CREATE'),"
		" (SELECT string_agg(t.relname, ', ') FROM (SELECT c.relname FROM pg_class AS c"
		" WHERE c.relnamespace = n AND %s ORDER BY c.relname LIMIT 4) AS t)"
		" FROM (SELECT to_regnamespace($1)::oid AS n) AS x",
		parts[look].sql);
	enum rc rc = postgres_ask(link, sql, s->schema, NULL, &r, err);
	if (rc != RC_OK)
		return rc;
	bool there = PQgetvalue(r, 0, 0)[0] == 't';
	*ret_use = there && PQgetvalue(r, 0, 1)[0] == 't';
	*ret_make = PQgetvalue(r, 0, there ? 2 : 3)[0] == 't';
	if (there && !*ret_use)
		snprintf(s->lacks, sizeof(s->lacks), "USAGE on schema %s", s->schema);
	else if (!there && !*ret_make)
		snprintf(s->lacks, sizeof(s->lacks),
			"CREATE on the database, to make schema %s (or let somebody else make it)",
			s->schema);
	else if (PQgetvalue(r, 0, 4)[0] != '\0')
		snprintf(s->lacks, sizeof(s->lacks), "%s in schema %s: %s", parts[look].words,
			s->schema, PQgetvalue(r, 0, 4));
	PQclear(r);
	return RC_OK;
}

static enum rc read_schema(struct postgres_link *link, enum queue_server_look look,
	struct queue_server *s, struct err *err)
{
	bool use = false, make = false;
	enum rc rc = read_privileges(link, look, s, &use, &make, err);
	bool whole = rc == RC_OK && use && s->lacks[0] == '\0';
	if (whole)
		rc = postgres_version(link, s->schema, &s->schema_version, err);
	s->schema_newest = postgres_newest;
	if (rc == RC_OK && whole && !make && s->schema_version < s->schema_newest)
		snprintf(s->lacks, sizeof(s->lacks),
			"CREATE on schema %s, to %s (or let one daemon start as its owner first)",
			s->schema,
			s->schema_version == 0 ? "make its tables" : "bring its tables up to date");

	return rc;
}

/* Of a user who may not do all: is it one of receivers', or one who reads? A schema that is not
 * there yet is nobody's. */
static enum rc read_part(struct postgres_link *link, struct queue_server *s, struct err *err)
{
	static const struct {
		enum queue_server_look look;
		const char *name;
	} others[] = {{QUEUE_SERVER_CONSOLE, "console"}, {QUEUE_SERVER_RECEIVER, "receiver"}};
	for (size_t i = 0; i < ARRAY_N(others); i++) {
		struct queue_server other = *s;
		other.lacks[0] = '\0';
		enum rc rc = read_schema(link, others[i].look, &other, err);
		if (rc != RC_OK)
			return rc;
		if (other.lacks[0] != '\0' || other.schema_version == 0)
			continue;
		*s = other;
		s->part = others[i].name;
		return RC_OK;
	}
	return RC_OK;
}

static enum rc look_at(struct postgres_link *link, const struct postgres_address *address,
	enum queue_server_look look, struct queue_server *s, struct err *err)
{
	snprintf(s->name, sizeof(s->name), "%s", address->name);
	snprintf(s->schema, sizeof(s->schema), "%s", address->schema);
	s->near = address->near;
	s->several = address->several;
	s->relaxed = address->relaxed;
	const char *tls = PQsslInUse(link->conn) ? PQsslAttribute(link->conn, "protocol") : NULL;
	snprintf(s->tls, sizeof(s->tls), "%s", tls != NULL ? tls : "");
	enum rc rc = read_settings(link, s, err);
	if (rc == RC_OK && s->major >= QUEUE_SERVER_OLDEST)
		rc = read_schema(link, look, s, err);
	if (rc == RC_OK && look == QUEUE_SERVER_CLOSE && s->lacks[0] != '\0')
		rc = read_part(link, s, err);
	if (rc == RC_OK)
		read_connections(link, s);
	if (rc == RC_OK && look == QUEUE_SERVER_CLOSE)
		postgres_measure(link, s);
	return rc;
}

enum rc queue_server_read(const struct queue_place *place, enum queue_server_look look,
	struct queue_server *ret_server, struct err *err)
{
	struct queue owner = {.side = QUEUE_READER};
	struct postgres_link link = {.owner = &owner};
	struct postgres_address address;
	struct queue_server s = {.commit_us = -1};
	if (!queue_place_away(place))
		return err_set(err, RC_UNSUPPORTED, "the store is no database");
	enum rc rc = postgres_address_parse(place, &address, err);
	if (rc == RC_OK)
		rc = postgres_link_open(&link, &owner, &address, place->password, err);
	if (rc == RC_OK)
		rc = look_at(&link, &address, look, &s, err);
	postgres_link_close(&link);
	postgres_address_done(&address);
	if (rc == RC_OK)
		*ret_server = s;
	return rc;
}

enum rc queue_server_check(const struct queue_server *s, struct err *err)
{
	enum rc rc = postgres_fits(s->name, s->major, s->version, s->encoding, err);
	if (rc != RC_OK)
		return rc;
	if (s->schema_version > s->schema_newest)
		return err_set(err, RC_UNSUPPORTED,
			"schema %s of %s was written by a newer Moonhook (version %d, this one "
			"knows "
			"%d); start that one",
			s->schema, s->name, s->schema_version, s->schema_newest);
	if (s->lacks[0] != '\0')
		return err_set(
			err, RC_DENIED, "user \"%s\" of %s lacks %s", s->user, s->name, s->lacks);
	if (s->replica || s->read_only)
		return err_set(err, RC_BUSY,
			"%s takes no writes: it is %s; `store` has to name the primary", s->name,
			s->replica ? "a replica" : "set read-only");
	return RC_OK;
}
