/* SPDX-License-Identifier: MIT */
/*
 * A folder with SQLite's two files, as a side of a copy.
 *
 * From: move.c. Read from: with both locks where they are free, else as any reader, in one state
 * that lasts (the work is looked at first: sqlite/backup.c says why). Filled: with both locks, and
 * the mark is on the disk before the first row.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue/move/side.h"
#include "queue/sql/seen.h"

static const struct db_form *const bases[MOVE_FILES_N] = {
	[MOVE_INBOX] = &db_inbox_form, [MOVE_WORK] = &db_work_form};
static const enum queue_side lock_sides[MOVE_FILES_N] = {
	[MOVE_INBOX] = QUEUE_RECEIVER, [MOVE_WORK] = QUEUE_RUNNER};

static enum rc prepare(struct move_side *side, struct err *err)
{
	side->self.side = QUEUE_READER;
	side->owner = &side->self;
	enum rc rc = RC_OK;
	for (int f = 0; rc == RC_OK && f < MOVE_FILES_N; f++) {
		side->locks[f] = -1;
		rc = move_form_init(&side->form[f], bases[f], MOVE_SQLITE, side->fills, err);
	}
	if (rc == RC_OK && snprintf(side->folder, sizeof(side->folder), "%s", side->store) >=
				   (int)sizeof(side->folder))
		rc = err_set(err, RC_INVALID, "the name of the folder is too long");
	return rc;
}

/* As long as it is the same from wherever it is named. */
static void name(struct move_side *side)
{
	char *whole = realpath(side->folder, NULL);
	snprintf(side->name, sizeof(side->name), "%.639s", whole != NULL ? whole : side->folder);
	free(whole);
}

static enum rc lock(struct move_side *side, struct err *err)
{
	enum rc rc = RC_OK;
	for (int f = 0; rc == RC_OK && f < MOVE_FILES_N; f++)
		rc = store_lock(side->folder, lock_sides[f], &side->locks[f], err);
	return rc;
}

static void unlock(struct move_side *side)
{
	for (int f = 0; f < MOVE_FILES_N; f++) {
		if (side->locks[f] >= 0)
			close(side->locks[f]);
		side->locks[f] = -1;
	}
}

static enum rc open_file(
	struct move_side *side, enum move_file f, enum db_mode mode, struct err *err)
{
	enum rc rc = sqlite_db_open(
		&side->files[f], side->owner, side->folder, &side->form[f].form, mode, err);
	if (rc == RC_OK)
		side->db[f] = &side->files[f].base;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc look(struct move_side *side, enum move_file f, struct err *err)
{
	int64_t ignored;
	if (side->db[f] == NULL)
		return RC_OK;
	enum rc rc = db_begin_read(side->db[f], err);
	return rc == RC_OK ? db_meta_get(side->db[f], "seen_seed", &ignored, err) : rc;
}

static enum rc open_from(struct move_side *side, struct err *err)
{
	struct err why = {.msg = ""};
	enum rc rc = prepare(side, err);
	if (rc != RC_OK)
		return rc;
	if (access(side->folder, R_OK | X_OK) != 0)
		return err_set_errno(err, errno == ENOENT ? RC_NOT_FOUND : RC_DENIED, errno,
			"cannot read the store %.150s", side->folder);
	name(side);
	rc = sqlite_mark_read(side->folder, &side->mark, err);
	if (rc == RC_OK) {
		rc = lock(side, &why);
		side->alone = rc == RC_OK;
		if (rc != RC_OK)
			unlock(side);
		if (rc == RC_BUSY)
			snprintf(side->busy, sizeof(side->busy), "%.159s", why.msg);
		if (rc != RC_OK && rc != RC_BUSY)
			return err_set(err, rc, "%s", why.msg);
		rc = open_file(side, MOVE_WORK, DB_READ, err);
	}
	if (rc == RC_OK)
		rc = open_file(side, MOVE_INBOX, DB_READ, err);
	if (rc == RC_OK && side->db[MOVE_WORK] == NULL)
		rc = err_set(err, RC_NOT_FOUND, "there is no store in %.150s (no work.db)",
			side->folder);
	if (rc == RC_OK)
		rc = look(side, MOVE_WORK, err);
	return rc == RC_OK ? look(side, MOVE_INBOX, err) : rc;
}

static enum rc open_to(struct move_side *side, struct err *err)
{
	enum rc rc = prepare(side, err);
	if (rc == RC_OK)
		rc = store_folder_make(side->folder, err);
	if (rc == RC_OK)
		rc = lock(side, err);
	name(side);
	if (rc == RC_OK)
		rc = sqlite_mark_read(side->folder, &side->mark, err);
	if (rc == RC_OK)
		rc = open_file(side, MOVE_WORK, DB_WRITE, err);
	return rc == RC_OK ? open_file(side, MOVE_INBOX, DB_WRITE, err) : rc;
}

static enum rc mark(struct move_side *side, const struct queue_mark *mark, struct err *err)
{
	return sqlite_mark_put(side->folder, mark, err);
}

static void bind_text(struct db_stmt *s, int i, struct slice text)
{
	sqlite3_stmt *stmt = ((struct sqlite_stmt *)s)->s;
	if (stmt == NULL)
		return;
	int rc = sqlite3_bind_text64(stmt, i, text.p, text.n, SQLITE_STATIC, SQLITE_UTF8);
	struct sqlite_db *db = (struct sqlite_db *)s->db;
	if (rc != SQLITE_OK && db->bound == SQLITE_OK)
		db->bound = rc;
}

/* --- rows ------------------------------------------------------------------------------------- */

static enum rc put_row(struct move_side *side, int table, struct slice row, struct err *err)
{
	const struct move_table *t = &move_tables[table];
	struct move_column columns[MOVE_COLUMNS_N];
	unsigned char uuid[UUID_BYTES_N];
	struct db *db = side->db[t->file];
	int n = move_columns(t, columns) - (t->walk != MOVE_PLAIN ? 1 : 0);
	struct db_stmt *s = db_use(db, move_sql(table, MOVE_INSERT));
	move_row_bind(side, table, row, n, s, uuid);
	enum rc rc = db_run(db, s, err);
	if (rc != RC_OK || t->walk == MOVE_PLAIN)
		return rc;
	struct slice seq, key;
	(void)move_field(&row, &seq);
	for (int i = 1; i < n; i++)
		(void)move_field(&row, &key);
	if (!move_field(&row, &key))
		return RC_OK;
	s = db_use(db, move_sql(table, MOVE_INSERT_KEY));
	db_bind_int(db, s, 1, move_field_int(seq));
	db_bind_blob(db, s, 2, key);
	return db_run(db, s, err);
}

static enum rc put(struct move_side *side, int table, struct slice rows, struct err *err)
{
	struct slice row;
	enum rc rc = RC_OK;
	while (rc == RC_OK && move_rows_next(&rows, &row))
		rc = put_row(side, table, row, err);
	return rc;
}

/* Its log would grow to the size of the store. */
static enum rc rest(struct move_side *side, struct err *err)
{
	enum rc rc = sqlite_checkpoint(&side->files[MOVE_WORK], err);
	return rc == RC_OK ? sqlite_checkpoint(&side->files[MOVE_INBOX], err) : rc;
}

/* --- what no row says ------------------------------------------------------------------------- */

static enum rc number(
	struct sqlite_db *db, const char *sql, int64_t value, int64_t *ret_value, struct err *err)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
	if (rc == SQLITE_OK && sqlite3_bind_parameter_count(s) > 0)
		rc = sqlite3_bind_int64(s, 1, value);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && ret_value != NULL)
		*ret_value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE
		       ? RC_OK
		       : err_set(err, RC_IO, "%s: %s", db->base.path, sqlite3_errstr(rc));
}

static enum rc timer(struct move_side *side, int64_t *ret_last, struct err *err)
{
	*ret_last = 0;
	return number(&side->files[MOVE_WORK],
		"SELECT seq FROM sqlite_sequence WHERE name = 'timer'", 0, ret_last, err);
}

/* What memory will not hold at the next start is in the index: all but the newest SEEN_MAX keys. */
static enum rc index_seen(struct sqlite_db *file, int64_t least, struct err *err)
{
	struct db *db = &file->base;
	struct seen seen;
	bool row;
	enum rc rc = seen_open(&seen, db, SEEN_MAX, err); /* its seed, where there is none yet */
	struct db_stmt *s = db_use(db, SQL_SEEN_AFTER);
	db_bind_int(db, s, 1, INT64_MIN);
	while (rc == RC_OK) {
		rc = db_row(db, s, &row, err);
		if (rc != RC_OK || !row || db_int(s, 0) > least)
			break;
		uint64_t hash = seen_hash(&seen, db_blob(s, 1));
		struct db_stmt *put_old = db_use(db, SQL_SEEN_OLD_PUT);
		db_bind_int(db, put_old, 1, (int64_t)(hash >> 1));
		db_bind_int(db, put_old, 2, db_int(s, 0));
		rc = db_run(db, put_old, err);
	}
	db_reset(s);
	seen_done(&seen);
	return rc;
}

static enum rc settle_seen(struct sqlite_db *file, struct err *err)
{
	struct db *db = &file->base;
	int64_t least = 0;
	char newest[120];
	snprintf(newest, sizeof(newest), "SELECT seq FROM seen ORDER BY seq DESC LIMIT 1 OFFSET %d",
		(int)SEEN_MAX);
	enum rc rc = db_begin(db, err);
	if (rc == RC_OK)
		rc = number(file, "DELETE FROM seen_old", 0, NULL, err);
	if (rc == RC_OK)
		rc = number(file, newest, 0, &least, err);
	if (rc == RC_OK)
		rc = db_meta_put(db, "seen_pass", least, err);
	if (rc == RC_OK)
		rc = db_meta_put(db, "seen_pass_before", least, err);
	if (rc == RC_OK)
		rc = db_meta_put(db, "seen_at", 0, err);
	if (rc == RC_OK)
		rc = index_seen(file, least, err);
	if (rc == RC_OK)
		return db_commit(db, err);
	db_rollback(db);
	return rc;
}

static enum rc settle_numbers(
	struct move_side *side, int64_t position, int64_t last_timer, struct err *err)
{
	struct sqlite_db *inbox = &side->files[MOVE_INBOX], *work = &side->files[MOVE_WORK];
	int64_t last = 0;
	enum rc rc = number(inbox, "SELECT coalesce(max(seq), 0) FROM delivery", 0, &last, err);
	if (rc == RC_OK)
		rc = db_begin(&inbox->base, err);
	if (rc == RC_OK)
		rc = db_meta_put(&inbox->base, "last_seq", last > position ? last : position, err);
	if (rc == RC_OK)
		rc = db_commit(&inbox->base, err);
	if (rc == RC_OK)
		rc = number(work, "DELETE FROM sqlite_sequence WHERE name = 'timer' AND seq < ?1",
			last_timer, NULL, err);
	return rc == RC_OK && last_timer > 0
		       ? number(work,
				 "INSERT INTO sqlite_sequence (name, seq) SELECT 'timer', ?1"
				 " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = "
				 "'timer')",
				 last_timer, NULL, err)
		       : rc;
}

static enum rc settle(struct move_side *side, int64_t position, int64_t last_timer, struct err *err)
{
	enum rc rc = settle_seen(&side->files[MOVE_INBOX], err);
	if (rc == RC_OK)
		rc = settle_seen(&side->files[MOVE_WORK], err);
	if (rc == RC_OK)
		rc = settle_numbers(side, position, last_timer, err);
	return rc == RC_OK ? rest(side, err) : rc;
}

static void close_side(struct move_side *side)
{
	for (int f = 0; f < MOVE_FILES_N; f++) {
		if (side->db[f] != NULL && !side->fills)
			db_end_read(side->db[f]);
		sqlite_db_close(&side->files[f]);
		move_form_done(&side->form[f]);
	}
	unlock(side);
}

const struct move_driver move_sqlite = {
	.open_from = open_from,
	.open_to = open_to,
	.mark = mark,
	.put = put,
	.rest = rest,
	.settle = settle,
	.timer = timer,
	.bind_text = bind_text,
	.close = close_side,
};
