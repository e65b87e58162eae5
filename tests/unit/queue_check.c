/* SPDX-License-Identifier: MIT */
/*
 * Criteria for `store check`: a store that has something of everything is whole, and each question
 * finds what it is there for. Broken by SQL, one thing at a time.
 */
#include "queue/check.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <unistd.h>

#include "queue/check/text.h"
#include "queue/move.h"
#include "tests/conformance/queue_full.h"
#include "tests/harness/postgres.h"

struct found {
	char kinds[400]; /* "counts run_event" */
	int asked_n;     /* how often it was told of a question */
	int too_few;     /* damages without an example or a number */
};

static void note(void *ctx, const struct queue_damage *d)
{
	struct found *f = ctx;
	size_t n = strlen(f->kinds);
	snprintf(f->kinds + n, sizeof(f->kinds) - n, "%s%s", n > 0 ? " " : "", d->kind);
	f->too_few += d->n < 1 || d->example[0] == '\0' || d->fix[0] == '\0';
}

static void count(void *ctx, const char *kind, int nth, int of)
{
	struct found *f = ctx;
	cr_assert(kind[0] != '\0' && nth <= of);
	f->asked_n++;
}

static struct queue_check check(const char *store, struct found *f)
{
	struct queue_check result = {.asked_n = 0};
	struct queue_check_watch watch = {note, count, f};
	struct err err = {.msg = ""};
	memset(f, 0, sizeof(*f));
	cr_assert_eq(queue_check(&(struct queue_place){.store = store}, &watch, &result, &err),
		RC_OK, "%s", err.msg);
	cr_assert_eq(f->asked_n, result.asked_n);
	cr_assert_eq(f->too_few, 0);
	return result;
}

static void check_whole(const char *store)
{
	struct found f;
	struct queue_check c = check(store, &f);
	cr_assert_str_eq(f.kinds, "");
	cr_assert_eq(c.broken_n, 0);
	cr_assert_gt(c.events_n, 300);
	cr_assert_gt(c.runs_n, 300);
}

static void close_store(struct suite *s)
{
	suite_forget_runs(s);
	queue_close(s->runner);
	queue_close(s->receiver);
	s->runner = s->receiver = NULL;
}

/* At work, left by a death, moved, and where it has moved to. */
static void live_and_moved(const char *from)
{
	struct suite s;
	struct queue_move m;
	char to[160];
	suite_start(&s, from);
	full_fill(&s);
	check_whole(s.store);
	close_store(&s);
	check_whole(s.store);
	if (from != NULL)
		suite_folder(to);
	else
		cr_assert(postgres_store(to, sizeof(to)));
	suite_ok(&s, queue_move(&(struct queue_place){.store = s.store},
			     &(struct queue_place){.store = to}, NULL, NULL, &m, &s.err));
	cr_assert(m.finished);
	check_whole(s.store);
	check_whole(to);
	suite_end(&s);
	if (from != NULL)
		suite_remove(to);
	else
		postgres_store_drop(to);
}

Test(queue_check, a_full_store_of_sqlite_is_whole_at_work_and_moved_and_so_is_its_copy)
{
	live_and_moved(NULL);
}

Test(queue_check, a_full_store_of_postgres_is_whole_at_work_and_moved_and_so_is_its_copy)
{
	live_and_moved("postgres:owner");
}

/* --- what is broken is found -------------------------------------------------------------------
 */

struct harm {
	const char *sql, *finds, *mend; /* mend: PostgreSQL alone */
};

#define ROW "(SELECT min(seq) FROM run WHERE rule = 'row')"
#define ARMED "(SELECT min(seq) FROM run WHERE rule = 'armed')"
#define BATCH "(SELECT run FROM session)"
#define MANY "(SELECT min(seq) FROM run WHERE rule = 'many')"
static const struct harm harms[] = {
#include "tests/unit/queue_check.inc"
};
static const struct harm harms_postgres[] = {
#include "tests/unit/queue_check_postgres.inc"
};

static void break_sqlite(const char *folder, const char *sql)
{
	char path[200];
	char *why = NULL;
	sqlite3 *db = NULL;
	snprintf(path, sizeof(path), "%s/work.db", folder);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	snprintf(path, sizeof(path), "ATTACH '%s/inbox.db' AS inbox", folder);
	cr_assert_eq(sqlite3_exec(db, path, NULL, NULL, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &why), SQLITE_OK, "%s: %s", sql, why);
	sqlite3_close(db);
}

static void copy_file(const char *from, const char *to, const char *name)
{
	char path[200], block[65536];
	size_t n;
	snprintf(path, sizeof(path), "%s/%s", from, name);
	FILE *in = fopen(path, "rb");
	snprintf(path, sizeof(path), "%s/%s", to, name);
	FILE *out = fopen(path, "wb");
	cr_assert(in != NULL && out != NULL);
	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		cr_assert_eq(fwrite(block, 1, n, out), n);
	fclose(in);
	cr_assert_eq(fclose(out), 0);
}

Test(queue_check, each_thing_that_is_broken_in_sqlite_is_found_and_nothing_else)
{
	struct suite s;
	struct found f;
	char folder[64], wal[100];
	bool right = true;
	suite_start(&s, NULL);
	full_fill(&s);
	close_store(&s);
	break_sqlite(s.store, "PRAGMA main.wal_checkpoint(TRUNCATE);"
			      "PRAGMA inbox.wal_checkpoint(TRUNCATE)");
	suite_folder(folder);
	for (size_t i = 0; i < ARRAY_N(harms); i++) {
		copy_file(s.store, folder, "work.db");
		copy_file(s.store, folder, "inbox.db");
		break_sqlite(folder, harms[i].sql);
		(void)check(folder, &f);
		if (strcmp(f.kinds, harms[i].finds) != 0)
			cr_log_error("%s\n  finds \"%s\", not \"%s\"", harms[i].sql, f.kinds,
				harms[i].finds);
		right = right && strcmp(f.kinds, harms[i].finds) == 0;
		snprintf(wal, sizeof(wal), "%s/work.db-wal", folder);
		(void)unlink(wal);
		snprintf(wal, sizeof(wal), "%s/inbox.db-wal", folder);
		(void)unlink(wal);
	}
	cr_assert(right);
	suite_remove(folder);
	suite_end(&s);
}

static void change_postgres(const char *store, const char *sql)
{
	char schema[100], set[160];
	snprintf(schema, sizeof(schema), "%s", strstr(store, "schema=") + 7);
	schema[strcspn(schema, "&")] = '\0';
	snprintf(set, sizeof(set), "SET search_path = \"%s\"", schema);
	PGconn *conn = PQconnectdb(postgres_shared());
	PQclear(PQexec(conn, set));
	PGresult *r = PQexec(conn, sql);
	cr_assert(PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK,
		"%s: %s", sql, PQerrorMessage(conn));
	PQclear(r);
	PQfinish(conn);
}

Test(queue_check, each_thing_that_is_broken_in_postgres_is_found_and_nothing_else)
{
	struct suite s;
	struct found f;
	bool right = true;
	suite_start(&s, "postgres:owner");
	full_fill(&s);
	close_store(&s);
	for (size_t i = 0; i < ARRAY_N(harms_postgres); i++) {
		const struct harm *h = &harms_postgres[i];
		change_postgres(s.store, h->sql);
		(void)check(s.store, &f);
		if (strcmp(f.kinds, h->finds) != 0)
			cr_log_error("%s\n  finds \"%s\", not \"%s\"", h->sql, f.kinds, h->finds);
		right = right && strcmp(f.kinds, h->finds) == 0;
		change_postgres(s.store, h->mend);
		(void)check(s.store, &f);
		cr_assert_str_eq(f.kinds, "", "%s: %s", h->mend, f.kinds);
	}
	cr_assert(right);
	suite_end(&s);
}

static bool is_broken_by(const char *kind, const struct harm *h, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(h[i].finds, kind, strlen(kind)) == 0 ||
			strstr(h[i].finds, kind) != NULL)
			return true;
	return false;
}

/* The harness has its servers keep nothing safe, and its stores allow that by name. */
Test(queue_check, a_database_that_may_lose_what_it_confirmed_is_found_unless_that_is_allowed)
{
	struct suite s;
	struct found f;
	char strict[160], *word;
	suite_start(&s, "postgres:owner");
	close_store(&s);
	snprintf(strict, sizeof(strict), "%s", s.store);
	cr_assert_not_null(word = strstr(strict, "durability=relaxed"));
	memcpy(word, "durability=durable", 18);
	memmove(word, word + 19, strlen(word + 19) + 1); /* the word and its & */
	change_postgres(s.store, "ALTER TABLE kv SET UNLOGGED");
	(void)check(s.store, &f);
	cr_assert_str_eq(f.kinds, "");
	(void)check(strict, &f);
	cr_assert_str_eq(f.kinds, "durability unlogged");
	suite_end(&s);
}

Test(queue_check, a_user_who_may_only_read_checks_and_is_told_what_it_lacks)
{
	struct suite s;
	struct found f;
	char store[200], grant[800], role[40], schema[100];
	suite_start(&s, "postgres:owner");
	close_store(&s);
	snprintf(schema, sizeof(schema), "%s", strstr(s.store, "schema=") + 7);
	schema[strcspn(schema, "&")] = '\0';
	snprintf(role, sizeof(role), "reads_%d", (int)getpid());
	snprintf(grant, sizeof(grant),
		"CREATE ROLE %s LOGIN; GRANT USAGE ON SCHEMA \"%s\" TO %s;"
		"GRANT SELECT ON ALL TABLES IN SCHEMA \"%s\" TO %s;"
		"GRANT USAGE ON ALL SEQUENCES IN SCHEMA \"%s\" TO %s",
		role, schema, role, schema, role, schema, role);
	change_postgres(s.store, grant);
	snprintf(store, sizeof(store), "postgres://%s%s", role, strchr(s.store, '@'));
	(void)check(store, &f);
	cr_assert_str_eq(f.kinds, "privilege");
	snprintf(grant, sizeof(grant), "DROP OWNED BY %s; DROP ROLE %s", role, role);
	change_postgres(s.store, grant);
	suite_end(&s);
}

/* By the two tests above. */
static const char *const not_here[] = {"durability", "privilege", "unlogged"};

Test(queue_check, no_question_is_without_a_test)
{
	for (size_t i = 0; i < check_questions_n; i++) {
		const char *kind = check_questions[i].kind;
		bool tested = is_broken_by(kind, harms, ARRAY_N(harms)) ||
			      is_broken_by(kind, harms_postgres, ARRAY_N(harms_postgres));
		for (size_t k = 0; k < ARRAY_N(not_here); k++)
			tested = tested || strcmp(kind, not_here[k]) == 0;
		cr_expect(tested, "%s", kind);
	}
}

/* --- somebody else in the database -------------------------------------------------------------
 */

static void run(PGconn *conn, const char *sql)
{
	PGresult *result = PQexec(conn, sql);
	cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK, "%s: %s", sql, PQerrorMessage(conn));
	PQclear(result);
}

/* A fresh database on the shared server. */
static void other_database(const char *schema, char url[static 200])
{
	char sql[100];
	PGconn *conn = PQconnectdb(postgres_shared());
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s", schema);
	run(conn, sql);
	PQfinish(conn);
	snprintf(url, 200, "%.*s/%s", (int)(strrchr(postgres_shared(), '/') - postgres_shared()),
		postgres_shared(), schema);
}

static void drop_database(const char *schema)
{
	char sql[100];
	PGconn *conn = PQconnectdb(postgres_shared());
	snprintf(sql, sizeof(sql), "DROP DATABASE %s", schema);
	run(conn, sql);
	PQfinish(conn);
}

static void expect_pages(const char *store, bool looked_at)
{
	struct found f;
	struct queue_check c = check(store, &f);
	cr_expect_str_eq(f.kinds, "");
	cr_expect_eq(c.pages, looked_at);
}

Test(queue_check, what_another_user_calls_a_check_of_indexes_is_not_run, .timeout = 120)
{
	static const char trap[] =
		"CREATE FUNCTION public.bt_index_check(oid) RETURNS void LANGUAGE"
		" plpgsql AS $$ BEGIN RAISE EXCEPTION 'I am %', current_user;"
		" END $$";
	char fresh[140], url[200], store[260];
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	cr_assert(postgres_store(fresh, sizeof(fresh)));
	const char *schema = strstr(fresh, "schema=") + 7;
	other_database(schema, url);
	snprintf(store, sizeof(store), "%s%s", url, strchr(fresh, '?'));
	cr_assert_eq(queue_open(store, QUEUE_RECEIVER, &q, &err), RC_OK, "%s", err.msg);
	queue_close(q);
	PGconn *conn = PQconnectdb(url);
	run(conn, trap);
	expect_pages(store, false);
	run(conn, "CREATE EXTENSION amcheck SCHEMA public");
	expect_pages(store, true);
	run(conn, "DROP EXTENSION amcheck; CREATE SCHEMA safe; CREATE EXTENSION amcheck SCHEMA "
		  "safe");
	expect_pages(store, true);
	PQfinish(conn);
	drop_database(schema);
}
