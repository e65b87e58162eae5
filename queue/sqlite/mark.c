/* SPDX-License-Identifier: MIT */
/*
 * The mark of a store that is a folder: the file `mark` in it.
 * From: mark.c, move.c. One line: "moonhook-mark 1 KIND ID AT_MS OTHER". It appears whole or not at
 * all, and is durable when the call returns.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue/sqlite/sqlite.h"

#define PATH_N 4096
#define LINE_N 1024

static enum rc path_of(const char *folder, const char *name, char path[PATH_N], struct err *err)
{
	int n = snprintf(path, PATH_N, "%s/%s", folder, name);
	return n > 0 && n < PATH_N ? RC_OK
				   : err_set(err, RC_INVALID, "the path of the store is too long");
}

static bool parse(char *line, struct queue_mark *ret_mark)
{
	static const char head[] = "moonhook-mark 1 ";
	char *end;
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, head, sizeof(head) - 1) != 0)
		return false;
	long kind = strtol(line + sizeof(head) - 1, &end, 10);
	struct queue_mark mark = {
		.kind = kind == QUEUE_MARK_FILLING ? QUEUE_MARK_FILLING : QUEUE_MARK_MOVED};
	mark.id = strtoll(end, &end, 10);
	mark.at_ms = strtoll(end, &end, 10);
	if (*end != ' ' || (kind != QUEUE_MARK_FILLING && kind != QUEUE_MARK_MOVED))
		return false;
	snprintf(mark.other, sizeof(mark.other), "%s", end + 1);
	*ret_mark = mark;
	return true;
}

enum rc sqlite_mark_read(const char *folder, struct queue_mark *ret_mark, struct err *err)
{
	char path[PATH_N], line[LINE_N] = "";
	enum rc rc = path_of(folder, "mark", path, err);
	if (rc != RC_OK)
		return rc;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		*ret_mark = (struct queue_mark){.kind = QUEUE_MARK_NONE};
		return RC_OK;
	}
	ssize_t n = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return err_set_errno(err, RC_DENIED, error, "cannot read %s", path);
	return parse(line, ret_mark)
		       ? RC_OK
		       : err_set(err, RC_DENIED,
				 "%s is damaged: is this store a copy, or has it moved? Look at "
				 "the other one, then run `moonhook store copy` again",
				 path);
}

static enum rc sync_folder(const char *folder, struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 ? fsync(fd) : -1, error = errno;
	if (fd >= 0)
		close(fd);
	return rc == 0 || error == EINVAL ? RC_OK
					  : err_set_errno(err, RC_IO, error,
						    "cannot make the mark of %s durable", folder);
}

static enum rc write_line(const char *path, const char *line, size_t n, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok = fd >= 0 && write(fd, line, n) == (ssize_t)n && fsync(fd) == 0;
	int error = errno;
	if (fd >= 0)
		close(fd);
	return ok ? RC_OK : err_set_errno(err, RC_IO, error, "cannot write %s", path);
}

enum rc sqlite_mark_put(const char *folder, const struct queue_mark *mark, struct err *err)
{
	char path[PATH_N], part[PATH_N], line[LINE_N];
	enum rc rc = path_of(folder, "mark", path, err);
	if (rc == RC_OK)
		rc = path_of(folder, "mark.part", part, err);
	if (rc != RC_OK)
		return rc;
	if (mark->kind == QUEUE_MARK_NONE) {
		if (unlink(path) != 0 && errno != ENOENT)
			return err_set_errno(err, RC_IO, errno, "cannot remove %s", path);
		return sync_folder(folder, err);
	}
	int n = snprintf(line, sizeof(line), "moonhook-mark 1 %d %" PRId64 " %" PRId64 " %s\n",
		(int)mark->kind, mark->id, mark->at_ms, mark->other);
	rc = write_line(part, line, (size_t)n, err);
	if (rc == RC_OK && rename(part, path) != 0)
		rc = err_set_errno(err, RC_IO, errno, "cannot write %s", path);
	return rc == RC_OK ? sync_folder(folder, err) : rc;
}

enum rc sqlite_mark(struct queue *q, struct queue_mark *ret_mark, struct err *err)
{
	return sqlite_mark_read(sqlite_store_of(q)->folder, ret_mark, err);
}
