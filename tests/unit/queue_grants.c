/* SPDX-License-Identifier: MIT */
/* Who may do what with a store in PostgreSQL, who makes its tables, and how large it is. That
 * everything works with the least privileges is what the conformance suite shows: its user has no
 * others. */
#include <libpq-fe.h>
#include <sys/wait.h>
#include <unistd.h>

#include "console/status.h"
#include "queue/erase.h"
#include "queue/mark.h"
#include "queue/place.h"
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

/* --- one user for each part ------------------------------------------------------------------- */

static bool say(const char *user, const char *text, char ret_text[static 200])
{
	return postgres_say(store, user, text, ret_text);
}

/* As conf/postgres.sql has it, before there are tables; here the owner is the administrator. */
static void make_users(void)
{
	char text[200], grants[1400];
	const char *schema = strstr(store, "schema=") + 7;
	for (int i = 0; i < 3; i++) {
		static const char *const users[] = {
			"moonhook_receiver", "moonhook_runner", "moonhook_console"};
		snprintf(grants, sizeof(grants),
			"DO $$ BEGIN CREATE ROLE %s LOGIN; EXCEPTION WHEN duplicate_object OR"
			" unique_violation THEN NULL; END $$",
			users[i]);
		cr_assert(say(NULL, grants, text), "%s", text);
	}
	snprintf(grants, sizeof(grants),
		"CREATE SCHEMA %s;"
		"GRANT USAGE ON SCHEMA %s TO moonhook_receiver, moonhook_runner, moonhook_console;"
		"ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT EXECUTE ON FUNCTIONS TO"
		" moonhook_receiver, moonhook_runner;"
		"ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT SELECT, INSERT, UPDATE, DELETE ON "
		"TABLES"
		" TO moonhook_runner;"
		"ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT USAGE ON SEQUENCES TO moonhook_runner;"
		"ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT SELECT ON TABLES TO moonhook_console",
		schema, schema, schema, schema, schema, schema);
	cr_assert(say(NULL, grants, text), "%s", text);
}

static enum rc open_as(
	const char *user, enum queue_side side, struct queue **ret_queue, struct err *err)
{
	char address[200];
	snprintf(address, sizeof(address), "postgres://%s%s", user, strchr(store, '@'));
	return queue_open(address, side, ret_queue, err);
}

static struct queue *must_open(const char *user, enum queue_side side)
{
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(open_as(user, side, &q, &err), RC_OK, "%s: %s", user, err.msg);
	return q;
}

static bool put_one(struct queue *q, const char *body)
{
	struct err err = {.msg = ""};
	struct queue_delivery d = {.source = "twenty",
		.dedupe = slice_of(body),
		.body = slice_of(body),
		.received_ms = SUITE_NOW_MS};
	cr_assert_eq(id_new(SUITE_NOW_MS, &d.id, &err), RC_OK);
	cr_assert_eq(queue_inbox_put(q, &d, 1, &err), RC_OK, "%s", err.msg);
	return d.ret_repeated;
}

static void route_one(struct queue *runner)
{
	struct err err = {.msg = ""};
	struct queue_raw raw;
	size_t n = 0;
	cr_assert_eq(queue_inbox_next(runner, 1, &raw, &n, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(n, 1u);
	struct queue_routing routing = {.event = {.seq = raw.seq,
						.id = raw.id,
						.source = "twenty",
						.via = "hook",
						.received_ms = raw.received_ms}};
	struct queue_run none[1];
	cr_assert_eq(queue_route(runner, &routing, 1, 0, none, &n, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_commit(runner, &err), RC_OK, "%s", err.msg);
}

static void expect_server(const char *user, enum queue_server_look look, enum rc wanted)
{
	char address[200];
	struct queue_server server;
	struct err err = {.msg = ""};
	snprintf(address, sizeof(address), "postgres://%s%s", user, strchr(store, '@'));
	struct queue_place place = {.store = address};
	cr_assert_eq(queue_server_read(&place, look, &server, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(queue_server_check(&server, &err), wanted, "%s: %s", user, err.msg);
}

static void expect_part(const char *user, const char *part)
{
	char address[200];
	struct queue_server server;
	struct err err = {.msg = ""};
	snprintf(address, sizeof(address), "postgres://%s%s", user, strchr(store, '@'));
	struct queue_place place = {.store = address};
	cr_assert_eq(
		queue_server_read(&place, QUEUE_SERVER_CLOSE, &server, &err), RC_OK, "%s", err.msg);
	cr_expect_str_eq(server.part != NULL ? server.part : "", part);
	cr_expect_str_eq(server.lacks, "");
}

/* `moonhook status` where only a receiver works: that it may not read is no fault there. */
static void expect_status(const char *user, const char *beside, const char *key)
{
	char address[200];
	snprintf(address, sizeof(address), "postgres://%s%s", user, strchr(store, '@'));
	struct queue_place place = {.store = address};
	json_t *daemon = json_pack("{s:i, s:[{s:s}, {s:s}]}", "uptime_ms", 1, "processes", "name",
		"receiver", "name", beside);
	json_t *status = status_describe(&place, daemon);
	cr_expect_not_null(json_object_get(status, key), "%s beside %s", user, beside);
	json_decref(status);
	json_decref(daemon);
}

Test(queue_grants, each_part_does_its_work_as_a_user_of_its_own, .timeout = 120)
{
	static const struct queue_retention day = {.events_ms = 86400000};
	struct queue_mark mark;
	struct queue_counts counts;
	struct err err = {.msg = ""};
	bool more = true;
	size_t n = 0;
	cr_assert(postgres_store(store, sizeof(store)));
	make_users();
	struct queue *early = NULL;
	cr_expect_eq(open_as("moonhook_receiver", QUEUE_RECEIVER, &early, &err), RC_DENIED);
	cr_expect_not_null(strstr(err.msg, "start one daemon as the owner"), "%s", err.msg);
	queue_close(must_open("moonhook", QUEUE_RECEIVER)); /* the owner makes the tables */
	struct queue *receiver = must_open("moonhook_receiver", QUEUE_RECEIVER);
	struct queue *runner = must_open("moonhook_runner", QUEUE_RUNNER);
	cr_expect_not(put_one(receiver, "{}"));
	cr_expect(put_one(receiver, "{}"), "the same again is known");
	cr_expect_eq(queue_mark_read(receiver, &mark, &err), RC_OK, "%s", err.msg);
	route_one(runner);
	struct queue *console = must_open("moonhook_console", QUEUE_READER);
	cr_expect_eq(queue_count(console, &counts, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(counts.events[QUEUE_DONE], 1);
	/* What the receiver has brought the runner takes away. */
	struct queue *tends = must_open("moonhook_runner", QUEUE_RECEIVER);
	cr_expect_eq(queue_prune(tends, &day, SUITE_NOW_MS + 2 * day.events_ms, 10, &n, &err),
		RC_OK, "%s", err.msg);
	cr_expect_eq(n, 1u);
	cr_expect_eq(queue_scrub(tends, &more, &err), RC_OK, "%s", err.msg);
	expect_server("moonhook_receiver", QUEUE_SERVER_RECEIVER, RC_OK);
	expect_server("moonhook_receiver", QUEUE_SERVER_START, RC_DENIED);
	expect_server("moonhook_runner", QUEUE_SERVER_START, RC_OK);
	expect_server("moonhook_console", QUEUE_SERVER_CONSOLE, RC_OK);
	expect_server("moonhook_console", QUEUE_SERVER_RECEIVER, RC_DENIED);
	expect_part("moonhook_receiver", "receiver");
	expect_part("moonhook_runner", "");
	expect_part("moonhook_console", "console");
	expect_status("moonhook_receiver", "console", "store_unread");
	expect_status("moonhook_receiver", "runner", "store_problem");
	expect_status("moonhook_runner", "console", "runners");
	queue_close(tends);
	queue_close(console);
	queue_close(runner);
	queue_close(receiver);
	postgres_store_drop(store);
}

#define MANY_ARRAYS                                                                                \
	"ARRAY['0123456789abcdefghjkmnpqrs'], ARRAY['twenty'], ARRAY[1::bigint],"                  \
	" ARRAY[NULL::text], ARRAY[''::bytea], ARRAY['{}'::bytea], ARRAY[NULL::bytea], "           \
	"ARRAY[1::bigint], true"

/* With the password of a receiver's machine. */
Test(queue_grants, a_user_of_receivers_may_do_nothing_else, .timeout = 120)
{
	static const char *const refused[] = {"SELECT * FROM delivery", "SELECT * FROM run",
		"SELECT * FROM event", "SELECT * FROM event_body", "SELECT * FROM journal",
		"SELECT * FROM kv", "SELECT * FROM copy", "SELECT * FROM source",
		"SELECT * FROM pending", "SELECT * FROM meta", "SELECT * FROM purse",
		"INSERT INTO delivery (n, id, source, received_ms) VALUES (1, 'x', 'twenty', 1)",
		"INSERT INTO pending VALUES (274877906943)",
		"INSERT INTO moved VALUES (1, 18, 1000)", "INSERT INTO run SELECT",
		"UPDATE source SET text = 'x'", "UPDATE progress SET news = 1",
		"UPDATE delivery SET body = ''", "UPDATE leader SET runner = 9",
		"DELETE FROM delivery", "DELETE FROM mark",
		"INSERT INTO mark VALUES (1, 2, 1, 1, 'x')", "DELETE FROM version",
		"TRUNCATE delivery", "TRUNCATE mark", "BEGIN; LOCK TABLE progress",
		"BEGIN; LOCK TABLE mark IN EXCLUSIVE MODE", "SELECT nextval('delivery_n_seq')",
		"SELECT setval('delivery_n_seq', 1000000)", "SELECT last_value FROM delivery_n_seq",
		"CREATE TABLE mine (n integer)",
		"CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
		"ALTER TABLE delivery DISABLE TRIGGER fence",
		"ALTER FUNCTION deliver SECURITY INVOKER", "SELECT purse_swap(0, '')",
		"DROP TABLE delivery"};
	char text[200];
	cr_assert(postgres_store(store, sizeof(store)));
	make_users();
	queue_close(must_open("moonhook", QUEUE_RECEIVER));
	snprintf(text, sizeof(text), "postgres://moonhook_receiver%.*s",
		(int)strcspn(strchr(store, '@'), "?"), strchr(store, '@'));
	PGconn *conn = PQconnectdb(text);
	snprintf(text, sizeof(text), "SET search_path = %s", strstr(store, "schema=") + 7);
	PQclear(PQexec(conn, text));
	for (size_t i = 0; i < ARRAY_N(refused); i++) {
		PGresult *result = PQexec(conn, refused[i]);
		const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		cr_expect(state != NULL && strcmp(state, "42501") == 0, "%s: %s", refused[i],
			PQresultErrorMessage(result));
		PQclear(result);
		PQclear(PQexec(conn, "ROLLBACK"));
	}
	PQfinish(conn);
	/* What it calls as the owner finds the owner's tables, whatever lies before them. */
	char call[600];
	snprintf(call, sizeof(call),
		"CREATE TEMP TABLE delivery (n bigint, id text, source text, received_ms bigint,"
		" quarantine text, key bytea, headers bytea, body bytea);"
		"SET search_path = pg_temp; SELECT %s.deliver(" MANY_ARRAYS ")",
		strstr(store, "schema=") + 7);
	cr_expect(say("moonhook_receiver", call, text), "%s", text);
	cr_expect_eq(sql("SELECT count(*) FROM delivery"), 1);
	/* Nor may those who only look. */
	cr_expect_not(say("moonhook_console", "SELECT deliver(" MANY_ARRAYS ")", text));
	cr_expect_not_null(strstr(text, "permission denied for function"), "%s", text);
	cr_expect_not(say("moonhook_console", "DELETE FROM run", text));
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
