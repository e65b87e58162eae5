/* SPDX-License-Identifier: MIT */
/*
 * One database file: opening, statements, transactions, and what SQLite's errors mean.
 *
 * From: the other files of the backend. To: SQLite. WAL, synchronous=FULL: a commit is on the disk
 * when it returns. Free pages are used again and never given back (auto_vacuum is off: moving pages
 * would cost the writer what deleting did; VACUUM by hand shrinks a file). Does not know the
 * tables, only the few statements that both files share.
 */
#include "queue/sqlite/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/metrics.h"
#include "queue/sql/text.h"
#include "queue/sqlite/sums.h"

enum { BUSY_MS = 5000 };

/* --- errors ----------------------------------------------------------------------------------- */

/* For status, health and metrics; over with the next commit that writes. */
static void note_full(const struct sqlite_db *db, bool full)
{
	enum metric m = db->base.owner->side == QUEUE_RECEIVER ? METRIC_STORE_FULL_RECEIVER
							       : METRIC_STORE_FULL_RUNNER;
	if (db->base.owner->side != QUEUE_READER && metrics_value(m) != full)
		metrics_set(m, full);
}

/* Nothing was written, and what was begun is rolled back. The inbox puts all or nothing and goes on
 * as soon as there is room. The work gathers what several calls have begun, so that its writer
 * cannot go on. */
static enum rc full(struct sqlite_db *db, struct err *err)
{
	note_full(db, true);
	if (db->base.owner->side == QUEUE_RUNNER)
		return queue_break(db->base.owner, err,
			"the disk of %s is full; free space: it starts again by itself",
			db->base.path);
	return err_set(err, RC_FULL, "the disk of %s is full; free space: it goes on by itself",
		db->base.path);
}

static enum rc db_error(struct sqlite_db *db, int sqlite_rc, struct err *err)
{
	int kind = sqlite_rc & 0xff;
	if (kind == SQLITE_NOTADB || kind == SQLITE_CORRUPT || sqlite_rc == SQLITE_IOERR_DATA ||
		sqlite_rc == SQLITE_IOERR_SHORT_READ)
		atomic_store(&db->base.owner->damaged, true);
	if (sqlite_rc == SQLITE_IOERR_DATA)
		return queue_break(db->base.owner, err,
			"%s is damaged (what is read is not what was written); check the disk, "
			"restore a backup, then start again",
			db->base.path);
	switch (kind) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(err, RC_BUSY,
			"%s is locked by another program; close it and try again", db->base.path);
	case SQLITE_NOMEM:
		return err_set(err, RC_NOMEM, "out of memory at %s", db->base.path);
	case SQLITE_TOOBIG:
		return err_set(err, RC_TOO_LARGE, "too large for %s", db->base.path);
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return queue_break(db->base.owner, err,
			"%s is damaged or no store of Moonhook (%s); move it away or restore a "
			"backup, then start again",
			db->base.path, sqlite3_errstr(sqlite_rc));
	case SQLITE_FULL:
		return full(db, err);
	default:
		return queue_break(db->base.owner, err,
			"the store cannot be written: %s: %s (%d); check the disk and start again",
			db->base.path, sqlite3_errstr(sqlite_rc), sqlite_rc);
	}
}

/* --- statements ------------------------------------------------------------------------------- */

static struct sqlite_db *db_of(struct db *db)
{
	return (struct sqlite_db *)db;
}

static struct sqlite_stmt *stmt_of(struct db_stmt *s)
{
	return (struct sqlite_stmt *)s;
}

/* Keeps the first error until the next step. */
static void bound(struct db_stmt *s, int rc)
{
	struct sqlite_db *db = db_of(s->db);
	if (rc != SQLITE_OK && db->bound == SQLITE_OK)
		db->bound = rc;
}

static struct db_stmt *use(struct db *base, int sql)
{
	struct sqlite_db *db = db_of(base);
	struct sqlite_stmt *stmt = &db->stmts[sql];
	stmt->base.db = base;
	if (stmt->s != NULL)
		sqlite3_reset(stmt->s);
	else
		bound(&stmt->base, sqlite3_prepare_v3(db->handle, base->form->sql[sql], -1,
					   SQLITE_PREPARE_PERSISTENT, &stmt->s, NULL));
	return &stmt->base;
}

static void bind_int(struct db_stmt *s, int i, int64_t value)
{
	if (stmt_of(s)->s != NULL)
		bound(s, sqlite3_bind_int64(stmt_of(s)->s, i, value));
}

static void bind_text(struct db_stmt *s, int i, const char *text)
{
	if (stmt_of(s)->s != NULL)
		bound(s, sqlite3_bind_text(stmt_of(s)->s, i, text, -1, SQLITE_STATIC));
}

static void bind_blob(struct db_stmt *s, int i, struct slice bytes)
{
	if (stmt_of(s)->s != NULL)
		bound(s, sqlite3_bind_blob64(stmt_of(s)->s, i, bytes.p != NULL ? bytes.p : "",
				 bytes.n, SQLITE_STATIC));
}

static int step(struct db_stmt *s)
{
	struct sqlite_db *db = db_of(s->db);
	int rc = db->bound;
	db->bound = SQLITE_OK;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt_of(s)->s);
	if (rc != SQLITE_ROW)
		sqlite3_reset(stmt_of(s)->s);
	return rc;
}

static enum rc run(struct db_stmt *s, struct err *err)
{
	int rc = step(s);
	if (rc == SQLITE_DONE)
		return RC_OK;
	if (rc == SQLITE_ROW) {
		sqlite3_reset(stmt_of(s)->s);
		return RC_OK;
	}
	return db_error(db_of(s->db), rc, err);
}

static enum rc row(struct db_stmt *s, bool *ret_row, struct err *err)
{
	int rc = step(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_error(db_of(s->db), rc, err);
	*ret_row = rc == SQLITE_ROW;
	return RC_OK;
}

static void reset(struct db_stmt *s)
{
	sqlite3_reset(stmt_of(s)->s);
}

static int64_t get_int(struct db_stmt *s, int column)
{
	return sqlite3_column_int64(stmt_of(s)->s, column);
}

static bool is_null(struct db_stmt *s, int column)
{
	return sqlite3_column_type(stmt_of(s)->s, column) == SQLITE_NULL;
}

static const char *get_text(struct db_stmt *s, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt_of(s)->s, column);
	return text != NULL ? (const char *)text : "";
}

static struct slice get_blob(struct db_stmt *s, int column)
{
	const char *p = sqlite3_column_blob(stmt_of(s)->s, column);
	return (struct slice){
		p, p != NULL ? (size_t)sqlite3_column_bytes(stmt_of(s)->s, column) : 0};
}

static enum rc changed(struct db *db, int64_t *ret_n, struct err *err)
{
	(void)err;
	*ret_n = sqlite3_changes(db_of(db)->handle);
	return RC_OK;
}

static enum rc size(struct db *db, int64_t *ret_bytes, struct err *err)
{
	return db_number(db, db_use(db, SQL_SIZE), ret_bytes, err);
}

/* --- transactions ----------------------------------------------------------------------------- */

static enum rc begin(struct db *base, struct err *err)
{
	struct sqlite_db *db = db_of(base);
	db->holds_restart = atomic_load(&db->backfilled) && pthread_mutex_lock(&db->restart) == 0;
	enum rc rc = db_run(base, db_use(base, SQL_BEGIN), err);
	db->base.writing = rc == RC_OK;
	if (rc != RC_OK && db->holds_restart) {
		db->holds_restart = false;
		pthread_mutex_unlock(&db->restart);
	}
	return rc;
}

static void ended(struct sqlite_db *db)
{
	db->base.writing = false;
	if (db->holds_restart) {
		db->holds_restart = false;
		pthread_mutex_unlock(&db->restart);
	}
}

/* The checkpointing thread cannot catch up with a writer that never rests: the writer itself moves
 * the short rest, so that its next transaction starts the WAL anew. */
static enum rc finish_wal(struct sqlite_db *db, struct err *err)
{
	if (!atomic_load(&db->overlong) || pthread_mutex_trylock(&db->restart) != 0)
		return RC_OK;
	int all = 0, moved = -1;
	int rc = sqlite3_wal_checkpoint_v2(
		db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &all, &moved);
	atomic_store(&db->overlong, false);
	if (rc == SQLITE_OK && all == moved)
		atomic_store(&db->backfilled, true);
	pthread_mutex_unlock(&db->restart);
	/* What was to be committed is: the next one may find the memory or the room that this one
	 * lacked. */
	if (rc == SQLITE_OK || rc == SQLITE_BUSY || (rc & 0xff) == SQLITE_NOMEM ||
		(rc & 0xff) == SQLITE_FULL)
		return RC_OK;
	return db_error(db, rc, err);
}

static enum rc commit(struct db *base, struct err *err)
{
	struct sqlite_db *db = db_of(base);
	enum rc rc = db_run(base, db_use(base, SQL_COMMIT), err);
	if (rc != RC_OK) {
		db_rollback(base);
		return rc;
	}
	atomic_store(&db->backfilled, false);
	if (sqlite3_total_changes64(db->handle) > 0)
		note_full(db, false);
	ended(db);
	return finish_wal(db, err);
}

static void rollback(struct db *base)
{
	struct sqlite_db *db = db_of(base);
	/* An error inside may have rolled back already; then this one says so, which is fine. */
	struct err ignored;
	if (!sqlite3_get_autocommit(db->handle) &&
		db_run(base, db_use(base, SQL_ROLLBACK), &ignored) != RC_OK)
		sqlite3_reset(db->stmts[SQL_ROLLBACK].s);
	if (!sqlite3_get_autocommit(db->handle))
		(void)queue_break(db->base.owner, &ignored,
			"what %s was told to forget cannot be forgotten; start again",
			db->base.path);
	ended(db);
}

/* --- checkpoint ------------------------------------------------------------------------------- */

enum { WAL_LONG_PAGES = 4096 }; /* 32 MB: past it the writer is asked to finish the WAL */

static int open_checkpointer(struct sqlite_db *db)
{
	if (db->checkpointer != NULL)
		return SQLITE_OK;
	int rc = sqlite3_open_v2(db->base.path, &db->checkpointer,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(
			db->checkpointer, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->checkpointer, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	return rc;
}

static int checkpoint_once(struct sqlite_db *db, int *ret_all, int *ret_moved)
{
	int rc = sqlite3_wal_checkpoint_v2(
		db->checkpointer, NULL, SQLITE_CHECKPOINT_PASSIVE, ret_all, ret_moved);
	return rc == SQLITE_BUSY ? SQLITE_OK : rc;
}

static enum rc begin_read(struct db *db, struct err *err)
{
	return db_run(db, db_use(db, SQL_BEGIN_READ), err);
}

static void end_read(struct db *db)
{
	struct err ignored;
	if (db_run(db, db_use(db, SQL_COMMIT), &ignored) != RC_OK)
		sqlite3_reset(db_of(db)->stmts[SQL_COMMIT].s);
}

enum rc sqlite_checkpoint(struct sqlite_db *db, struct err *err)
{
	if (atomic_load(&db->backfilled) || pthread_mutex_trylock(&db->restart) != 0)
		return RC_OK;
	int all = 0, moved = -1;
	int rc = open_checkpointer(db);
	/* A connection that has read nothing yet does not know the file is in WAL mode. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->checkpointer, "PRAGMA user_version", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = checkpoint_once(db, &all, &moved);
	if (rc == SQLITE_OK && all > WAL_LONG_PAGES && all > moved) {
		rc = checkpoint_once(db, &all, &moved);
		atomic_store(&db->overlong, true);
	}
	if (rc == SQLITE_OK && all == moved)
		atomic_store(&db->backfilled, true);
	pthread_mutex_unlock(&db->restart);
	/* What is in the log is safe there. */
	if ((rc & 0xff) == SQLITE_FULL)
		return err_set(err, RC_FULL, "the disk of %s is full; free space", db->base.path);
	return rc == SQLITE_OK ? RC_OK : db_error(db, rc, err);
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum rc query_int(struct sqlite_db *db, const char *sql, int64_t *ret_value, struct err *err)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? RC_OK : db_error(db, rc, err);
}

static enum rc script(struct sqlite_db *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? RC_OK : db_error(db, rc, err);
}

/* Is it ours, and of which version? 0: empty, so far. */
static enum rc find_version(struct sqlite_db *db, int64_t *ret_version, struct err *err)
{
	int64_t id = 0, tables = 0, version = 0;
	/* The tables first: its writer may be making them now, in one step with the id. */
	enum rc rc = query_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
	if (rc == RC_OK)
		rc = query_int(db, "PRAGMA application_id", &id, err);
	if (rc == RC_OK)
		rc = query_int(db, "PRAGMA user_version", &version, err);
	if (rc != RC_OK)
		return rc;
	if (id != db->base.form->application_id && (id != 0 || tables != 0))
		return err_set(err, RC_INVALID,
			"%s belongs to another program; choose another folder for the store",
			db->base.path);
	if (version > db->base.form->version)
		return err_set(err, RC_UNSUPPORTED,
			"%s was written by a newer Moonhook (schema %lld, this one knows %d); "
			"start that one, or restore a backup",
			db->base.path, (long long)version, db->base.form->version);
	*ret_version = version;
	return RC_OK;
}

/* In one step, so that no reader sees a version in between. */
static enum rc migrate(struct sqlite_db *db, int64_t version, struct err *err)
{
	if (version == db->base.form->version)
		return RC_OK;
	char *mark = sqlite3_mprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;",
		db->base.form->application_id, db->base.form->version);
	if (mark == NULL)
		return err_set(err, RC_NOMEM, "out of memory at %s", db->base.path);
	enum rc rc = script(db, "BEGIN IMMEDIATE", err);
	for (; rc == RC_OK && version < db->base.form->version; version++)
		rc = script(db, db->base.form->migrations[version], err);
	if (rc == RC_OK)
		rc = script(db, mark, err);
	if (rc == RC_OK)
		rc = script(db, "COMMIT", err);
	sqlite3_free(mark);
	return rc;
}

static enum rc prepare_writer(struct sqlite_db *db, struct err *err)
{
	int64_t version = 0;
	enum rc rc = find_version(db, &version, err);
	/* Sums and page_size count only before the first page; 8 kB holds five bodies of 1.4 kB. */
	if (rc == RC_OK && version == 0 && sums_reserve(db->handle) != SQLITE_OK)
		rc = err_set(err, RC_NOMEM, "no memory for the sums of %s", db->base.path);
	if (rc == RC_OK)
		rc = script(db, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;", err);
	if (rc == RC_OK)
		rc = script(db,
			"PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
			"PRAGMA cache_size = -4096;"
			"PRAGMA secure_delete = FAST; PRAGMA temp_store = MEMORY;"
			"PRAGMA trusted_schema = OFF;",
			err);
	return rc == RC_OK ? migrate(db, version, err) : rc;
}

static enum rc prepare_reader(struct sqlite_db *db, struct err *err)
{
	int64_t version = 0;
	enum rc rc = find_version(db, &version, err);
	if (rc != RC_OK)
		return rc;
	if (version == 0)
		return err_set(err, RC_NOT_FOUND, "%s is empty so far", db->base.path);
	/* To the other side's writer it is not there yet: that one is about to bring it up to date.
	 */
	if (version < db->base.form->version && db->base.owner->side != QUEUE_READER)
		return err_set(
			err, RC_NOT_FOUND, "%s is of an older Moonhook so far", db->base.path);
	if (version < db->base.form->version)
		return err_set(err, RC_UNSUPPORTED,
			"%s is of an older Moonhook (schema %lld); start moonhook serve once, "
			"which brings it up to date",
			db->base.path, (long long)version);
	return script(db,
		"PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;"
		"PRAGMA trusted_schema = OFF;",
		err);
}

enum rc sqlite_open_rc(int error)
{
	switch (error) {
	case ENOSPC:
	case EIO:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EINTR:
		return RC_IO;
	default:
		return RC_DENIED;
	}
}

/* SQLite would make the file for everybody to read. */
static enum rc touch(const char *path, enum db_mode mode, struct err *err)
{
	if (mode == DB_READ)
		return access(path, F_OK) == 0
			       ? RC_OK
			       : err_set_errno(err, RC_NOT_FOUND, errno, "cannot find %s", path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set_errno(err, sqlite_open_rc(errno), errno,
			"cannot write %s; make it writable for this user", path);
	close(fd);
	return RC_OK;
}

static enum rc connect(struct sqlite_db *db, enum db_mode mode, struct err *err)
{
	int rc = sums_start();
	if (rc != SQLITE_OK)
		return err_set(err, RC_NOMEM, "no memory for the sums of the store");
	rc = sqlite3_open_v2(db->base.path, &db->handle,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	int error = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;
	if ((rc & 0xff) == SQLITE_CANTOPEN && sqlite_open_rc(error) == RC_IO)
		return err_set_errno(err, RC_IO, error, "cannot open %s", db->base.path);
	if ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_PERM)
		return err_set(err, RC_DENIED, "cannot open %s: run this as the user of the daemon",
			db->base.path);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(db->handle, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	if (rc == SQLITE_OK && mode == DB_READ)
		rc = sqlite3_db_config(
			db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	return rc == SQLITE_OK ? RC_OK : db_error(db, rc, err);
}

static const struct db_driver driver = {
	.any = true,
	.use = use,
	.walk = use, /* rows come one by one */
	.bind_int = bind_int,
	.bind_text = bind_text,
	.bind_blob = bind_blob,
	.run = run,
	.row = row,
	.reset = reset,
	.get_int = get_int,
	.is_null = is_null,
	.get_text = get_text,
	.get_blob = get_blob,
	.changed = changed,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.begin_read = begin_read,
	.end_read = end_read,
	.size = size,
};

enum rc sqlite_db_open(struct sqlite_db *db, struct queue *owner, const char *folder,
	const struct db_form *form, enum db_mode mode, struct err *err)
{
	*db = (struct sqlite_db){.base = {.driver = &driver, .owner = owner, .form = form}};
	pthread_mutex_init(&db->restart, NULL);
	size_t n = strlen(folder) + strlen(form->name) + 2;
	db->base.path = malloc(n);
	db->stmts = calloc((size_t)form->sql_n, sizeof(*db->stmts));
	enum rc rc = RC_OK;
	if (db->base.path == NULL || db->stmts == NULL)
		rc = err_set(err, RC_NOMEM, "out of memory");
	else
		snprintf(db->base.path, n, "%s/%s", folder, form->name);
	if (rc == RC_OK)
		rc = touch(db->base.path, mode, err);
	if (rc == RC_OK && mode == DB_WRITE) {
		note_full(db, false); /* so far as we know */
		rc = sqlite_resync(db->base.path, err);
	}
	if (rc == RC_OK)
		rc = connect(db, mode, err);
	if (rc == RC_OK)
		rc = mode == DB_WRITE ? prepare_writer(db, err) : prepare_reader(db, err);
	if (rc != RC_OK)
		sqlite_db_close(db);
	return rc;
}

void sqlite_db_close(struct sqlite_db *db)
{
	if (db->base.form == NULL)
		return;
	if (db->handle != NULL)
		db_rollback(&db->base);
	for (int i = 0; db->stmts != NULL && i < db->base.form->sql_n; i++)
		sqlite3_finalize(db->stmts[i].s);
	sqlite3_close(db->checkpointer);
	sqlite3_close(db->handle);
	pthread_mutex_destroy(&db->restart);
	free(db->stmts);
	free(db->base.path);
	*db = (struct sqlite_db){0};
}
