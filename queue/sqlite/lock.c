/* SPDX-License-Identifier: MIT */
/*
 * The folder of the store, and the lock that makes one process the writer of one side.
 * From: sqlite/sqlite.c. The lock is flock(2) on <folder>/receiver.lock or runner.lock, so it ends
 * with the process, however that ends; the file holds the pid for people. Does not touch the
 * databases.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/sqlite/sqlite.h"

/* A folder whose name is not on the disk takes everything in it along when the power goes. Each
 * time, since whoever made it may have died before this. A parent that this user may not read was
 * made by somebody else, long ago. */
static enum rc sync_parent(const char *folder, struct err *err)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/..", folder);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(err, RC_INVALID, "the path of the store is too long");
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RC_OK;
	int error = fsync(fd) == 0 ? 0 : errno;
	close(fd);
	if (error == 0 || error == EINVAL || error == EROFS)
		return RC_OK;
	return err_set_errno(
		err, RC_IO, error, "cannot sync the folder that holds the store %s", folder);
}

enum rc store_folder_make(const char *folder, struct err *err)
{
	struct stat st;
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return err_set_errno(err, sqlite_open_rc(errno), errno,
			"cannot make the folder %s for the store", folder);
	if (stat(folder, &st) != 0)
		return err_set_errno(err, RC_DENIED, errno, "cannot look at the store %s", folder);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, RC_DENIED,
			"the store %s is not a folder; choose another in the configuration",
			folder);
	if (access(folder, W_OK | X_OK) != 0)
		return err_set_errno(err, RC_DENIED, errno,
			"the store %s cannot be written; give this user the folder, or choose "
			"another",
			folder);
	return sync_parent(folder, err);
}

static const char *const lock_names[] = {
	[QUEUE_RECEIVER] = "receiver",
	[QUEUE_RUNNER] = "runner",
	[QUEUE_READER] = "reader",
};

static enum rc busy(const char *folder, enum queue_side side, int fd, struct err *err)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;
	char who[40] = "";
	if (pid > 0)
		snprintf(who, sizeof(who), ", process %ld", pid);
	return err_set(err, RC_BUSY,
		"the store %s has a %s already%s; stop it, or choose another store", folder,
		lock_names[side], who);
}

/* Over what is there, so that it needs no room on a full disk; a new file may stay empty there: the
 * number is for people, the lock is what counts. */
static enum rc write_pid(int fd, const char *path, struct err *err)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%-20ld\n", (long)getpid());
	if (pwrite(fd, text, (size_t)n, 0) != n && errno != ENOSPC)
		return err_set_errno(err, sqlite_open_rc(errno), errno,
			"cannot write %s; free space, or make it writable", path);
	return RC_OK;
}

enum rc store_lock(const char *folder, enum queue_side side, int *ret_fd, struct err *err)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/%s.lock", folder, lock_names[side]);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(err, RC_INVALID, "the path of the store is too long");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set_errno(err, sqlite_open_rc(errno), errno,
			"cannot write %s; make it writable for this user", path);
	enum rc rc;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		rc = write_pid(fd, path, err);
	else if (errno == EWOULDBLOCK)
		rc = busy(folder, side, fd, err);
	else
		rc = err_set_errno(err, RC_IO, errno, "cannot lock %s", path);
	if (rc != RC_OK) {
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return RC_OK;
}
