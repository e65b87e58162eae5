/* SPDX-License-Identifier: MIT */
/*
 * Reads a whole file into a buffer.
 * From: the configuration, the rule folder. Refuses what is not a regular file, before reading it.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum rc read_all(int fd, const char *name, struct buf *out, struct err *err)
{
	for (;;) {
		char chunk[16384];
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n == 0)
			return buf_put(out, "", 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, RC_IO, errno, "cannot read %s", name);
		enum rc rc = buf_put(out, chunk, (size_t)n);
		if (rc != RC_OK)
			return err_set(err, rc, "%s is %s (%zu bytes at most)", name, rc_text(rc),
				out->max);
	}
}

enum rc file_read(
	int dir_fd, const char *name, enum file_links links, struct buf *out, struct err *err)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	if (links == FILE_LINKS_REFUSED)
		flags |= O_NOFOLLOW;
	int fd = openat(dir_fd, name, flags);
	if (fd < 0)
		return err_set_errno(err, errno == ENOENT ? RC_NOT_FOUND : RC_DENIED, errno,
			"cannot open %s", name);
	struct stat st;
	enum rc rc = RC_OK;
	if (fstat(fd, &st) != 0)
		rc = err_set_errno(err, RC_IO, errno, "cannot look at %s", name);
	else if (!S_ISREG(st.st_mode))
		rc = err_set(err, RC_DENIED, "%s is not a regular file", name);
	else
		rc = read_all(fd, name, out, err);
	close(fd);
	return rc;
}
