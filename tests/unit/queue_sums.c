/* SPDX-License-Identifier: MIT */
/* What the sums of pages find, and what they leave alone. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "queue/sqlite/sums.h"

enum { PAGE = 4096 };

static char path[64];

static void remove_file(void)
{
	unlink(path);
}

TestSuite(queue_sums, .fini = remove_file);

static void must(sqlite3 *db, const char *sql)
{
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s: %s", sql,
		sqlite3_errmsg(db));
}

static sqlite3 *open_file(void)
{
	sqlite3 *db;
	cr_assert_eq(sums_start(), SQLITE_OK);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_extended_result_codes(db, 1), SQLITE_OK);
	return db;
}

/* A table over many pages. */
static void make(bool sums)
{
	snprintf(path, sizeof(path), "/tmp/moonhook-sums-%d", (int)getpid());
	sqlite3 *db = open_file();
	if (sums)
		cr_assert_eq(sums_reserve(db), SQLITE_OK);
	must(db, "PRAGMA page_size = 4096; PRAGMA synchronous = OFF; CREATE TABLE t (x);"
		 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400)"
		 "INSERT INTO t SELECT printf('%0200d', i) FROM n;");
	sqlite3_close(db);
}

/* Reads it all; what SQLite answers. */
static int read_all(int64_t *ret_n)
{
	sqlite3 *db = open_file();
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, "SELECT count(x) FROM t WHERE x > '0'", -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	*ret_n = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_finalize(s);
	sqlite3_close(db);
	return rc;
}

static void copy_bytes(off_t from, off_t to, size_t n, unsigned char flip)
{
	unsigned char bytes[PAGE];
	FILE *f = fopen(path, "r+");
	cr_assert(f != NULL && n <= PAGE);
	cr_assert(fseek(f, from, SEEK_SET) == 0 && fread(bytes, 1, n, f) == n);
	bytes[0] ^= flip;
	cr_assert(fseek(f, to, SEEK_SET) == 0 && fwrite(bytes, 1, n, f) == n);
	fclose(f);
}

Test(queue_sums, each_flipped_bit_of_a_page_is_an_error)
{
	int64_t n;
	make(true);
	cr_assert_eq(read_all(&n), SQLITE_ROW);
	cr_assert_eq(n, 400);
	for (off_t at = 3 * PAGE; at < 4 * PAGE; at += 61) {
		unsigned char bit = (unsigned char)(1u << at % 8);
		copy_bytes(at, at, 1, bit);
		cr_expect_eq(read_all(&n), SQLITE_IOERR_DATA, "byte %ld", (long)at);
		copy_bytes(at, at, 1, bit);
	}
	cr_assert_eq(read_all(&n), SQLITE_ROW);
}

Test(queue_sums, a_page_at_the_wrong_place_is_an_error)
{
	int64_t n;
	make(true);
	copy_bytes(3 * PAGE, 4 * PAGE, PAGE, 0);
	cr_expect_eq(read_all(&n), SQLITE_IOERR_DATA);
}

Test(queue_sums, a_file_without_room_for_them_is_read_as_it_is)
{
	int64_t n;
	make(false);
	copy_bytes(3 * PAGE + 3000, 3 * PAGE + 3000, 1, 1);
	cr_assert_eq(read_all(&n), SQLITE_ROW, "nothing is found, and nothing is refused");
	cr_assert_eq(n, 400);
}

/* The copy has sums of its own, and pages that were freed can be read for it. */
Test(queue_sums, a_file_can_be_copied_online_and_the_copy_is_whole)
{
	sqlite3 *from, *to;
	char first[64];
	int64_t n;
	make(true);
	from = open_file();
	must(from, "DELETE FROM t WHERE rowid % 3 <> 0; CREATE TABLE u (x);");
	snprintf(first, sizeof(first), "%s", path);
	snprintf(path, sizeof(path), "%.56s.copy", first);
	to = open_file();
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	cr_assert_not_null(b);
	cr_expect_eq(sqlite3_backup_step(b, -1), SQLITE_DONE);
	cr_expect_eq(sqlite3_backup_finish(b), SQLITE_OK);
	sqlite3_close(from);
	sqlite3_close(to);
	unlink(first);
	cr_assert_eq(read_all(&n), SQLITE_ROW);
	cr_assert_eq(n, 133);
	copy_bytes(3 * PAGE, 3 * PAGE, 1, 1);
	cr_expect_eq(read_all(&n), SQLITE_IOERR_DATA);
}
