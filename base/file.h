/* SPDX-License-Identifier: MIT */
/* Reading one regular file, bounded. */
#ifndef MOONHOOK_BASE_FILE_H
#define MOONHOOK_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Appends the bytes of the regular file `name` below the folder dir_fd (AT_FDCWD for the current
 * one) to out, whose maximum bounds the size. Never blocks on a FIFO or device. follow 0 refuses
 * symlinks. RC_NOT_FOUND, RC_DENIED (not a regular file, a symlink, no permission), RC_TOO_LARGE,
 * RC_IO, RC_NOMEM.
 */
enum file_links { FILE_LINKS_REFUSED, FILE_LINKS_FOLLOWED };
enum rc file_read(int dir_fd, const char *name, enum file_links links, struct buf *out,
	struct err *err) must_check;

#endif
