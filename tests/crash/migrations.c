/* SPDX-License-Identifier: MIT */
/*
 * The power goes at each operation on the disk while a store is made or brought up to date, from
 * each version that there ever was. What must hold: the next start succeeds, the store is of the
 * newest version, whole, and has kept its rows.
 */
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "queue/db.h"
#include "queue/sql/text.h"
#include "tests/crash/stage.h"
#include "tests/harness/process.h"

enum { OPS_MAX = 2000 };

struct side {
	const char *name;
	const struct db_form *form;
	const char *rows; /* SQL that fits every version */
	const char *count;
};

static const struct side sides[] = {
	{"inbox", &db_inbox_form,
		"INSERT INTO delivery (seq, id, source, received_ms, headers, body) VALUES "
		"(1, 'a', 'twenty', 1, x'', x'7b7d'), (2, 'b', 'twenty', 2, x'', x'7b7d');"
		"INSERT INTO meta VALUES ('last_seq', 2);",
		"SELECT count(*) FROM delivery WHERE body = x'7b7d'"},
	{"work", &db_work_form,
		"INSERT INTO event (seq, id, source, name, object, record, via, reason, state, "
		"received_ms, open, run_first, run_n) VALUES (16777216, 'e', 'twenty', 'person."
		"created', 'person', 'r', 'hook', '', 3, 1, 0, 1, 1);"
		"INSERT INTO source (n, hash, file, text) VALUES (1, 'h', 'a.lua', x'20');"
		"INSERT INTO run (seq, id, event, rule, source, key, hold, hold2, state, epoch, "
		"attempt, attempt_next, attempts_max, deaths, due_ms, created_ms, started_ms, "
		"ended_ms, api_calls) VALUES (1, 'r', 16777216, 'rule', 1, '', 0, 0, 3, 1, 1, 0, "
		"8, "
		"0, 0, 1, 1, 1, 0);",
		"SELECT count(*) FROM run JOIN event ON event.seq = run.event JOIN source ON "
		"source.n = run.source"},
};

struct scene {
	char dir[128], store[160], file[192];
	const struct side *side;
	int version;
	struct dice dice;
	size_t cuts;
};

static void path_of(const struct scene *s, char path[static 256])
{
	snprintf(path, 256, "%s/%s", s->store, s->side->form->name);
}

/* A store as this version of the program has left it. */
static void make_old(const struct scene *s)
{
	char path[256], mark[96];
	sqlite3 *db;
	if (s->version == 0)
		return;
	cr_assert_eq(mkdir(s->store, 0700), 0);
	path_of(s, path);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db,
			     "PRAGMA synchronous = OFF; PRAGMA page_size = 8192; PRAGMA "
			     "journal_mode = WAL",
			     NULL, NULL, NULL),
		SQLITE_OK);
	for (int i = 0; i < s->version; i++)
		cr_assert_eq(sqlite3_exec(db, s->side->form->migrations[i], NULL, NULL, NULL),
			SQLITE_OK, "%d: %s", i, sqlite3_errmsg(db));
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		s->side->form->application_id, s->version);
	cr_assert_eq(sqlite3_exec(db, mark, NULL, NULL, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, s->side->rows, NULL, NULL, NULL), SQLITE_OK, "%s",
		sqlite3_errmsg(db));
	sqlite3_close(db);
}

static int open_store(const struct scene *s, const struct power *power)
{
	const char *argv[] = {process_path("crash-open"), s->store, s->side->name, NULL};
	struct process p = {.pid = 0};
	return process_run(&p, s->dir, "open", argv, power->env, 20000);
}

static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	cr_assert_eq(
		sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
	cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
	int64_t value = sqlite3_column_int64(stmt, 0);
	if (sqlite3_column_type(stmt, 0) == SQLITE_TEXT)
		value = strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
	sqlite3_finalize(stmt);
	return value;
}

static void check(const struct scene *s, int64_t op)
{
	char path[256];
	sqlite3 *db;
	path_of(s, path);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_expect_eq(ask(db, "PRAGMA integrity_check"), 1, "%s from %d cut at %lld", s->side->name,
		s->version, (long long)op);
	cr_expect_eq(ask(db, "PRAGMA user_version"), s->side->form->version);
	cr_expect_eq(ask(db, s->side->count),
		s->version == 0                       ? 0
		: strcmp(s->side->name, "inbox") == 0 ? 2
						      : 1,
		"%s from %d cut at %lld", s->side->name, s->version, (long long)op);
	sqlite3_close(db);
}

/* The power goes at this operation; false: there were fewer. */
static bool cut_at(struct scene *s, int64_t op)
{
	struct power power;
	cr_assert(process_folder(s->dir));
	snprintf(s->store, sizeof(s->store), "%s/store", s->dir);
	make_old(s);
	cr_assert(power_open(&power, s->dir, s->store, NULL));
	atomic_store(&power.page->cut_at, op);
	int status = open_store(s, &power);
	bool cut = power_is_off(&power);
	cr_assert(cut || status == 0, "status %d at %lld", status, (long long)op);
	cr_assert(power_restore(&power, op % 2 == 0 ? POWER_CLEAN : POWER_TORN, &s->dice));
	cr_expect_eq(open_store(s, &power), 0, "%s from %d cut at %lld; see %s", s->side->name,
		s->version, (long long)op, s->dir);
	check(s, op);
	power_done(&power);
	process_folder_remove(s->dir);
	s->cuts += cut;
	return cut;
}

static size_t cut_everywhere(const struct side *side, int version, struct dice dice)
{
	struct scene s = {.side = side, .version = version, .dice = dice};
	/* Each of them in the long form. */
	int64_t step = stage_setting("MIGRATION_STEP", 9), op = 1 + dice_below(&s.dice, step);
	while (op < OPS_MAX && cut_at(&s, op))
		op += step;
	return s.cuts;
}

TestSuite(crash_migrations, .timeout = 240);

Test(crash_migrations,
	a_store_whose_making_or_migration_is_cut_off_anywhere_is_whole_at_the_next_start)
{
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	size_t cuts = 0;
	for (size_t i = 0; i < ARRAY_N(sides); i++)
		for (int version = 0; version < sides[i].form->version; version++)
			cuts += cut_everywhere(&sides[i], version, dice);
	fprintf(stderr, "crash: SEED=%llu: %zu migrations cut off, each at another operation\n",
		(unsigned long long)seed, cuts);
	cr_expect_gt(cuts, 10);
}
