/* SPDX-License-Identifier: MIT */
/*
 * Looks at the folder of a store from outside.
 * From: `moonhook doctor`. To: the file system, /proc/locks, the files as any reader opens them. A
 * store that a daemon works on is not held up: no lock is taken, the check reads.
 */
#include "queue/health.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/sqlite/sqlite.h"

#define SYNC_N 11
#define SYNC_MAX_US 2000000 /* for all of them */
#define PAGE_N 8192
#define SMALL_BYTES (64 << 20) /* looked through without being asked to */
#define LISTS_N 10
#define QUICK_MS 5000
#define STEPS_N 100000 /* of SQLite's machine, between looks at the clock */

/* ---- the disk ---- */

/* linux/magic.h and the file systems' own sources. */
static const struct {
	uint32_t magic;
	enum queue_disk disk;
	const char *name;
} disks[] = {{0x01021994, QUEUE_DISK_MEMORY, "tmpfs"}, {0x858458f6, QUEUE_DISK_MEMORY, "ramfs"},
	{0x6969, QUEUE_DISK_NETWORK, "nfs"}, {0x517b, QUEUE_DISK_NETWORK, "smb"},
	{0xff534d42, QUEUE_DISK_NETWORK, "cifs"}, {0xfe534d42, QUEUE_DISK_NETWORK, "smb2"},
	{0x65735546, QUEUE_DISK_NETWORK, "fuse"}, {0x01021997, QUEUE_DISK_NETWORK, "9p"},
	{0x00c36400, QUEUE_DISK_NETWORK, "ceph"}, {0x0bd00bd0, QUEUE_DISK_NETWORK, "lustre"},
	{0x47504653, QUEUE_DISK_NETWORK, "gpfs"}, {0x5346414f, QUEUE_DISK_NETWORK, "afs"}};

enum queue_disk queue_disk_of(uint32_t magic, const char **ret_name)
{
	*ret_name = "";
	for (size_t i = 0; i < ARRAY_N(disks); i++) {
		if (disks[i].magic != magic)
			continue;
		*ret_name = disks[i].name;
		return disks[i].disk;
	}
	return QUEUE_DISK_LOCAL;
}

static enum rc look_at_disk(const char *folder, struct queue_health *h, struct err *err)
{
	struct statfs fs;
	if (statfs(folder, &fs) != 0)
		return err_set_errno(
			err, RC_DENIED, errno, "cannot look at the disk of %.150s", folder);
	h->disk = queue_disk_of((uint32_t)fs.f_type, &h->disk_name);
	h->free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_bsize;
	return RC_OK;
}

static int compare_us(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* A file without a name, so that nothing is left behind however this ends. */
static int open_scratch(const char *folder)
{
	char path[4096];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	int n = snprintf(path, sizeof(path), "%s/.scratch-XXXXXX", folder);
	if (n < 0 || n >= (int)sizeof(path))
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

static void time_sync(const char *folder, struct queue_health *h)
{
	static const char page[PAGE_N] = {1};
	int64_t took_us[SYNC_N], start_us = clock_mono_us();
	size_t n = 0;
	bool ok = true;
	int fd = open_scratch(folder);
	h->sync_us = -1;
	while (fd >= 0 && ok && n < SYNC_N && clock_mono_us() - start_us < SYNC_MAX_US) {
		int64_t from_us = clock_mono_us();
		ok = pwrite(fd, page, sizeof(page), (off_t)(n * PAGE_N)) == PAGE_N &&
		     fdatasync(fd) == 0;
		took_us[n] = clock_mono_us() - from_us;
		n += ok;
	}
	if (fd < 0 || !ok)
		snprintf(h->sync_problem, sizeof(h->sync_problem), "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	if (!ok || n == 0)
		return;
	qsort(took_us, n, sizeof(*took_us), compare_us);
	h->sync_us = took_us[n / 2];
}

/* ---- who works on it ---- */

static bool is_listed(const char *wanted)
{
	char line[256];
	bool found = false;
	FILE *f = fopen("/proc/locks", "re");
	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, " FLOCK ") != NULL && strstr(line, wanted) != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

/* Does the kernel's list of locks name this file? To try the lock would be to take it. A long list
 * comes in pieces, and what changes in between can hide an entry: it is read a few times. */
static bool is_locked(ino_t inode)
{
	char wanted[32];
	bool found = false;
	snprintf(wanted, sizeof(wanted), ":%llu ", (unsigned long long)inode);
	for (int i = 0; i < LISTS_N && !found; i++)
		found = is_listed(wanted);
	return found;
}

static int holder_of(const char *folder, const char *name)
{
	char path[4096], text[24] = "";
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd =
		n > 0 && n < (int)sizeof(path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (fd < 0)
		return 0;
	bool held = fstat(fd, &st) == 0 && is_locked(st.st_ino) &&
		    pread(fd, text, sizeof(text) - 1, 0) > 0;
	close(fd);
	return held ? (int)strtol(text, NULL, 10) : 0;
}

/* ---- its files ---- */

static int64_t size_of(const char *folder, const char *name)
{
	char path[4096];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
	return n > 0 && n < (int)sizeof(path) && stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

struct patience {
	int64_t until_ms; /* mono; 0: any */
};

static int out_of_patience(void *ctx)
{
	const struct patience *p = ctx;
	return p->until_ms != 0 && clock_mono_ms() > p->until_ms;
}

/* The first text that a statement answers; "" for none. */
static int ask_text(sqlite3 *handle, const char *sql, char *out, size_t out_n)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(handle, sql, -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		snprintf(out, out_n, "%s", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return rc;
}

static void look_through(
	const struct sqlite_db *db, struct patience *patience, struct queue_health *h)
{
	char said[96] = "", journal[16] = "";
	if (db->handle == NULL || h->damage[0] != '\0')
		return;
	(void)ask_text(db->handle, "PRAGMA journal_mode", journal, sizeof(journal));
	if (h->journal[0] == '\0' || strcmp(journal, "wal") != 0)
		snprintf(h->journal, sizeof(h->journal), "%s", journal);
	if (patience == NULL)
		return;
	sqlite3_progress_handler(db->handle, STEPS_N, out_of_patience, patience);
	int rc = ask_text(db->handle, "PRAGMA quick_check(1)", said, sizeof(said));
	sqlite3_progress_handler(db->handle, 0, NULL, NULL);
	h->checked = h->checked && rc == SQLITE_ROW;
	if (rc == SQLITE_ROW && strcmp(said, "ok") != 0)
		snprintf(h->damage, sizeof(h->damage), "%s: %s", db->base.form->name, said);
	else if (rc != SQLITE_ROW && rc != SQLITE_INTERRUPT)
		snprintf(h->damage, sizeof(h->damage), "%s: %s", db->base.form->name,
			sqlite3_errstr(rc));
}

static void look_at_files(const char *store, enum queue_look look, struct queue_health *h)
{
	static const char *const names[] = {"inbox.db", "inbox.db-wal", "inbox.db-shm", "work.db",
		"work.db-wal", "work.db-shm"};
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	for (size_t i = 0; i < ARRAY_N(names); i++)
		h->used_bytes += size_of(store, names[i]);
	enum rc rc = queue_open(store, QUEUE_READER, &q, &err);
	if (rc == RC_NOT_FOUND) { /* a folder that nobody has worked in yet */
		h->there = false;
		return;
	}
	if (rc != RC_OK) {
		snprintf(h->damage, sizeof(h->damage), "%.*s", (int)sizeof(h->damage) - 1, err.msg);
		return;
	}
	struct patience patience = {
		.until_ms = look == QUEUE_LOOK_DEEP ? 0 : clock_mono_ms() + QUICK_MS};
	bool all = look == QUEUE_LOOK_DEEP || h->used_bytes < SMALL_BYTES;
	h->checked = all;
	look_through(&sqlite_store_of(q)->inbox, all ? &patience : NULL, h);
	look_through(&sqlite_store_of(q)->work, all ? &patience : NULL, h);
	queue_close(q);
}

/* The folder itself, or the next one above it that is there. */
static void existing_folder(const char *store, char *out, size_t out_n)
{
	snprintf(out, out_n, "%s", store);
	while (access(out, F_OK) != 0) {
		char *slash = strrchr(out, '/');
		if (slash == NULL) {
			snprintf(out, out_n, ".");
			return;
		}
		if (slash == out) {
			out[1] = '\0';
			return;
		}
		*slash = '\0';
	}
}

enum rc queue_health_read(
	const char *store, enum queue_look look, struct queue_health *ret_health, struct err *err)
{
	struct queue_health h = {.sync_us = -1, .disk_name = ""};
	char folder[4096];
	struct stat st;
	if (strchr(store, ':') != NULL || strlen(store) >= sizeof(folder))
		return err_set(err, RC_UNSUPPORTED, "the store is no folder");
	existing_folder(store, folder, sizeof(folder));
	h.there = strcmp(folder, store) == 0;
	if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(err, RC_DENIED, "%.150s is not a folder", folder);
	h.open_to_others = h.there && (st.st_mode & 077) != 0;
	enum rc rc = look_at_disk(folder, &h, err);
	if (rc != RC_OK)
		return rc;
	time_sync(folder, &h);
	if (h.there) {
		h.receiver_pid = holder_of(store, "receiver.lock");
		h.runner_pid = holder_of(store, "runner.lock");
		look_at_files(store, look, &h);
	}
	*ret_health = h;
	return RC_OK;
}
