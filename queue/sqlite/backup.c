/* SPDX-License-Identifier: MIT */
/*
 * A copy of both files of the store, taken while both have their writers.
 *
 * From: queue_backup. To: a folder beside the wanted one, which gets its name when all of it is on
 * the disk and has been checked.
 *
 * Which of the two files is looked at first decides whether the copy is of any use. The work knows
 * how far the inbox has been routed (its position), so the inbox has to be the later look:
 *
 *   work first  a delivery that comes between the looks is in the inbox alone, beyond the position:
 *               the daemon that starts from the copy routes it. Nothing is missing.
 *   inbox first a delivery that came and was routed between the looks would be an event without
 *               its body: acknowledged, and lost.
 *
 * Both looks are read transactions that are begun one behind the other before the first byte is
 * copied (store_read_begin), so that pruning cannot come between them but for one case without
 * harm: a delivery past its retention whose last run ended in that instant; that run, started once
 * more from the copy, finds no body. Writers go on meanwhile; only the WAL grows.
 *
 * Fails without leaving anything behind. The copy is as the store was; what Twenty was told after
 * that is not in it.
 */
#include "queue/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/sqlite/sqlite.h"

#define PATH_N 4096

static enum rc failed(struct err *err, int sqlite_rc, const char *path)
{
	return err_set(err, (sqlite_rc & 0xff) == SQLITE_FULL ? RC_IO : RC_INVALID,
		"the copy %s cannot be made: %s", path, sqlite3_errstr(sqlite_rc));
}

/* --- one file --------------------------------------------------------------------------------- */

static int copy_pages(sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	if (backup == NULL)
		return sqlite3_errcode(to);
	(void)sqlite3_backup_step(backup, -1);
	return sqlite3_backup_finish(backup);
}

static int take_answer(void *ctx, int n, char **values, char **names)
{
	(void)names;
	*(bool *)ctx = n == 1 && values[0] != NULL && strcmp(values[0], "ok") == 0;
	return 0;
}

static enum rc check(sqlite3 *copy, const char *path, struct err *err)
{
	bool ok = false;
	int rc = sqlite3_exec(copy, "PRAGMA quick_check(1)", take_answer, &ok, NULL);
	if (rc != SQLITE_OK || !ok)
		return err_set(err, RC_INVALID,
			"the copy %s is damaged, and so is the store: look at the disk", path);
	return RC_OK;
}

static enum rc sync_path(const char *path, int flags, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	int rc = fd >= 0 ? fsync(fd) : -1, error = errno;
	if (fd >= 0)
		close(fd);
	return rc == 0 ? RC_OK
		       : err_set_errno(err, RC_IO, error, "%s cannot be made durable", path);
}

static enum rc fill(sqlite3 *from, const char *path, struct err *err)
{
	sqlite3 *to = NULL;
	int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = copy_pages(from, to);
	enum rc checked = rc == SQLITE_OK ? check(to, path, err) : failed(err, rc, path);
	rc = sqlite3_close(to);
	if (checked == RC_OK && rc != SQLITE_OK)
		return failed(err, rc, path);
	return checked;
}

/* Copies one file; *ret_bytes: its size. */
static enum rc copy_file(
	const struct sqlite_db *db, const char *folder, int64_t *ret_bytes, struct err *err)
{
	char path[PATH_N];
	struct stat st;
	if (snprintf(path, sizeof(path), "%s/%s", folder, db->base.form->name) >= (int)sizeof(path))
		return err_set(err, RC_INVALID, "the name of the folder is too long");
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, RC_DENIED, errno, "cannot write %s", path);
	close(fd);
	enum rc rc = fill(db->handle, path, err);
	if (rc == RC_OK)
		rc = sync_path(path, 0, err);
	if (rc == RC_OK && stat(path, &st) == 0)
		*ret_bytes = (int64_t)st.st_size;
	return rc;
}

/* --- the folder ------------------------------------------------------------------------------- */

static void remove_folder(const char *folder)
{
	static const char *const names[] = {"inbox.db", "inbox.db-wal", "inbox.db-shm",
		"inbox.db-journal", "work.db", "work.db-wal", "work.db-shm", "work.db-journal"};
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		char path[PATH_N + 32];
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(folder);
}

static enum rc sync_parent(const char *folder, struct err *err)
{
	char parent[PATH_N];
	snprintf(parent, sizeof(parent), "%s", folder);
	char *slash = strrchr(parent, '/');
	if (slash == NULL)
		snprintf(parent, sizeof(parent), ".");
	else
		slash[slash == parent ? 1 : 0] = '\0';
	return sync_path(parent, O_DIRECTORY, err);
}

/* Gives the finished folder its name. */
static enum rc publish(const char *part, const char *folder, struct err *err)
{
	enum rc rc = sync_path(part, O_DIRECTORY, err);
	if (rc != RC_OK)
		return rc;
	if (renameat2(AT_FDCWD, part, AT_FDCWD, folder, RENAME_NOREPLACE) != 0)
		return err_set_errno(err, errno == EEXIST ? RC_DUPLICATE : RC_IO, errno,
			"the copy cannot be named %s", folder);
	return sync_parent(folder, err);
}

static enum rc count(struct store *store, struct queue_backup *backup, struct err *err)
{
	struct queue_counts counts;
	enum rc rc = store_count(&store->base, &counts, err);
	for (int i = 0; rc == RC_OK && i < QUEUE_STATE_N; i++) {
		backup->events += counts.events[i];
		backup->runs += counts.runs[i];
	}
	return rc;
}

static enum rc copy_all(
	struct store *store, const char *part, struct queue_backup *backup, struct err *err)
{
	const struct sqlite_store *files = sqlite_store_of(&store->base);
	enum rc rc = store_read_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = count(store, backup, err); /* the first look at both, in this order */
	if (rc == RC_OK && store->has_work)
		rc = copy_file(&files->work, part, &backup->work_bytes, err);
	if (rc == RC_OK && store->has_inbox)
		rc = copy_file(&files->inbox, part, &backup->inbox_bytes, err);
	store_read_end(store);
	return rc;
}

enum rc sqlite_backup(
	struct queue *q, const char *folder, struct queue_backup *ret_backup, struct err *err)
{
	struct store *store = store_of(q);
	struct queue_backup backup = {0};
	char part[PATH_N];
	size_t n = strlen(folder);
	while (n > 1 && folder[n - 1] == '/')
		n--;
	if (n + 32 > sizeof(part))
		return err_set(err, RC_INVALID, "the name of the folder is too long");
	if (access(folder, F_OK) == 0)
		return err_set(err, RC_DUPLICATE,
			"%s is there already; a backup goes into a new folder", folder);
	snprintf(part, sizeof(part), "%.*s.part-%ld", (int)n, folder, (long)getpid());
	if (mkdir(part, 0700) != 0)
		return err_set_errno(err, RC_DENIED, errno, "cannot make the folder %s", part);
	enum rc rc = copy_all(store, part, &backup, err);
	if (rc == RC_OK) {
		char name[PATH_N];
		snprintf(name, sizeof(name), "%.*s", (int)n, folder);
		rc = publish(part, name, err);
	}
	if (rc == RC_OK)
		*ret_backup = backup;
	else
		remove_folder(part);
	return rc;
}
