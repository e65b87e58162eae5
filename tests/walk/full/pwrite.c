/* SPDX-License-Identifier: MIT */
/*
 * A disk that is full for PostgreSQL alone, for as long as a file is there.
 * From: LD_PRELOAD of a server that a test has started. To: the real functions. What would make a
 * file larger fails with ENOSPC, as on a disk without room: pages of tables, segments of the log.
 * What only changes a file goes through. MOONHOOK_FULL: the name of the file.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The next definition of this name, looked up once. */
#define REAL(type, name, ...)                                                                      \
	static type (*real)(__VA_ARGS__);                                                          \
	do {                                                                                       \
		if (real == NULL)                                                                  \
			*(void **)&real = dlsym(RTLD_NEXT, name);                                  \
	} while (0)

static bool no_room(int fd, off_t end)
{
	struct stat st;
	const char *sign = getenv("MOONHOOK_FULL");
	return sign != NULL && access(sign, F_OK) == 0 && fstat(fd, &st) == 0 &&
	       S_ISREG(st.st_mode) && end > st.st_size;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
	if (!no_room(fd, at + (off_t)n))
		return real(fd, bytes, n, at);
	errno = ENOSPC;
	return -1;
}

ssize_t pwritev(int fd, const struct iovec *parts, int parts_n, off_t at)
{
	REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t);
	off_t end = at;
	for (int i = 0; i < parts_n; i++)
		end += (off_t)parts[i].iov_len;
	if (!no_room(fd, end))
		return real(fd, parts, parts_n, at);
	errno = ENOSPC;
	return -1;
}

int posix_fallocate(int fd, off_t at, off_t n)
{
	REAL(int, "posix_fallocate", int, off_t, off_t);
	return no_room(fd, at + n) ? ENOSPC : real(fd, at, n);
}
