/* SPDX-License-Identifier: MIT */
/*
 * Brings the write-ahead log to the disk again, before anybody builds on it.
 *
 * From: sqlite/db.c, before a writer opens its file and while it holds the lock of its side. When a
 * sync fails, the kernel takes the pages for clean, though the disk never got them: whoever opens
 * the file next reads them, believes in them, and no later sync brings them down. A delivery whose
 * batch failed so would be found by its repeat, acknowledged, and gone with the power; and what is
 * written behind such a page is cut off with it. So the same bytes are written in their place once
 * more, and synced. Readers see no difference; nobody else writes.
 *
 * The database itself needs none of this: a checkpoint that could not be synced is done again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "queue/sqlite/db.h"

enum { CHUNK = 1 << 18 };

static ssize_t copy_chunk(int fd, char *bytes, off_t at)
{
	ssize_t n = pread(fd, bytes, CHUNK, at), done = 0;
	while (done < n) {
		ssize_t w = pwrite(fd, bytes + done, (size_t)(n - done), at + done);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -1;
		done += w;
	}
	return n;
}

static int write_again(int fd)
{
	char *bytes = malloc(CHUNK);
	ssize_t n = -1;
	off_t at = 0;
	if (bytes == NULL)
		return ENOMEM;
	while ((n = copy_chunk(fd, bytes, at)) > 0)
		at += n;
	int error = n < 0 || (at > 0 && fdatasync(fd) != 0) ? errno : 0;
	free(bytes);
	return error;
}

enum rc sqlite_resync(const char *path, struct err *err)
{
	char log[4096];
	int n = snprintf(log, sizeof(log), "%s-wal", path);
	if (n < 0 || (size_t)n >= sizeof(log))
		return err_set(err, RC_INVALID, "the path of the store is too long");
	int fd = open(log, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return RC_OK;
	if (fd < 0)
		return err_set_errno(err, sqlite_open_rc(errno), errno,
			"cannot write %s; make it writable for this user", log);
	int error = write_again(fd);
	close(fd);
	if (error == 0)
		return RC_OK;
	return err_set_errno(err, error == ENOMEM ? RC_NOMEM : RC_IO, error,
		"%s cannot be synced; check the disk", log);
}
