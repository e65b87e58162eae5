/* SPDX-License-Identifier: MIT */
/*
 * A connection to PostgreSQL: how it is made, what it promises, and how long anybody waits for it.
 *
 * From: postgres/postgres.c opens and closes, postgres/db.c waits. To: libpq, never blocking but
 * for the connection itself, which has a limit for each host. A server that stops answering is
 * given up: the handle is broken, as if the connection were lost.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "queue/cluster.h"
#include "queue/postgres/address.h"
#include "queue/postgres/db.h"
#include "queue/server.h"

enum { OPEN_PATIENCE_MS = 10000, LOOK_MS = 200 };

/* What a side waits for, and lets others wait for. */
static const struct {
	int64_t patience_ms;
	const char *limits;
} sides[] = {
	/* A sender waits for five seconds and tells nobody: two answers have to come within that,
	 * or the delivery goes to the spool. What was given up here ends there, too. */
	[QUEUE_RECEIVER] = {QUEUE_BRIEF_MS,
		"SET statement_timeout = 15000; SET lock_timeout = 5000;"
		"SET idle_in_transaction_session_timeout = 5000"},
	/* Its loop stands still meanwhile, so the supervisor (limits.lease) has to have more of it.
	 * The server gives up first, and can say why. */
	[QUEUE_RUNNER] = {QUEUE_LEASE_MS, "SET statement_timeout = 9000; SET lock_timeout = 8000"},
	/* A person waits, and sees that it takes long. */
	[QUEUE_READER] = {120000, "SET statement_timeout = 120000; SET lock_timeout = 10000;"
				  "SET idle_in_transaction_session_timeout = 120000"},
};

/* --- waiting ---------------------------------------------------------------------------------- */

static enum rc stalled(struct postgres_link *link, struct err *err)
{
	return queue_break(link->owner, err, "%s has not answered for %lld ms; it is asked again",
		link->name, (long long)link->patience_ms);
}

enum rc postgres_await(struct postgres_link *link, int64_t until_ms, struct err *err)
{
	for (;;) {
		int unsent = PQflush(link->conn);
		if (unsent < 0 && PQstatus(link->conn) == CONNECTION_BAD)
			return postgres_fault(link, NULL, err);
		if (PQisBusy(link->conn) == 0)
			return RC_OK;
		if (atomic_load(&link->owner->broken)) /* somebody has given it up */
			return err_set(err, RC_IO, "%s", link->owner->why);
		int64_t left_ms = until_ms - clock_mono_ms();
		if (left_ms <= 0)
			return stalled(link, err);
		struct pollfd p = {.fd = PQsocket(link->conn),
			.events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0))};
		int n = poll(&p, 1, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS);
		if (n < 0 && errno != EINTR)
			return queue_break(link->owner, err, "cannot wait for %s", link->name);
		if (n > 0 && (p.revents & ~POLLOUT) != 0 && PQconsumeInput(link->conn) != 1 &&
			PQisBusy(link->conn) != 0)
			return postgres_fault(link, NULL, err);
	}
}

enum rc postgres_script(struct postgres_link *link, const char *sql, struct err *err)
{
	enum rc rc = postgres_collect(link, err);
	if (rc != RC_OK)
		return rc;
	(void)PQexitPipelineMode(link->conn);
	int64_t until_ms = clock_mono_ms() + link->patience_ms;
	if (PQsendQuery(link->conn, sql) != 1)
		return postgres_fault(link, NULL, err);
	while ((rc = postgres_await(link, until_ms, err)) == RC_OK) {
		PGresult *result = PQgetResult(link->conn);
		if (result == NULL)
			break;
		ExecStatusType status = PQresultStatus(result);
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
			rc = postgres_fault(link, result, err);
		PQclear(result);
		if (rc != RC_OK)
			return rc; /* the handle is broken: what else comes nobody reads */
	}
	if (rc == RC_OK && PQenterPipelineMode(link->conn) != 1)
		rc = err_set(err, RC_UNSUPPORTED, "libpq refuses its pipeline mode");
	return rc;
}

/* --- opening ---------------------------------------------------------------------------------- */

void postgres_hush(void *ctx, const char *message)
{
	(void)ctx, (void)message;
}

/* Defaults first, which the address overrules; then what it shall not. Between us and a server
 * elsewhere nobody may listen; whether it is the right one only sslmode=verify-full can say. */
static PGconn *connect(const struct postgres_address *a, const char *password, enum queue_side side)
{
	bool writes = side != QUEUE_READER, told = getenv("PGSSLMODE") != NULL;
	const char *const pairs[][2] = {
		/* A receiver that is told to end waits for the attempt that is under way. */
		{"connect_timeout", side == QUEUE_RECEIVER ? "3" : "5"},
		{"tcp_user_timeout", "5000"}, {"keepalives_idle", "5"},
		{"keepalives_interval", "2"}, {"keepalives_count", "3"},
		{"application_name", "moonhook"},
		{"sslmode", told      ? NULL
			    : a->near ? "prefer"
				      : "require"},
		{"target_session_attrs", a->several && writes ? "read-write" : NULL},
		{"dbname", a->uri}, {"password", password}};
	const char *keys[ARRAY_N(pairs) + 1], *values[ARRAY_N(pairs) + 1];
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_N(pairs); i++) {
		if (pairs[i][1] == NULL)
			continue;
		keys[n] = pairs[i][0];
		values[n++] = pairs[i][1];
	}
	keys[n] = values[n] = NULL;
	return postgres_dial(keys, values);
}

enum rc postgres_fits(
	const char *name, int major, const char *version, const char *encoding, struct err *err)
{
	if (major < QUEUE_SERVER_OLDEST)
		return err_set(err, RC_UNSUPPORTED,
			"%s is of version %s; at least PostgreSQL %d is needed", name, version,
			QUEUE_SERVER_OLDEST);
	if (strcmp(encoding, "UTF8") != 0)
		return err_set(err, RC_UNSUPPORTED,
			"the encoding of %s is %s, not UTF8; make a database for the store: CREATE "
			"DATABASE moonhook ENCODING 'UTF8' TEMPLATE template0",
			name, encoding);
	return RC_OK;
}

/* Nobody fills, or works on, what no daemon would take. What a pooler does not pass on is not
 * known, and fits. */
static enum rc check_fits(const struct postgres_link *link, struct err *err)
{
	int version = PQserverVersion(link->conn);
	const char *text = PQparameterStatus(link->conn, "server_version");
	const char *encoding = PQparameterStatus(link->conn, "server_encoding");
	return postgres_fits(link->name, version > 0 ? version / 10000 : QUEUE_SERVER_OLDEST,
		text != NULL ? text : "?", encoding != NULL ? encoding : "UTF8", err);
}

/* What the server promises of a commit: a sentence where that is less than the disk. */
static enum rc check_durability(
	struct postgres_link *link, const struct postgres_address *a, struct err *err)
{
	static const char question[] =
		"SELECT name || ' = ' || setting FROM pg_settings"
		" WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'"
		" OR name = 'synchronous_commit' AND setting NOT IN ('on', 'remote_apply')"
		" ORDER BY name LIMIT 1";
	PGresult *result = NULL;
	enum rc rc = postgres_ask(link, question, NULL, NULL, &result, err);
	if (rc == RC_OK && PQntuples(result) > 0)
		rc = err_set(err, RC_INVALID,
			"%s has %s: what it confirms may be lost with its power, and deliveries "
			"are "
			"sent only once; turn it on, or allow it by name: database = { durability "
			"= "
			"\"relaxed\" }",
			a->name, PQgetvalue(result, 0, 0));
	PQclear(result);
	return rc;
}

/* Every statement is written for its index, and goes through it whatever the statistics of a table
 * say that grows and shrinks by millions; each is planned once. */
static const char pin_plans[] =
	"; SET plan_cache_mode = force_generic_plan; SET jit = off; SET enable_seqscan = off;"
	" SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off";

/* As the server is set up now, whatever somebody makes of it later. */
static const char pin_durability[] =
	"; SELECT set_config('synchronous_commit', current_setting('synchronous_commit'), false)";

enum rc postgres_link_open(struct postgres_link *link, struct queue *owner,
	const struct postgres_address *address, const char *password, struct err *err)
{
	char set[700];
	bool writes = owner->side != QUEUE_READER;
	*link = (struct postgres_link){
		.owner = owner, .name = strdup(address->name), .patience_ms = OPEN_PATIENCE_MS};
	if (link->name == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	link->conn = connect(address, password, owner->side);
	if (link->conn == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	if (PQstatus(link->conn) != CONNECTION_OK)
		return postgres_refused(link, address->several, err);
	(void)PQsetNoticeProcessor(link->conn, postgres_hush, NULL);
	enum rc rc = writes ? check_fits(link, err) : RC_OK;
	if (rc != RC_OK)
		return rc;
	if (PQsetnonblocking(link->conn, 1) != 0 || PQenterPipelineMode(link->conn) != 1)
		return err_set(err, RC_UNSUPPORTED, "libpq refuses its pipeline mode");
	snprintf(set, sizeof(set),
		"SET search_path = \"%s\"; SET client_min_messages = warning;"
		" SET client_encoding = 'UTF8';"
		" SET default_transaction_isolation = 'read committed'%s%s",
		address->schema, pin_plans, pin_durability);
	rc = postgres_script(link, set, err);
	if (rc == RC_OK && writes && !address->relaxed)
		rc = check_durability(link, address, err);
	return rc;
}

enum rc postgres_link_serve(struct postgres_link *link, enum queue_side side, struct err *err)
{
	enum rc rc = postgres_script(link, sides[side].limits, err);
	link->patience_ms = sides[side].patience_ms;
	return rc;
}

void postgres_link_close(struct postgres_link *link)
{
	PQfinish(link->conn);
	free(link->name);
	*link = (struct postgres_link){0};
}
