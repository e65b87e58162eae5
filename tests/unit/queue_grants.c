/* SPDX-License-Identifier: MIT */
/* Who may do what with a store in PostgreSQL, who makes its tables, and how large it is. That
 * everything works with the least privileges is what the conformance suite shows: its user has no
 * others. */
#include <libpq-fe.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue/postgres/postgres.h"
#include "tests/conformance/queue_suite.h"
#include "tests/harness/postgres.h"

enum { PROCESSES_N = 10 };

static char store[140];

/* Statements of an administrator, in the store's schema. */
static int64_t sql(const char *text)
{
	char url[160], set[120];
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(store, "?"), store);
	snprintf(set, sizeof(set), "SET search_path = %s", strstr(store, "schema=") + 7);
	PGconn *conn = PQconnectdb(url);
	PQclear(PQexec(conn, set));
	PGresult *result = PQexec(conn, text);
	cr_assert(PQresultStatus(result) == PGRES_TUPLES_OK ||
			  PQresultStatus(result) == PGRES_COMMAND_OK,
		"%s: %s", text, PQerrorMessage(conn));
	int64_t n = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
	PQclear(result);
	PQfinish(conn);
	return n;
}

/* As a user who may log in, and nothing else. */
static enum rc open_as_nobody(struct err *err)
{
	struct queue *q = NULL;
	char other[200];
	snprintf(other, sizeof(other), "postgres://moonhook_nobody%s", strchr(store, '@'));
	enum rc rc = queue_open(other, QUEUE_RECEIVER, &q, err);
	queue_close(q);
	return rc;
}

static void expect_denied(const char *what)
{
	struct err err = {.msg = ""};
	cr_expect_eq(open_as_nobody(&err), RC_DENIED, "%s", err.msg);
	cr_expect_not_null(strstr(err.msg, what), "%s", err.msg);
	cr_expect_not_null(strstr(err.msg, "start one daemon as the owner"), "%s", err.msg);
}

Test(queue_grants, who_may_not_make_the_tables_is_told_who_has_to_come_first, .timeout = 120)
{
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	cr_assert(postgres_store(store, sizeof(store)));
	sql("DO $$ BEGIN CREATE ROLE moonhook_nobody LOGIN;"
	    " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$");
	expect_denied("are not there yet");
	cr_assert_eq(queue_open(store, QUEUE_RECEIVER, &q, &err), RC_OK, "%s", err.msg);
	queue_close(q);
	sql("DELETE FROM version; DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO"
	    " moonhook_nobody', current_schema()); END $$; GRANT SELECT ON version TO "
	    "moonhook_nobody");
	expect_denied("user moonhook_nobody may not");
	postgres_store_drop(store);
}

/* The first of many makes the schema, the others wait for it. */
Test(queue_grants, many_that_start_at_once_on_an_empty_database_all_succeed, .timeout = 120)
{
	pid_t pids[PROCESSES_N];
	int gate[2];
	cr_assert(postgres_store(store, sizeof(store)));
	cr_assert_eq(pipe(gate), 0);
	for (int i = 0; i < PROCESSES_N; i++) {
		pids[i] = fork();
		cr_assert_geq(pids[i], 0);
		if (pids[i] != 0)
			continue;
		struct queue *q = NULL;
		struct err err = {.msg = ""};
		char none;
		(void)close(gate[1]);
		(void)!read(gate[0], &none, 1); /* until all are there */
		enum rc rc = queue_open(store, i % 2 ? QUEUE_RUNNER : QUEUE_RECEIVER, &q, &err);
		if (rc != RC_OK)
			fprintf(stderr, "%s\n", err.msg);
		queue_close(q);
		_exit(rc == RC_OK ? 0 : 1);
	}
	(void)close(gate[0]);
	(void)close(gate[1]);
	for (int i = 0; i < PROCESSES_N; i++) {
		int status = -1;
		cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
		cr_expect_eq(status, 0);
	}
	cr_expect_eq(sql("SELECT count(*) FROM version"), 1);
	cr_expect_eq(sql("SELECT count(*) FROM progress"), 1);
	postgres_store_drop(store);
}

/* --- how large it is -------------------------------------------------------------------------- */

static int64_t size_of(struct queue *q)
{
	struct db *work = store_of(q)->work;
	struct err err = {.msg = ""};
	int64_t bytes = 0;
	cr_assert_eq(db_size(work, &bytes, &err), RC_OK, "%s", err.msg);
	return bytes;
}

/* Files do not shrink: by their size retention would delete all that has ended. */
Test(queue_grants, rows_that_were_removed_take_no_room_though_files_do_not_shrink, .timeout = 120)
{
	static const char files[] = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
				    " WHERE relnamespace = current_schema()::regnamespace AND "
				    "relkind = 'r'";
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	cr_assert(postgres_store(store, sizeof(store)));
	cr_assert_eq(queue_open(store, QUEUE_RUNNER, &q, &err), RC_OK, "%s", err.msg);
	int64_t empty = size_of(q);
	sql("INSERT INTO event_body (seq, headers, body) SELECT i, '',"
	    " convert_to(repeat(md5(i::text), 8), 'UTF8') FROM generate_series(1, 20000) AS i;"
	    "INSERT INTO event_body (seq, headers, body) SELECT 20000 + i, '',"
	    " (SELECT string_agg(sha512((i * 1000 + k)::text::bytea), '') FROM"
	    " generate_series(1, 100) AS k) FROM generate_series(1, 300) AS i");
	sql("ANALYZE event_body");
	int64_t full = size_of(q) - empty, was = sql(files);
	cr_expect_gt(full, 20000 * 256, "%lld", (long long)full);
	cr_expect_lt(full, was);
	sql("DELETE FROM event_body WHERE seq % 4 <> 0");
	int64_t rest = full; /* the server's statistics come a moment later */
	for (int i = 0; i < 3000 && rest >= full * 2 / 5; i++) {
		usleep(10000);
		rest = size_of(q) - empty;
	}
	cr_expect_geq(sql(files), was, "as large as before");
	cr_expect_lt(rest, full * 2 / 5, "%lld of %lld", (long long)rest, (long long)full);
	cr_expect_gt(rest, full / 6, "%lld of %lld", (long long)rest, (long long)full);
	queue_close(q);
	postgres_store_drop(store);
}
