/* SPDX-License-Identifier: MIT */
/* Criteria for moving a store to another database. */
#include "queue/move.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue/mark.h"
#include "queue/move/side.h"
#include "queue/timer.h"
#include "tests/conformance/queue_full.h"
#include "tests/harness/postgres.h"

struct stores {
	struct suite s; /* FROM, closed once it is full */
	char folder[64], folder2[64], postgres[160], postgres2[160];
	struct queue_move move;
	struct err err;
};

#define PLACE(text) (&(struct queue_place){.store = (text)})
#define ok(t, call) cr_assert((call) == RC_OK, "%s: %s", #call, (t)->err.msg)

static void close_from(struct stores *t)
{
	suite_forget_runs(&t->s);
	queue_close(t->s.runner);
	queue_close(t->s.receiver);
	t->s.runner = t->s.receiver = NULL;
}

/* A full store of SQLite (or PostgreSQL), left as by a death: one run is claimed. */
static void start(struct stores *t, const char *from)
{
	memset(t, 0, sizeof(*t));
	suite_start(&t->s, from);
	full_fill(&t->s);
	suite_folder(t->folder);
	suite_folder(t->folder2);
	cr_assert(postgres_store(t->postgres, sizeof(t->postgres)));
	cr_assert(postgres_store(t->postgres2, sizeof(t->postgres2)));
	close_from(t);
}

static void end(struct stores *t)
{
	suite_end(&t->s);
	suite_remove(t->folder);
	suite_remove(t->folder2);
	postgres_store_drop(t->postgres);
	postgres_store_drop(t->postgres2);
}

static void move(struct stores *t, const char *from, const char *to)
{
	ok(t, queue_move(PLACE(from), PLACE(to), NULL, NULL, &t->move, &t->err));
	cr_assert(t->move.finished, "%s", t->move.busy);
}

static void check_same(struct stores *t, const char *a, const char *b)
{
	const char *table = NULL;
	ok(t, queue_move_compare(a, b, &table, &t->err));
	cr_assert(table == NULL, "%s differs", table);
}

Test(queue_move, a_copy_on_postgres_and_one_of_it_back_are_the_same_row_by_row)
{
	struct stores t;
	start(&t, NULL);
	move(&t, t.s.store, t.postgres);
	cr_assert_eq(t.move.gone_n > 0, true); /* the row of an empty progress */
	cr_assert_gt(t.move.events_n, 300);
	check_same(&t, t.s.store, t.postgres);
	move(&t, t.postgres, t.folder);
	check_same(&t, t.s.store, t.folder);
	move(&t, t.folder, t.folder2);
	check_same(&t, t.s.store, t.folder2);
	end(&t);
}

Test(queue_move, a_store_of_postgres_moves_to_another_schema_and_the_order_of_what_waits_is_kept)
{
	struct stores t;
	start(&t, "postgres:owner");
	move(&t, t.s.store, t.postgres2);
	check_same(&t, t.s.store, t.postgres2);
	move(&t, t.postgres2, t.folder);
	check_same(&t, t.s.store, t.folder);
	end(&t);
}

/* --- against what SQLite itself says, not by our own description -------------------------------
 */

static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s = NULL;
	cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK, "%s: %s", sql,
		sqlite3_errmsg(db));
	int64_t n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
	sqlite3_finalize(s);
	return n;
}

static sqlite3 *open_both(const char *a, const char *b, const char *file)
{
	char path[200];
	sqlite3 *db = NULL;
	snprintf(path, sizeof(path), "%s/%s", a, file);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	snprintf(path, sizeof(path), "ATTACH '%s/%s' AS other", b, file);
	cr_assert_eq(sqlite3_exec(db, path, NULL, NULL, NULL), SQLITE_OK);
	return db;
}

/* seen_old and where its sweep is are an index; what it is over is compared. */
static void check_file(const char *a, const char *b, const char *file)
{
	sqlite3 *db = open_both(a, b, file);
	sqlite3_stmt *s = NULL;
	int tables = 0;
	cr_assert_eq(sqlite3_prepare_v2(db,
			     "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> "
			     "'seen_old' AND name <> 'meta'",
			     -1, &s, NULL),
		SQLITE_OK);
	for (; sqlite3_step(s) == SQLITE_ROW; tables++) {
		const char *table = (const char *)sqlite3_column_text(s, 0);
		char sql[300];
		snprintf(sql, sizeof(sql),
			"SELECT (SELECT count(*) FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM "
			"other.%s)) + (SELECT count(*) FROM (SELECT * FROM other.%s EXCEPT SELECT "
			"* "
			"FROM main.%s))",
			table, table, table, table);
		cr_assert_eq(ask(db, sql), 0, "%s of %s differs", table, file);
	}
	sqlite3_finalize(s);
	cr_assert_gt(tables, 1);
	sqlite3_close(db);
}

Test(queue_move, every_column_of_a_store_that_has_been_to_postgres_and_back_is_what_it_was)
{
	struct stores t;
	start(&t, NULL);
	move(&t, t.s.store, t.postgres);
	move(&t, t.postgres, t.folder);
	check_file(t.s.store, t.folder, "work.db");
	check_file(t.s.store, t.folder, "inbox.db");
	sqlite3 *db = open_both(t.s.store, t.folder, "work.db");
	cr_assert_eq(ask(db, "SELECT count(*) FROM main.meta AS m JOIN other.meta AS o USING (name)"
			     " WHERE name IN ('seen_seed', 'copy_bytes') AND m.value = o.value"),
		2);
	/* It has something of everything, or it proves nothing. */
	sqlite3_stmt *s = NULL;
	cr_assert_eq(sqlite3_prepare_v2(db,
			     "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT"
			     " IN ('seen_old', 'scrub')",
			     -1, &s, NULL),
		SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		char sql[100];
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM main.%s",
			(const char *)sqlite3_column_text(s, 0));
		cr_assert_gt(ask(db, sql), 0, "%s is empty", sql);
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	end(&t);
}

/* --- the description ---------------------------------------------------------------------------
 */

static bool is_described(enum move_kind kind, const char *table, const char *column)
{
	for (size_t i = 0; i < move_omitted_n; i++) {
		const struct move_omitted *o = &move_omitted[i];
		if (o->kind == kind && strcmp(o->table, table) == 0 &&
			(o->column == NULL || strcmp(o->column, column) == 0))
			return true;
	}
	for (size_t i = 0; i < move_tables_n; i++) {
		struct move_column columns[MOVE_COLUMNS_N];
		int n = move_columns(&move_tables[i], columns);
		cr_assert_lt(n, MOVE_COLUMNS_N);
		for (int c = 0; strcmp(move_tables[i].name, table) == 0 && c < n; c++)
			if (strcmp(columns[c].name, column) == 0)
				return true;
	}
	return false;
}

Test(queue_move, what_a_schema_of_sqlite_has_is_described_for_copying)
{
	struct suite s;
	suite_start(&s, NULL);
	sqlite3 *db = open_both(s.store, s.store, "work.db");
	sqlite3_stmt *q = NULL;
	int n = 0;
	cr_assert_eq(
		sqlite3_prepare_v2(db,
			"SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name)"
			" AS c WHERE t.type = 'table'",
			-1, &q, NULL),
		SQLITE_OK);
	for (; sqlite3_step(q) == SQLITE_ROW; n++) {
		const char *table = (const char *)sqlite3_column_text(q, 0);
		const char *column = (const char *)sqlite3_column_text(q, 1);
		cr_assert(is_described(MOVE_SQLITE, table, column),
			"%s.%s is in work_*.sql and neither in move_tables nor in move_omitted "
			"(queue/move/table.c): a copy would lose it",
			table, column);
	}
	cr_assert_gt(n, 100);
	sqlite3_finalize(q);
	sqlite3_close(db);
	suite_end(&s);
}

Test(queue_move, what_a_schema_of_postgres_has_is_described_for_copying)
{
	char store[160], schema[80];
	struct err err = {.msg = ""};
	struct queue *q = NULL;
	cr_assert(postgres_store(store, sizeof(store)));
	cr_assert_eq(queue_open(store, QUEUE_RECEIVER, &q, &err), RC_OK, "%s", err.msg);
	snprintf(schema, sizeof(schema), "%s", strstr(store, "schema=") + 7);
	schema[strcspn(schema, "&")] = '\0';
	PGconn *conn = PQconnectdb(postgres_shared());
	const char *const values[] = {schema};
	PGresult *r = PQexecParams(conn,
		"SELECT table_name, column_name, data_type FROM information_schema.columns"
		" WHERE table_schema = $1 ORDER BY 1, 2",
		1, NULL, values, NULL, NULL, 0);
	cr_assert_gt(PQntuples(r), 100, "%s", PQerrorMessage(conn));
	for (int i = 0; i < PQntuples(r); i++) {
		const char *table = PQgetvalue(r, i, 0), *column = PQgetvalue(r, i, 1);
		if (strcmp(table, "delivery") == 0 && strcmp(column, "seq") == 0)
			continue;
		cr_assert(is_described(MOVE_POSTGRES, table, column),
			"%s.%s is in postgres/*.sql and neither in move_tables nor in move_omitted "
			"(queue/move/table.c): a copy would lose it",
			table, column);
	}
	PQclear(r);
	PQfinish(conn);
	queue_close(q);
	postgres_store_drop(store);
}

/* --- marks -------------------------------------------------------------------------------------
 */

static void refused(const char *store, enum queue_side side, const char *words)
{
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(queue_open(store, side, &q, &err), RC_DENIED);
	cr_assert_not_null(strstr(err.msg, words), "%s", err.msg);
}

static void open_again(struct stores *t, const char *store)
{
	ok(t, queue_open(store, QUEUE_RECEIVER, &t->s.receiver, &t->err));
	ok(t, queue_open(store, QUEUE_RUNNER, &t->s.runner, &t->err));
}

Test(queue_move, a_store_that_has_moved_is_refused_with_the_name_of_the_other_one)
{
	struct stores t;
	start(&t, NULL);
	move(&t, t.s.store, t.folder);
	refused(t.s.store, QUEUE_RECEIVER, t.folder);
	refused(t.s.store, QUEUE_RUNNER, "has moved to");
	move(&t, t.folder, t.postgres);
	refused(t.folder, QUEUE_RUNNER, "PostgreSQL at 127.0.0.1");
	move(&t, t.postgres, t.folder2);
	refused(t.postgres, QUEUE_RUNNER, t.folder2);
	refused(t.postgres, QUEUE_RECEIVER, t.folder2);
	open_again(&t, t.folder2);
	end(&t);
}

Test(queue_move, who_may_only_use_the_tables_is_told_that_their_owner_has_to_copy)
{
	struct stores t;
	struct suite other;
	start(&t, NULL);
	suite_start(&other, "postgres:");
	queue_close(other.runner);
	queue_close(other.receiver);
	other.runner = other.receiver = NULL;
	cr_assert_eq(queue_move(PLACE(t.s.store), PLACE(other.store), NULL, NULL, &t.move, &t.err),
		RC_DENIED, "%s", t.err.msg);
	cr_assert_not_null(strstr(t.err.msg, "moonhook_rows may not"), "%s", t.err.msg);
	cr_assert_not_null(strstr(t.err.msg, "postgres://moonhook@"), "%s", t.err.msg);
	move(&t, t.s.store, other.owner);
	check_same(&t, t.s.store, other.owner);
	suite_end(&other);
	end(&t);
}

Test(queue_move, what_holds_other_work_is_not_filled)
{
	struct stores t;
	struct suite other;
	start(&t, NULL);
	suite_start(&other, NULL);
	suite_put(&other, NULL, "{}"); /* no more than a delivery */
	queue_close(other.runner);
	queue_close(other.receiver);
	cr_assert_eq(queue_move(PLACE(t.s.store), PLACE(other.store), NULL, NULL, &t.move, &t.err),
		RC_DUPLICATE);
	cr_assert_not_null(strstr(t.err.msg, "work of its own"), "%s", t.err.msg);
	cr_assert_eq(queue_move(PLACE(t.s.store), PLACE(t.s.store), NULL, NULL, &t.move, &t.err),
		RC_INVALID);
	cr_assert_eq(queue_move(PLACE(t.postgres), PLACE(t.postgres), NULL, NULL, &t.move, &t.err),
		RC_NOT_FOUND);
	open_again(&t, t.s.store);
	other.runner = other.receiver = NULL;
	suite_end(&other);
	end(&t);
}

Test(queue_move, a_store_that_has_moved_is_copied_nowhere_else_and_twice_is_once)
{
	struct stores t;
	start(&t, NULL);
	move(&t, t.s.store, t.postgres);
	cr_assert_not(t.move.already);
	cr_assert_eq(queue_move(PLACE(t.s.store), PLACE(t.folder), NULL, NULL, &t.move, &t.err),
		RC_DENIED);
	cr_assert_not_null(strstr(t.err.msg, "has moved to PostgreSQL"), "%s", t.err.msg);
	move(&t, t.s.store, t.postgres);
	cr_assert(t.move.already);
	end(&t);
}

Test(queue_move, going_back_takes_along_what_was_done_in_between)
{
	struct stores t;
	start(&t, NULL);
	move(&t, t.s.store, t.postgres);
	open_again(&t, t.postgres);
	struct id late = suite_put(&t.s, "after", "{\"after\":1}");
	suite_route(&t.s, 2, "row", "ann", 0);
	suite_commit(&t.s);
	close_from(&t);
	move(&t, t.postgres, t.s.store);
	check_same(&t, t.postgres, t.s.store);
	refused(t.postgres, QUEUE_RUNNER, "has moved to");
	open_again(&t, t.s.store);
	cr_assert_str_eq(suite_put(&t.s, "after", "{}").text, late.text);
	end(&t);
}

Test(queue_move, a_store_is_released_by_hand_where_it_has_moved_and_not_where_it_is_half_full)
{
	struct stores t;
	char other[QUEUE_MOVE_OTHER_N] = "";
	start(&t, NULL);
	cr_assert_eq(
		queue_move_release(PLACE(t.s.store), other, sizeof(other), &t.err), RC_NOT_FOUND);
	move(&t, t.s.store, t.postgres);
	ok(&t, queue_move_release(PLACE(t.s.store), other, sizeof(other), &t.err));
	cr_assert_not_null(strstr(other, "PostgreSQL"), "%s", other);
	open_again(&t, t.s.store);
	close_from(&t);
	move(&t, t.postgres, t.folder);
	ok(&t, queue_move_release(PLACE(t.postgres), other, sizeof(other), &t.err));
	open_again(&t, t.postgres);
	ok(&t, queue_move(PLACE(t.s.store), PLACE(t.folder2), NULL, NULL, &t.move, &t.err));
	end(&t);
}

/* --- while it is worked on ---------------------------------------------------------------------
 */

static void copy_beside_the_daemon(const char *from)
{
	struct stores t;
	char other[QUEUE_MOVE_OTHER_N];
	start(&t, from);
	const char *to = from == NULL ? t.postgres : t.folder;
	open_again(&t, t.s.store);
	ok(&t, queue_move(PLACE(t.s.store), PLACE(to), NULL, NULL, &t.move, &t.err));
	cr_assert_not(t.move.finished);
	cr_assert_not_null(strstr(t.move.busy, from == NULL ? "already, process" : "the runner"),
		"%s", t.move.busy);
	refused(to, QUEUE_RUNNER, "unfinished copy");
	refused(to, QUEUE_RECEIVER, "unfinished copy");
	cr_assert_eq(queue_move_release(PLACE(to), other, sizeof(other), &t.err), RC_DENIED);
	/* It goes on: what waited is routed, runs end, more comes, something is taken out. */
	suite_route(&t.s, 2, "row", "ann", 0);
	suite_claim(&t.s, SUITE_NOW_MS + 100000, 1);
	suite_finish(&t.s, &t.s.runs[0], QUEUE_DONE);
	suite_put(&t.s, "more", "{}");
	bool was = false;
	ok(&t, queue_timer_drop(t.s.runner, "row", "soon", &was, &t.err));
	suite_commit(&t.s);
	close_from(&t);
	move(&t, t.s.store, to);
	cr_assert_gt(t.move.same_n, t.move.rows_n);
	cr_assert_gt(t.move.gone_n, 0);
	check_same(&t, t.s.store, to);
	end(&t);
}

Test(queue_move, beside_the_daemon_it_is_filled_and_once_it_is_stopped_the_rest_is_brought)
{
	copy_beside_the_daemon(NULL);
}

Test(queue_move, the_same_from_postgres)
{
	copy_beside_the_daemon("postgres:owner");
}

Test(queue_move, a_receiver_that_has_the_old_store_open_stores_nothing_there_any_more)
{
	struct stores t;
	start(&t, "postgres:owner");
	ok(&t, queue_open(t.s.store, QUEUE_RECEIVER, &t.s.receiver, &t.err));
	suite_put(&t.s, NULL, "{}");
	move(&t, t.s.store, t.folder);
	struct queue_delivery d = {.source = "twenty", .body = slice_of("{}")};
	ok(&t, id_new(SUITE_NOW_MS, &d.id, &t.err));
	cr_assert_neq(queue_inbox_put(t.s.receiver, &d, 1, &t.err), RC_OK);
	cr_assert_not_null(strstr(t.err.msg, "has moved"), "%s", t.err.msg);
	end(&t);
}

/* --- what the daemon finds ---------------------------------------------------------------------
 */

static void check_goes_on(const char *from, bool to_postgres)
{
	struct stores t;
	size_t n = 0;
	struct queue_timer timer = {.rule = "row",
		.key = "new",
		.due_ms = 1,
		.payload = slice_of("{}"),
		.object = "",
		.record = ""};
	start(&t, from);
	move(&t, t.s.store, to_postgres ? t.postgres : t.folder);
	open_again(&t, to_postgres ? t.postgres : t.folder);
	ok(&t, queue_adopt(t.s.runner, &n, &t.err));
	cr_assert_eq(n, 1);
	suite_check_counts(&t.s);
	/* Webhooks that were sent before are known; routed in order behind the last. */
	struct id first = suite_put(&t.s, "many-7", "{}"), late = suite_put(&t.s, "late-2", "{}");
	cr_assert_str_neq(first.text, late.text);
	cr_assert_str_eq(suite_put(&t.s, "late-2", "{}").text, late.text);
	suite_put(&t.s, "new", "{}");
	cr_assert_eq(suite_route(&t.s, 3, "row", "zoe", 1), 1);
	struct queue_run *run = &t.s.runs[0];
	ok(&t, queue_timer_put(t.s.runner, run->seq, run->epoch, &timer, 10, &t.err));
	suite_commit(&t.s);
	suite_forget_runs(&t.s);
	suite_claim(&t.s, SUITE_NOW_MS, 10);
	bool armed = false;
	for (size_t i = 0; i < t.s.runs_n; i++)
		armed = armed || strcmp(t.s.runs[i].rule, "armed") == 0;
	cr_assert(armed, "what was at work is taken up");
	suite_check_counts(&t.s);
	end(&t);
}

Test(queue_move, on_postgres_the_work_goes_on_where_it_stood)
{
	check_goes_on(NULL, true);
}

Test(queue_move, on_sqlite_the_work_goes_on_where_it_stood)
{
	check_goes_on("postgres:owner", false);
}

/* --- broken off --------------------------------------------------------------------------------
 */

static void die_at(void *ctx, const char *table, int64_t rows_n, int64_t same_n)
{
	int *left = ctx;
	(void)table, (void)rows_n, (void)same_n;
	if ((*left)-- == 0)
		(void)kill(getpid(), SIGKILL);
}

/* Was it killed? Else it had finished. */
static bool copy_and_die(const char *from, const char *to, int at)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		struct queue_move m;
		struct err err;
		_exit(queue_move(PLACE(from), PLACE(to), die_at, &at, &m, &err) == RC_OK ? 0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void kill_and_finish(const char *from, bool to_postgres)
{
	struct stores t;
	int killed = 0;
	start(&t, from);
	const char *to = to_postgres ? t.postgres : t.folder;
	for (int at = 0; at < 40; at += 6) {
		if (!copy_and_die(t.s.store, to, at))
			break;
		killed++;
		refused(to, QUEUE_RUNNER, "unfinished copy");
		open_again(&t, t.s.store); /* FROM works */
		close_from(&t);
	}
	cr_assert_gt(killed, 2);
	move(&t, t.s.store, to);
	check_same(&t, t.s.store, to);
	open_again(&t, to);
	end(&t);
}

Test(queue_move, a_copy_to_postgres_that_is_killed_anywhere_is_finished_by_the_next)
{
	kill_and_finish(NULL, true);
}

Test(queue_move, a_copy_to_sqlite_that_is_killed_anywhere_is_finished_by_the_next)
{
	kill_and_finish("postgres:owner", false);
}

Test(queue_move, killed_between_the_two_marks_neither_can_be_worked_on_and_the_next_finishes)
{
	struct stores t;
	struct queue_mark mark = {.kind = QUEUE_MARK_FILLING, .other = "x"};
	start(&t, NULL);
	move(&t, t.s.store, t.folder);
	sqlite3 *db = open_both(t.s.store, t.folder, "work.db");
	mark.id = ask(db, "SELECT value FROM meta WHERE name = 'seen_seed'");
	sqlite3_close(db);
	ok(&t, sqlite_mark_put(t.folder, &mark, &t.err)); /* as it was a moment before the end */
	refused(t.folder, QUEUE_RUNNER, "unfinished copy");
	refused(t.s.store, QUEUE_RUNNER, "has moved");
	move(&t, t.s.store, t.folder);
	cr_assert_not(t.move.already);
	open_again(&t, t.folder);
	end(&t);
}
