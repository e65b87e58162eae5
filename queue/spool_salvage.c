/* SPDX-License-Identifier: MIT */
/*
 * Takes what is readable of a damaged spool into a fresh one, and sets the damaged one aside.
 *
 * From: spool.c, which has closed it. To: spool-new.db, filled in one transaction; only then is the
 * damaged file renamed, with its log, and the fresh one takes its name. A crash or a full disk
 * before that changes nothing; one between the renames is ended by the next open. A row whose page
 * cannot be read is passed over: the next place is tried, and the next, and where many fail in a
 * row, in growing steps. Deletes nothing but its own unfinished file.
 */
#include "queue/spool_salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "queue/sqlite/sqlite.h"

#define NEW_NAME "spool-new.db"
#define ROW_SQL                                                                                    \
	"SELECT seq, id, source, received_ms, quarantine, headers, body, key FROM spooled"         \
	" WHERE seq >= ?1 ORDER BY seq LIMIT 1"
/* The index has places, too, on other pages. */
#define ENDS_SQL                                                                                   \
	"SELECT min(seq), max(seq) FROM spooled INDEXED BY spooled_key WHERE key IS NOT NULL"

enum { EACH = 1 << 14 }; /* places that are tried one by one */
#define FARTHEST ((int64_t)1 << 40)

struct old {
	sqlite3 *handle;
	sqlite3_stmt *row;
	int64_t first, end; /* places of what was readable: from, and behind it; 0: none */
	bool open_end;      /* behind it something was not */
};

/* --- files ------------------------------------------------------------------------------------ */

static void join(char ret[static 4096], const char *folder, const char *name)
{
	snprintf(ret, 4096, "%s/%s", folder, name);
}

static int64_t bytes_of(const char *folder, const char *name)
{
	char path[4096];
	struct stat st;
	join(path, folder, name);
	return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

bool spool_salvage_hollow(const char *folder)
{
	return bytes_of(folder, "spool.db") == 0 && bytes_of(folder, "spool.db-wal") > 0;
}

static void remove_new(const char *folder)
{
	static const char *const names[] = {NEW_NAME, NEW_NAME "-wal", NEW_NAME "-shm"};
	char path[4096];
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		join(path, folder, names[i]);
		(void)unlink(path);
	}
}

/* "spool.db.damaged-20260102T030405Z", or -1, -2, .. where that is taken. */
static void name_aside(const char *folder, char ret[static 64])
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(ret, 64, "spool.db.damaged-%s", stamp);
	for (int i = 1; i < 1000 && bytes_of(folder, ret) >= 0; i++)
		snprintf(ret, 64, "spool.db.damaged-%s-%d", stamp, i);
}

static enum rc move(const char *folder, const char *from, const char *to, struct err *err)
{
	char old[4096], new[4096];
	join(old, folder, from);
	join(new, folder, to);
	if (rename(old, new) == 0 || errno == ENOENT)
		return RC_OK;
	return err_set_errno(err, errno == ENOSPC ? RC_FULL : RC_DENIED, errno,
		"cannot rename %s to %s", old, new);
}

static enum rc sync_folder(const char *folder, struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 || fsync(fd) != 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return error == 0 ? RC_OK
			  : err_set_errno(err, RC_IO, error, "cannot sync the folder %s", folder);
}

/* The database first: while it is there, the log belongs to it. */
static enum rc exchange(const char *folder, const char *aside, struct err *err)
{
	char log[80], shared[4096];
	snprintf(log, sizeof(log), "%s-wal", aside);
	enum rc rc = move(folder, "spool.db", aside, err);
	if (rc == RC_OK)
		rc = move(folder, "spool.db-wal", log, err);
	if (rc != RC_OK)
		return rc;
	join(shared, folder, "spool.db-shm"); /* an index of the log, made anew at will */
	(void)unlink(shared);
	rc = sync_folder(folder, err);
	if (rc == RC_OK)
		rc = move(folder, NEW_NAME, "spool.db", err);
	return rc == RC_OK ? sync_folder(folder, err) : rc;
}

enum rc spool_salvage_end(const char *folder, struct err *err)
{
	char aside[64];
	if (bytes_of(folder, NEW_NAME) < 0 || bytes_of(folder, "spool.db") >= 0)
		return RC_OK;
	name_aside(folder, aside);
	return exchange(folder, aside, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* False: nothing at all can be read. What is closed stays as it is, its log too. */
static bool open_old(const char *folder, struct old *o)
{
	char path[4096];
	join(path, folder, "spool.db");
	if (bytes_of(folder, "spool.db") <= 0)
		return false;
	/* writable_schema: a file that is shorter than it says is read as far as it goes. */
	return sqlite3_open_v2(path, &o->handle,
		       SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
		       NULL) == SQLITE_OK &&
	       sqlite3_db_config(o->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL) ==
		       SQLITE_OK &&
	       sqlite3_exec(o->handle,
		       "PRAGMA writable_schema = ON; PRAGMA wal_autocheckpoint = 0;"
		       "PRAGMA trusted_schema = OFF; PRAGMA query_only = ON;",
		       NULL, NULL, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(o->handle, ROW_SQL, -1, &o->row, NULL) == SQLITE_OK;
}

static int row_at(struct old *o, int64_t place)
{
	sqlite3_reset(o->row);
	sqlite3_bind_int64(o->row, 1, place);
	return sqlite3_step(o->row);
}

static bool readable(struct old *o, int64_t place)
{
	int rc = row_at(o, place);
	return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

/* The first readable place behind one that is not; 0: none. */
static int64_t pass_over(struct old *o, int64_t place)
{
	int64_t bad = place + EACH, step = EACH;
	for (int64_t at = place + 1; at <= bad; at++)
		if (readable(o, at))
			return at;
	while (!readable(o, bad + step)) {
		bad += step;
		step *= 2;
		if (step > FARTHEST)
			return 0;
	}
	for (int64_t good = bad + step; step > 1; step = good - bad) {
		int64_t middle = bad + (good - bad) / 2;
		if (readable(o, middle))
			good = middle;
		else
			bad = middle;
	}
	return bad + 1;
}

static struct slice blob_of(sqlite3_stmt *row, int column)
{
	const char *p = sqlite3_column_blob(row, column);
	return (struct slice){p, p != NULL ? (size_t)sqlite3_column_bytes(row, column) : 0};
}

static enum rc take_row(struct old *o, struct db *to, int take_sql, struct err *err)
{
	struct db_stmt *stmt = db_use(to, take_sql);
	db_bind_int(to, stmt, 1, sqlite3_column_int64(o->row, 0));
	db_bind_text(to, stmt, 2, (const char *)sqlite3_column_text(o->row, 1));
	db_bind_text(to, stmt, 3, (const char *)sqlite3_column_text(o->row, 2));
	db_bind_int(to, stmt, 4, sqlite3_column_int64(o->row, 3));
	db_bind_text(to, stmt, 5, (const char *)sqlite3_column_text(o->row, 4));
	db_bind_blob(to, stmt, 6, blob_of(o->row, 5));
	db_bind_blob(to, stmt, 7, blob_of(o->row, 6));
	if (sqlite3_column_type(o->row, 7) == SQLITE_NULL)
		db_bind_text(to, stmt, 8, NULL);
	else
		db_bind_blob(to, stmt, 8, blob_of(o->row, 7));
	return db_run(to, stmt, err);
}

static enum rc take_rows(
	struct old *o, struct db *to, int take_sql, struct spool_salvage *ret, struct err *err)
{
	for (int64_t place = 1;;) {
		int rc = row_at(o, place);
		if (rc == SQLITE_DONE)
			return RC_OK;
		if ((rc & 0xff) == SQLITE_NOMEM)
			return err_set(err, RC_NOMEM, "out of memory for a delivery");
		if (rc != SQLITE_ROW) {
			o->open_end = true;
			place = pass_over(o, place);
			if (place == 0)
				return RC_OK;
			continue;
		}
		int64_t seq = sqlite3_column_int64(o->row, 0);
		int64_t n = 0;
		if (seq < place || seq > FARTHEST) { /* order is gone */
			o->open_end = true;
			return RC_OK;
		}
		enum rc taken = take_row(o, to, take_sql, err);
		if (taken == RC_OK)
			taken = db_changed(to, &n, err);
		if (taken != RC_OK)
			return taken;
		if (o->first == 0) {
			o->first = seq;
			ret->uncounted = o->open_end;
		} else {
			ret->lost += seq - o->end;
		}
		ret->taken += n;
		ret->lost += 1 - n;
		o->open_end = false;
		o->end = seq + 1;
		place = seq + 1;
	}
}

/* How many are missing before the first and behind the last that was readable. */
static void count_ends(struct old *o, struct spool_salvage *ret)
{
	sqlite3_stmt *ends = NULL;
	int64_t first = 0, last = 0;
	if (o->handle != NULL &&
		sqlite3_prepare_v2(o->handle, ENDS_SQL, -1, &ends, NULL) == SQLITE_OK &&
		sqlite3_step(ends) == SQLITE_ROW) {
		first = sqlite3_column_int64(ends, 0);
		last = sqlite3_column_int64(ends, 1);
	}
	sqlite3_finalize(ends);
	ret->uncounted = ret->uncounted || o->open_end || o->first == 0;
	if (o->first == 0 && last > 0)
		ret->lost += last - first + 1;
	if (o->first > 0 && first > 0 && first < o->first)
		ret->lost += o->first - first;
	if (o->first > 0 && last >= o->end)
		ret->lost += last - o->end + 1;
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum rc fill(
	struct old *o, struct db *to, int take_sql, struct spool_salvage *ret, struct err *err)
{
	enum rc rc = db_begin(to, err);
	if (rc == RC_OK)
		rc = take_rows(o, to, take_sql, ret, err);
	if (rc == RC_OK)
		rc = db_commit(to, err);
	if (rc != RC_OK)
		db_rollback(to);
	return rc;
}

enum rc spool_salvage(const char *folder, const struct db_form *form, int take_sql,
	struct spool_salvage *ret, struct err *err)
{
	struct db_form fresh = *form;
	struct queue owner = {.side = QUEUE_RECEIVER};
	struct sqlite_db to = {0};
	struct old o = {0};
	char aside[64];
	*ret = (struct spool_salvage){0};
	fresh.name = NEW_NAME;
	remove_new(folder);
	bool opened = open_old(folder, &o);
	enum rc rc = sqlite_db_open(&to, &owner, folder, &fresh, DB_WRITE, err);
	if (rc == RC_OK && opened)
		rc = fill(&o, &to.base, take_sql, ret, err);
	if (rc == RC_OK)
		count_ends(&o, ret);
	if (rc == RC_OK)
		rc = sqlite_checkpoint(&to, err);
	sqlite3_finalize(o.row);
	sqlite3_close(o.handle);
	sqlite_db_close(&to);
	if (rc == RC_OK && bytes_of(folder, NEW_NAME "-wal") > 0)
		rc = err_set(err, RC_FULL, "%s/" NEW_NAME " cannot be finished", folder);
	if (rc == RC_OK) {
		name_aside(folder, aside);
		rc = exchange(folder, aside, err);
		join(ret->moved, folder, aside);
	}
	if (rc != RC_OK && bytes_of(folder, "spool.db") >= 0)
		remove_new(folder);
	return rc;
}
