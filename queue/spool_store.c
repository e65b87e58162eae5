/* SPDX-License-Identifier: MIT */
/*
 * The name of its store, in a file beside the spool.
 * From: the receiver, once it has reached the store; `serve`, before it starts one. To:
 * <folder>/store. Written under another name first, so that it is whole or not there. Holds no
 * password.
 */
#include "queue/spool_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "queue/postgres/address.h"

enum { NAME_N = 256 };

/* "PostgreSQL at host:port/database moonhook\n". */
static enum rc name_of(
	const struct queue_place *place, char ret_name[static NAME_N], struct err *err)
{
	struct postgres_address address;
	enum rc rc = postgres_address_parse(place, &address, err);
	if (rc == RC_OK)
		snprintf(ret_name, NAME_N, "%s %s\n", address.name, address.schema);
	postgres_address_done(&address);
	return rc;
}

bool spool_store_known(const char *folder, const struct queue_place *place)
{
	char path[4096], name[NAME_N], was[NAME_N + 1] = "";
	struct err ignored;
	int n = snprintf(path, sizeof(path), "%s/store", folder);
	if (n < 0 || n >= (int)sizeof(path) || name_of(place, name, &ignored) != RC_OK)
		return false;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t got = fd >= 0 ? read(fd, was, sizeof(was) - 1) : 0;
	if (fd >= 0)
		close(fd);
	return got > 0 && strcmp(was, name) == 0;
}

static bool write_name(const char *path, const char *name)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t n = strlen(name);
	bool fine = fd >= 0 && write(fd, name, n) == (ssize_t)n && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return fine;
}

enum rc spool_store_note(const char *folder, const struct queue_place *place, struct err *err)
{
	char path[4096], part[4096], name[NAME_N];
	if (spool_store_known(folder, place))
		return RC_OK;
	int n = snprintf(path, sizeof(path), "%s/store", folder);
	int m = snprintf(part, sizeof(part), "%s/store.part", folder);
	if (n < 0 || m < 0 || m >= (int)sizeof(part))
		return err_set(err, RC_INVALID, "`spool.folder` is too long");
	enum rc rc = name_of(place, name, err);
	if (rc != RC_OK)
		return rc;
	if (!write_name(part, name) || rename(part, path) != 0)
		return err_set_errno(err, RC_IO, errno,
			"the spool %s cannot note which store it works with", folder);
	return RC_OK;
}
