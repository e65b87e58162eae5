/* SPDX-License-Identifier: MIT */
/* A store in PostgreSQL: its address, its password, what it must promise, and how it fails. */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/audit.h"
#include "queue/cluster.h"
#include "queue/patience.h"
#include "queue/place.h"
#include "queue/postgres/address.h"
#include "queue/postgres/postgres.h"
#include "tests/harness/postgres.h"

#define CANARY "canary-4711"

static enum rc parse(const char *store, struct postgres_address *a, struct err *err)
{
	return postgres_address_parse(&(struct queue_place){.store = store}, a, err);
}

static void expect_address(const char *store, const char *uri, const char *schema, const char *name)
{
	struct postgres_address a;
	struct err err = {.msg = ""};
	cr_assert_eq(parse(store, &a, &err), RC_OK, "%s: %s", store, err.msg);
	cr_expect_str_eq(a.uri, uri);
	cr_expect_str_eq(a.schema, schema);
	cr_expect_str_eq(a.name, name);
	postgres_address_done(&a);
}

Test(queue_postgres_address, what_is_ours_is_taken_out_and_the_rest_is_left_to_libpq)
{
	expect_address("postgres://u@h/db", "postgres://u@h/db", "moonhook", "PostgreSQL at h/db");
	expect_address("postgres://u@h:5/db?schema=crm", "postgres://u@h:5/db", "crm",
		"PostgreSQL at h:5/db");
	expect_address("postgres://h/db?schema=a&durability=relaxed&sslmode=require",
		"postgres://h/db?sslmode=require", "a", "PostgreSQL at h/db");
	expect_address("postgresql://h/db?sslmode=require&schema=a",
		"postgresql://h/db?sslmode=require", "a", "PostgreSQL at h/db");
}

Test(queue_postgres_address, what_cannot_be_meant_is_refused)
{
	static const char *const wrong[] = {"postgres://h/db?schema=", "postgres://h/db?schema=Crm",
		"postgres://h/db?schema=a;b", "postgres://h/db?durability=some",
		"postgres://h/db?nosuch=1"};
	for (size_t i = 0; i < ARRAY_N(wrong); i++) {
		struct postgres_address a;
		struct err err = {.msg = ""};
		cr_expect_eq(parse(wrong[i], &a, &err), RC_INVALID, "%s", wrong[i]);
		cr_expect_neq(err.msg[0], '\0');
		postgres_address_done(&a);
	}
}

Test(queue_postgres_address, a_password_in_it_is_refused_and_not_repeated)
{
	static const char *const wrong[] = {"postgres://u:" CANARY "@h/db", "postgres://u:@h/db",
		"postgres://u:" CANARY "@h@x/db", "postgres://u@h/db?password=" CANARY,
		"postgres://u@h/db?schema=a&pass%77ord=" CANARY};
	for (size_t i = 0; i < ARRAY_N(wrong); i++) {
		struct postgres_address a;
		struct err err = {.msg = ""};
		cr_expect_eq(parse(wrong[i], &a, &err), RC_INVALID, "%s", wrong[i]);
		cr_expect_not_null(strstr(err.msg, "database = { password = file"), "%s", err.msg);
		cr_expect_null(strstr(err.msg, CANARY), "%s", err.msg);
		cr_expect_null(strstr(a.name, CANARY), "%s", a.name);
		postgres_address_done(&a);
	}
}

Test(queue_postgres_address, a_host_elsewhere_is_not_near)
{
	static const struct {
		const char *store;
		bool near, several;
	} of[] = {{"postgres://u@localhost/db", true, false},
		{"postgres://127.0.0.1:5/db", true, false}, {"postgres:///db", true, false},
		{"postgres:///db?host=/run/postgresql", true, false},
		{"postgres://[::1]/db", true, false}, {"postgres://db.acme.io/db", false, false},
		{"postgres://localhost,db2/db", false, true},
		{"postgres://localhost/db?hostaddr=10.0.0.1", false, false},
		{"postgres:///db?service=x", false, false}};
	unsetenv("PGHOST");
	for (size_t i = 0; i < ARRAY_N(of); i++) {
		struct postgres_address a;
		struct err err;
		cr_assert_eq(parse(of[i].store, &a, &err), RC_OK, "%s: %s", of[i].store, err.msg);
		cr_expect_eq(a.near, of[i].near, "%s", of[i].store);
		cr_expect_eq(a.several, of[i].several, "%s", of[i].store);
		postgres_address_done(&a);
	}
}

Test(queue_postgres_address, what_the_environment_adds_may_be_elsewhere_too)
{
	static const struct {
		const char *variable, *value, *store;
		bool near;
	} of[] = {{"PGHOST", "db.acme.io", "postgres:///db", false},
		{"PGHOST", "db.acme.io", "postgres://localhost/db", true},
		{"PGHOSTADDR", "10.0.0.1", "postgres:///db", false},
		{"PGHOSTADDR", "10.0.0.1", "postgres://localhost/db", false},
		{"PGHOSTADDR", "127.0.0.1", "postgres://db.acme.io/db", true},
		{"PGHOSTADDR", "", "postgres://localhost/db", true},
		{"PGSERVICE", "x", "postgres:///db", false}};
	for (size_t i = 0; i < ARRAY_N(of); i++) {
		struct postgres_address a;
		struct err err;
		setenv(of[i].variable, of[i].value, 1);
		cr_assert_eq(parse(of[i].store, &a, &err), RC_OK, "%s: %s", of[i].store, err.msg);
		cr_expect_eq(
			a.near, of[i].near, "%s=%s %s", of[i].variable, of[i].value, of[i].store);
		postgres_address_done(&a);
		unsetenv(of[i].variable);
	}
}

/* --- with a server ---------------------------------------------------------------------------- */

static void ask(const char *url, const char *sql)
{
	PGconn *conn = PQconnectdb(url);
	PGresult *result = PQexec(conn, sql);
	cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK ||
			  PQresultStatus(result) == PGRES_TUPLES_OK,
		"%s: %s", sql, PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

static enum rc try_open(const struct queue_place *place, struct err *err)
{
	struct queue *q = NULL;
	enum rc rc = queue_place_open(place, QUEUE_RECEIVER, 0, &q, err);
	queue_close(q);
	return rc;
}

/* The shared server has fsync off. */
Test(queue_postgres_promise, a_server_that_may_lose_what_it_confirmed_is_allowed_by_name_only,
	.timeout = 120)
{
	char store[160], full[200], *relaxed;
	struct err err = {.msg = ""};
	cr_assert(postgres_store(store, sizeof(store)));
	cr_expect_eq(try_open(&(struct queue_place){.store = store}, &err), RC_OK, "%s", err.msg);
	relaxed = strstr(store, "durability=relaxed");
	snprintf(full, sizeof(full), "%.*s%s", (int)(relaxed - store), store,
		relaxed + strlen("durability=relaxed&"));
	cr_expect_eq(try_open(&(struct queue_place){.store = full}, &err), RC_INVALID);
	cr_expect_not_null(strstr(err.msg, "fsync = off"), "%s", err.msg);
	cr_expect_not_null(strstr(err.msg, "durability = \"relaxed\""), "%s", err.msg);
	cr_expect_eq(
		try_open(&(struct queue_place){.store = full, .durability = QUEUE_RELAXED}, &err),
		RC_OK, "%s", err.msg);
	postgres_store_drop(store);
}

Test(queue_postgres_promise, each_setting_that_weakens_a_commit_is_named, .timeout = 120)
{
	struct postgres_server server;
	struct err err = {.msg = ""};
	char store[200];
	cr_assert(postgres_start(&server, true, NULL));
	struct queue_place place = {.store = server.url};
	cr_expect_eq(try_open(&place, &err), RC_OK, "%s", err.msg);
	static const char *const weak[] = {"off", "local", "remote_write"};
	for (size_t i = 0; i < ARRAY_N(weak); i++) {
		snprintf(store, sizeof(store), "%s?options=-c%%20synchronous_commit%%3D%s",
			server.url, weak[i]);
		place.store = store;
		cr_expect_eq(try_open(&place, &err), RC_INVALID, "%s", weak[i]);
		cr_expect_not_null(strstr(err.msg, "synchronous_commit = "), "%s", err.msg);
	}
	place.store = server.url;
	static const char *const whose[] = {"ROLE moonhook", "DATABASE postgres"};
	for (size_t i = 0; i < ARRAY_N(whose); i++) {
		snprintf(store, sizeof(store), "ALTER %s SET synchronous_commit = off", whose[i]);
		ask(server.url, store);
		cr_expect_eq(try_open(&place, &err), RC_INVALID, "%s", whose[i]);
		cr_expect_not_null(strstr(err.msg, "synchronous_commit = off"), "%s", err.msg);
		snprintf(store, sizeof(store), "ALTER %s RESET synchronous_commit", whose[i]);
		ask(server.url, store);
		cr_expect_eq(try_open(&place, &err), RC_OK, "%s", err.msg);
	}
	ask(server.url, "ALTER SYSTEM SET full_page_writes = off");
	ask(server.url, "SELECT pg_reload_conf()");
	place.store = server.url;
	enum rc rc = RC_OK; /* the reload takes effect a moment later */
	for (int i = 0; i < 3000 && (rc = try_open(&place, &err)) == RC_OK; i++)
		usleep(10000);
	cr_expect_eq(rc, RC_INVALID);
	cr_expect_not_null(strstr(err.msg, "full_page_writes = off"), "%s", err.msg);
	postgres_stop(&server);
}

Test(queue_postgres_password, it_comes_from_the_configuration_or_from_a_file, .timeout = 120)
{
	struct postgres_server server;
	struct err err = {.msg = ""};
	char store[120], path[120], line[200];
	cr_assert(postgres_start(&server, true, NULL));
	ask(server.url, "CREATE ROLE crm LOGIN PASSWORD '" CANARY "'");
	ask(server.url, "GRANT CREATE ON DATABASE postgres TO crm");
	snprintf(line, sizeof(line), "%s/data/pg_hba.conf", server.folder);
	FILE *f = fopen(line, "w");
	cr_assert_not_null(f);
	fprintf(f,
		"host all moonhook 127.0.0.1/32 trust\nhost all crm 127.0.0.1/32 scram-sha-256\n");
	fclose(f);
	ask(server.url, "SELECT pg_reload_conf()");
	snprintf(store, sizeof(store), "postgres://crm@127.0.0.1:%d/postgres", server.port);
	snprintf(path, sizeof(path), "%s/pass", server.folder);
	setenv("PGPASSFILE", path, 1);
	struct queue_place place = {.store = store};
	enum rc rc = RC_OK;
	for (int i = 0; i < 3000 && (rc = try_open(&place, &err)) != RC_DENIED; i++)
		usleep(10000);
	cr_expect_eq(rc, RC_DENIED, "%s", err.msg);
	place.password = "wrong-" CANARY;
	cr_expect_eq(try_open(&place, &err), RC_DENIED);
	cr_expect_null(strstr(err.msg, CANARY), "%s", err.msg);
	place.password = CANARY;
	cr_expect_eq(try_open(&place, &err), RC_OK, "%s", err.msg);
	place.password = NULL;
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fprintf(f, "127.0.0.1:%d:postgres:crm:" CANARY "\n", server.port);
	fclose(f);
	cr_assert_eq(chmod(path, 0600), 0);
	cr_expect_eq(try_open(&place, &err), RC_OK, "%s", err.msg);
	postgres_stop(&server);
}

/* --- a standby that is not there -------------------------------------------------------------- */

static enum rc put_one(const char *store, struct queue_delivery *d, int64_t patience_ms)
{
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	enum rc rc = queue_open(store, QUEUE_RECEIVER, &q, &err);
	cr_assert_eq(rc, RC_OK, "%s", err.msg);
	queue_patience(q, patience_ms);
	rc = queue_inbox_put(q, d, 1, &err);
	queue_close(q);
	return rc;
}

/* Does a commit wait there for its standby, also one whose client has gone? */
static bool one_waits(const char *url)
{
	PGconn *conn = PQconnectdb(url);
	PGresult *result =
		PQexec(conn, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
	bool any = PQntuples(result) > 0;
	PQclear(result);
	PQfinish(conn);
	return any;
}

/* What became of a commit that nobody has confirmed is settled by putting the batch again. */
Test(queue_postgres_standby, what_is_there_already_is_confirmed_when_a_standby_has_it,
	.timeout = 120)
{
	struct postgres_server server;
	struct queue_delivery first = {.source = "twenty", .body = slice_of("{}")}, other = first;
	struct err err;
	char store[160];
	cr_assert(postgres_start(&server, false, NULL));
	snprintf(store, sizeof(store), "%s?durability=relaxed", server.url);
	cr_assert_eq(id_new(1, &first.id, &err), RC_OK);
	cr_expect_eq(put_one(store, &first, 30000), RC_OK);
	cr_expect_eq(put_one(store, &first, 30000), RC_OK, "there is no standby to wait for");
	ask(server.url, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	ask(server.url, "SELECT pg_reload_conf()");
	bool waits = false; /* the reload takes effect a moment later */
	for (int i = 0; i < 3000 && !waits; i++) {
		cr_assert_eq(id_new(1, &other.id, &err), RC_OK);
		waits = put_one(store, &other, 300) == RC_IO && one_waits(server.url);
	}
	cr_expect(waits, "what is new waits");
	cr_expect_eq(put_one(store, &other, 300), RC_IO);
	cr_expect_eq(put_one(store, &first, 600), RC_IO, "confirmed, and no standby has it");
	postgres_stop(&server);
}

/* --- a runner's session ----------------------------------------------------------------------- */

static struct queue *runner_open(char store[static 200])
{
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	cr_assert(postgres_store(store, 200));
	cr_assert_eq(queue_open(store, QUEUE_RUNNER, &q, &err), RC_OK, "%s", err.msg);
	return q;
}

static enum rc note(struct queue *q, struct err *err)
{
	struct queue_audit note = {.at_ms = 1, .what = "x", .result = "y"};
	int64_t seq;
	enum rc rc = queue_audit_put(q, &note, &seq, err);
	return rc == RC_OK ? queue_commit(q, err) : rc;
}

/* What a pooler does that hands connections on after each transaction. */
Test(queue_postgres_session, who_finds_itself_in_the_session_of_another_writes_nothing,
	.timeout = 120)
{
	static const char *const others[] = {
		"SET moonhook.runner = '4711'", "RESET moonhook.runner", "another search_path"};
	for (size_t i = 0; i < ARRAY_N(others); i++) {
		char store[200], other[200], text[200];
		struct queue *q = runner_open(store);
		struct err err = {.msg = ""};
		cr_expect_eq(note(q, &err), RC_OK, "%s", err.msg);
		/* Another store of the same kind, whose runner has the same number. */
		struct queue *twin = runner_open(other);
		snprintf(text, sizeof(text), "SET search_path = \"%s\"",
			postgres_store_of(twin)->schema);
		cr_assert_eq(postgres_script(
				     &postgres_store_of(q)->link, i < 2 ? others[i] : text, &err),
			RC_OK, "%s", err.msg);
		cr_expect_eq(note(q, &err), RC_IO, "%s", others[i]);
		cr_expect_not_null(strstr(err.msg, "pooler"), "%s", err.msg);
		cr_expect(postgres_say(store, NULL, "SELECT count(*) FROM audit", text));
		cr_expect_str_eq(text, "1");
		cr_expect(postgres_say(other, NULL, "SELECT count(*) FROM audit", text));
		cr_expect_str_eq(text, "0");
		queue_close(q);
		queue_close(twin);
		postgres_store_drop(store);
		postgres_store_drop(other);
	}
}

static int64_t limit_of(struct queue *q, const char *name)
{
	struct err err = {.msg = ""};
	PGresult *result = NULL;
	cr_assert_eq(postgres_ask(&postgres_store_of(q)->link,
			     "SELECT setting FROM pg_settings WHERE name = $1", name, NULL, &result,
			     &err),
		RC_OK, "%s", err.msg);
	int64_t n = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return n;
}

Test(queue_postgres_session, a_runner_waits_no_longer_than_its_lease_and_says_for_whom,
	.timeout = 120)
{
	char store[200];
	struct err err = {.msg = ""};
	struct queue *q = runner_open(store);
	struct postgres_link *link = &postgres_store_of(q)->link;
	cr_expect_eq(link->patience_ms, QUEUE_LEASE_MS);
	cr_expect_lt(limit_of(q, "statement_timeout"), link->patience_ms, "it may say why");
	cr_expect_lt(limit_of(q, "lock_timeout"), limit_of(q, "statement_timeout"));
	queue_patience(q, 120000);
	cr_expect_eq(link->patience_ms, QUEUE_LEASE_MS, "then others have what it had");
	queue_patience(q, 300);
	pid_t server = (pid_t)PQbackendPID(link->conn);
	cr_assert_eq(kill(server, SIGSTOP), 0);
	cr_expect_eq(note(q, &err), RC_IO);
	cr_expect_not_null(strstr(err.msg, "has not answered for 300 ms"), "%s", err.msg);
	(void)kill(server, SIGCONT);
	queue_close(q);
	postgres_store_drop(store);
}
