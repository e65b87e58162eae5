/* SPDX-License-Identifier: MIT */
/* What is seen of a real PostgreSQL from outside: what it is, and what its user lacks. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "queue/cluster.h"
#include "queue/move.h"
#include "queue/server.h"
#include "tests/conformance/queue_suite.h"
#include "tests/harness/port.h"
#include "tests/harness/postgres.h"

static char store[256], schema[80];
static PGconn *admin;

static void run(const char *fmt, ...) printf_like(1, 2);
static void run(const char *fmt, ...)
{
	char sql[600];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	PGresult *r = PQexec(admin, sql);
	cr_assert(PQresultStatus(r) == PGRES_COMMAND_OK, "%s: %s", sql, PQerrorMessage(admin));
	PQclear(r);
}

/* A user who may do nothing but connect, named as the schema. */
static void setup(void)
{
	cr_assert(postgres_store(store, sizeof(store)));
	snprintf(schema, sizeof(schema), "%s", strstr(store, "schema=") + 7);
	admin = PQconnectdb(postgres_shared());
	cr_assert_eq(PQstatus(admin), CONNECTION_OK);
	run("SET client_min_messages = warning; CREATE ROLE %s LOGIN", schema);
}

static void teardown(void)
{
	run("DROP OWNED BY %s", schema);
	postgres_store_drop(store);
	run("DROP ROLE %s", schema);
	PQfinish(admin);
}

TestSuite(queue_server, .init = setup, .fini = teardown, .timeout = 60);

static struct queue_server look(const char *address, enum queue_server_look how)
{
	struct queue_server s;
	struct err err = {.msg = ""};
	struct queue_place place = {.store = address};
	cr_assert_eq(queue_server_read(&place, how, &s, &err), RC_OK, "%s", err.msg);
	return s;
}

/* The same database as the user without rights. */
static const char *lesser(void)
{
	static char address[300];
	snprintf(address, sizeof(address), "postgres://%s%s", schema, strchr(store, '@'));
	return address;
}

static void make_store(void)
{
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(queue_open(store, QUEUE_RECEIVER, &q, &err), RC_OK, "%s", err.msg);
	queue_close(q);
}

/* The user without rights is told what it lacks, in these words. */
static void lacks(const char *what)
{
	struct err err = {.msg = ""};
	struct queue_server s = look(lesser(), QUEUE_SERVER_START);
	cr_expect_eq(queue_server_check(&s, &err), RC_DENIED);
	cr_expect(strstr(err.msg, what) != NULL, "said:   %s\nwanted: %s", err.msg, what);
}

Test(queue_server, a_database_says_what_it_is_how_quick_and_what_o_clock)
{
	struct err err = {.msg = ""};
	struct queue_server s = look(store, QUEUE_SERVER_CLOSE);
	cr_expect_eq(queue_server_check(&s, &err), RC_OK, "a schema is not needed to begin: %s",
		err.msg);
	cr_expect_eq(s.schema_version, 0);
	make_store();
	s = look(store, QUEUE_SERVER_CLOSE);
	cr_expect_eq(queue_server_check(&s, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(s.major, 15);
	cr_expect_str_eq(s.user, "moonhook");
	cr_expect_str_eq(s.schema, schema);
	cr_expect_eq(s.schema_version, s.schema_newest);
	cr_expect(!s.replica && !s.read_only && s.near && s.vacuum && s.relaxed);
	cr_expect_not(s.fsync, "as the harness starts it");
	cr_expect_str_eq(s.tls, "");
	cr_expect(s.connections_n > 0 && s.connections_max > s.connections_n && s.ours_n > 0);
	cr_expect(s.round_us > 0 && s.commit_us > 0, "%s", s.commit_problem);
	cr_expect(s.ahead_ms <= s.ahead_off_ms && s.ahead_ms >= -s.ahead_off_ms,
		"one clock: %ld +- %ld ms", (long)s.ahead_ms, (long)s.ahead_off_ms);
	cr_expect_gt(s.used_bytes, 0);
}

Test(queue_server, looking_changes_nothing)
{
	make_store();
	(void)look(store, QUEUE_SERVER_CLOSE);
	PGresult *r = PQexecParams(admin,
		"SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0), count(*)"
		" FROM pg_class AS c JOIN pg_stat_xact_user_tables AS s ON s.relid = c.oid"
		" WHERE c.relnamespace = to_regnamespace($1)::oid",
		1, NULL, (const char *const[]){schema}, NULL, NULL, 0);
	cr_expect_str_eq(PQgetvalue(r, 0, 0), "0");
	PQclear(r);
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	struct queue_counts counts;
	cr_assert_eq(queue_open(store, QUEUE_READER, &q, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_count(q, &counts, &err), RC_OK);
	cr_expect_eq(counts.events[QUEUE_DUE], 0);
	queue_close(q);
}

Test(queue_server, who_lacks_a_privilege_is_told_which_until_all_are_there)
{
	struct err err = {.msg = ""};
	lacks("CREATE on the database");
	run("CREATE SCHEMA %s", schema);
	lacks("USAGE on schema");
	run("GRANT USAGE ON SCHEMA %s TO %s", schema, schema);
	lacks("to make its tables");
	make_store();
	lacks("SELECT, INSERT, UPDATE, DELETE (of sequences USAGE, of functions EXECUTE)");
	run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s", schema,
		schema);
	lacks("SELECT, INSERT, UPDATE, DELETE (of sequences USAGE, of functions EXECUTE)");
	run("GRANT USAGE ON ALL SEQUENCES IN SCHEMA %s TO %s", schema, schema);
	run("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %s TO %s", schema, schema);
	struct queue_server s = look(lesser(), QUEUE_SERVER_START);
	cr_expect_eq(queue_server_check(&s, &err), RC_OK, "%s", err.msg);
}

/* The list of the README, and no more. */
Test(queue_server, with_what_is_not_lacking_receivers_and_runners_work)
{
	static const enum queue_side sides[] = {QUEUE_RECEIVER, QUEUE_RUNNER, QUEUE_READER};
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	make_store();
	run("GRANT USAGE ON SCHEMA %s TO %s", schema, schema);
	run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s", schema,
		schema);
	run("GRANT USAGE ON ALL SEQUENCES IN SCHEMA %s TO %s", schema, schema);
	run("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %s TO %s", schema, schema);
	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
		cr_assert_eq(queue_open(lesser(), sides[i], &q, &err), RC_OK, "%s", err.msg);
		struct queue_delivery d = {.source = "twenty", .body = slice_of("{}")};
		cr_assert_eq(id_new(clock_wall_ms(), &d.id, &err), RC_OK);
		if (sides[i] == QUEUE_RECEIVER)
			cr_expect_eq(queue_inbox_put(q, &d, 1, &err), RC_OK, "%s", err.msg);
		struct queue_beat beat;
		if (sides[i] == QUEUE_RUNNER)
			cr_expect_eq(queue_beat(q, &beat, &err), RC_OK, "%s", err.msg);
		queue_close(q);
	}
}

static enum rc take_reason(void *ctx, const struct queue_event_row *row, struct err *err)
{
	(void)err;
	snprintf(ctx, 64, "%s", row->reason);
	return RC_OK;
}

/* As hardened databases are set up, by an owner of its own. */
Test(queue_server, it_works_where_functions_are_nobodys_by_default)
{
	static const enum queue_side sides[] = {QUEUE_RUNNER, QUEUE_READER};
	char address[300];
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	run("CREATE ROLE %s_owner LOGIN; GRANT CREATE ON DATABASE postgres TO %s_owner;"
	    " ALTER DEFAULT PRIVILEGES FOR ROLE %s_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
		schema, schema, schema);
	snprintf(address, sizeof(address), "postgres://%s_owner%s", schema, strchr(store, '@'));
	cr_assert_eq(queue_open(address, QUEUE_RECEIVER, &q, &err), RC_OK, "%s", err.msg);
	queue_close(q);
	run("GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN"
	    " SCHEMA %s TO %s; GRANT USAGE ON ALL SEQUENCES IN SCHEMA %s TO %s",
		schema, schema, schema, schema, schema, schema);
	for (size_t i = 0; i < ARRAY_N(sides); i++) {
		struct queue_beat beat;
		struct queue_filter filter = {.error = "x"};
		size_t n = 0;
		cr_assert_eq(queue_open(lesser(), sides[i], &q, &err), RC_OK, "%s", err.msg);
		if (sides[i] == QUEUE_RUNNER)
			cr_expect_eq(queue_beat(q, &beat, &err), RC_OK, "%s", err.msg);
		cr_expect_eq(
			queue_event_each(q, &filter, take_reason, &n, &err), RC_OK, "%s", err.msg);
		queue_close(q);
	}
	run("DROP OWNED BY %s_owner; DROP ROLE %s_owner", schema, schema);
}

Test(queue_server, what_a_newer_program_wrote_and_what_takes_no_writes_is_seen)
{
	struct err err = {.msg = ""};
	make_store();
	run("INSERT INTO %s.version (n) VALUES (99)", schema);
	struct queue_server s = look(store, QUEUE_SERVER_START);
	cr_expect_eq(queue_server_check(&s, &err), RC_UNSUPPORTED);
	cr_expect(strstr(err.msg, "newer Moonhook (version 99") != NULL, "%s", err.msg);
	run("DELETE FROM %s.version WHERE n = 99", schema);
	run("GRANT USAGE ON SCHEMA %s TO %s", schema, schema);
	run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s", schema,
		schema);
	run("GRANT USAGE ON ALL SEQUENCES IN SCHEMA %s TO %s", schema, schema);
	run("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %s TO %s", schema, schema);
	run("ALTER ROLE %s SET default_transaction_read_only = on", schema);
	s = look(lesser(), QUEUE_SERVER_CLOSE);
	cr_expect_eq(queue_server_check(&s, &err), RC_BUSY);
	cr_expect(strstr(err.msg, "it is set read-only") != NULL, "%s", err.msg);
	cr_expect_eq(s.commit_us, -1);
}

/* A database of another encoding, under the schema's name. */
static const char *latin(void)
{
	static char address[300];
	snprintf(address, sizeof(address), "%.*s/%s%s",
		(int)strcspn(postgres_shared() + 11, "/") + 11, postgres_shared(), schema,
		strchr(store, '?'));
	run("CREATE DATABASE %s ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
		schema);
	return address;
}

Test(queue_server, a_database_that_is_not_utf8_is_looked_at_but_neither_opened_nor_filled)
{
	static const enum queue_side sides[] = {QUEUE_RECEIVER, QUEUE_RUNNER};
	char folder[64];
	struct queue *q = NULL;
	struct queue_move m;
	struct err err = {.msg = ""};
	const char *address = latin();
	struct queue_server s = look(address, QUEUE_SERVER_START);
	cr_expect_eq(queue_server_check(&s, &err), RC_UNSUPPORTED);
	for (size_t i = 0; i < ARRAY_N(sides); i++) {
		cr_expect_eq(queue_open(address, sides[i], &q, &err), RC_UNSUPPORTED);
		cr_expect(strstr(err.msg, "is LATIN1, not UTF8") != NULL, "%s", err.msg);
	}
	suite_folder(folder);
	cr_assert_eq(queue_open(folder, QUEUE_RUNNER, &q, &err), RC_OK, "%s", err.msg);
	queue_close(q);
	struct queue_place from = {.store = folder}, to = {.store = address};
	cr_expect_eq(queue_move(&from, &to, NULL, NULL, &m, &err), RC_UNSUPPORTED);
	cr_expect(strstr(err.msg, "is LATIN1, not UTF8") != NULL, "%s", err.msg);
	cr_expect_eq(
		queue_open(folder, QUEUE_RUNNER, &q, &err), RC_OK, "it has not moved: %s", err.msg);
	queue_close(q);
	suite_remove(folder);
	run("DROP DATABASE %s", schema);
}

Test(queue_server, whatever_a_user_has_set_texts_come_back_as_they_were)
{
	static const char text[] = "\xe2\x82\xac \xf0\x9f\x98\x80";
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	char address[300], back[64] = "";
	snprintf(address, sizeof(address), "%s&client_encoding=LATIN1", store);
	cr_assert_eq(queue_open(address, QUEUE_RECEIVER, &q, &err), RC_OK, "%s", err.msg);
	struct queue_delivery d = {.source = "twenty", .body = slice_of("{}"), .quarantine = text};
	cr_assert_eq(id_new(clock_wall_ms(), &d.id, &err), RC_OK);
	cr_assert_eq(queue_inbox_put(q, &d, 1, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_event_get(q, d.id.text, take_reason, back, &err), RC_OK, "%s", err.msg);
	cr_expect_str_eq(back, text);
	queue_close(q);
	cr_assert_eq(queue_open(store, QUEUE_READER, &q, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_event_get(q, d.id.text, take_reason, back, &err), RC_OK, "%s", err.msg);
	cr_expect_str_eq(back, text, "and with others it reads the same: %s", back);
	queue_close(q);
}

Test(queue_server, who_is_not_there_or_refuses_is_told_apart)
{
	char address[300];
	struct queue_server s;
	struct err err = {.msg = ""};
	snprintf(
		address, sizeof(address), "postgres://moonhook@127.0.0.1:%d/postgres", port_free());
	struct queue_place place = {.store = address};
	cr_expect_eq(queue_server_read(&place, QUEUE_SERVER_START, &s, &err), RC_IO, "%s", err.msg);
	snprintf(address, sizeof(address), "postgres://nobody_%s%s", schema, strchr(store, '@'));
	cr_expect_eq(
		queue_server_read(&place, QUEUE_SERVER_START, &s, &err), RC_DENIED, "%s", err.msg);
	place.store = "var";
	cr_expect_eq(queue_server_read(&place, QUEUE_SERVER_START, &s, &err), RC_UNSUPPORTED);
}

/* A database that is not there, perhaps behind a host that is away; what comes of it. */
static void asked_at(const char *first, enum rc wanted)
{
	char address[200];
	struct queue_server s;
	struct err err = {.msg = ""};
	struct queue_place place = {.store = address};
	const char *host = strchr(postgres_shared(), '@') + 1;
	snprintf(address, sizeof(address), "postgres://moonhook@%s%.*s/nowhere?sslmode=disable",
		first, (int)strcspn(host, "/"), host);
	cr_expect_eq(
		queue_server_read(&place, QUEUE_SERVER_START, &s, &err), wanted, "%s", err.msg);
	cr_expect(strstr(err.msg, "\"nowhere\" does not exist") != NULL, "said: %s", err.msg);
}

Test(queue_server, of_several_hosts_one_that_refuses_decides_nothing_while_another_is_away)
{
	char away[40];
	snprintf(away, sizeof(away), "127.0.0.1:%d,", port_free());
	asked_at("", RC_DENIED);
	asked_at(away, RC_IO);
}

/* --- a server of another language ------------------------------------------------------------- */

struct refusing { /* refuses whoever connects */
	int fd;
	const char *state, *words;
	atomic_int asked_n;
};

static void refuse(struct refusing *r, int fd)
{
	char hello[1024], said[200] = "E";
	size_t n = 5;
	const char *fields[] = {"SFATAL", "VFATAL", NULL, NULL};
	char code[8], words[120];
	snprintf(code, sizeof(code), "C%s", r->state);
	snprintf(words, sizeof(words), "M%s", r->words);
	fields[2] = code;
	fields[3] = words;
	for (size_t i = 0; i < ARRAY_N(fields); i++) {
		memcpy(said + n, fields[i], strlen(fields[i]) + 1);
		n += strlen(fields[i]) + 1;
	}
	said[n++] = '\0';
	uint32_t length = htonl((uint32_t)n - 1);
	memcpy(said + 1, &length, sizeof(length));
	if (read(fd, hello, sizeof(hello)) > 0 && write(fd, said, n) == (ssize_t)n)
		(void)shutdown(fd, SHUT_WR);
	while (read(fd, hello, sizeof(hello)) > 0)
		; /* till it has gone */
	close(fd);
}

static void *refuse_all(void *arg)
{
	struct refusing *r = arg;
	int fd;
	while ((fd = accept(r->fd, NULL, NULL)) >= 0) {
		refuse(r, fd);
		atomic_fetch_add(&r->asked_n, 1);
	}
	return NULL;
}

static void refused_with(const char *state, const char *words, enum rc wanted, const char *said)
{
	struct refusing r = {.state = state, .words = words};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t at_n = sizeof(at);
	struct queue_server s;
	struct err err = {.msg = ""};
	char address[200];
	pthread_t thread;
	r.fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(bind(r.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(r.fd, 8), 0);
	cr_assert_eq(getsockname(r.fd, (struct sockaddr *)&at, &at_n), 0);
	cr_assert_eq(pthread_create(&thread, NULL, refuse_all, &r), 0);
	snprintf(address, sizeof(address),
		"postgres://crm@127.0.0.1:%d/db?sslmode=disable&gssencmode=disable",
		ntohs(at.sin_port));
	struct queue_place place = {.store = address};
	cr_expect_eq(queue_server_read(&place, QUEUE_SERVER_START, &s, &err), wanted, "%s: %s",
		state, err.msg);
	cr_expect_not_null(strstr(err.msg, said), "%s", err.msg);
	cr_expect_null(strstr(err.msg, state), "%s", err.msg);
	cr_expect_leq(atomic_load(&r.asked_n), 2);
	(void)shutdown(r.fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(r.fd);
}

Test(queue_server, who_refuses_in_another_language_is_understood)
{
	refused_with("28P01", "Passwort-Authentifizierung für Benutzer »crm« fehlgeschlagen",
		RC_DENIED, "Passwort-Authentifizierung für Benutzer");
	refused_with("28000", "Rolle »crm« existiert nicht", RC_DENIED, "FATAL:  Rolle");
	refused_with("3D000", "Datenbank »db« existiert nicht", RC_DENIED, "Datenbank");
	refused_with("42501", "keine Berechtigung für Datenbank db", RC_DENIED, "keine");
	refused_with(
		"53300", "tut mir leid, schon zu viele Verbindungen", RC_IO, "max_connections");
	refused_with("57P03", "das Datenbanksystem startet", RC_IO, "startet");
}
