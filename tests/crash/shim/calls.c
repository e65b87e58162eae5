/* SPDX-License-Identifier: MIT */
/*
 * The functions of the C library (and one of SQLite's) that stand between a process and its store,
 * each in front of the real one.
 * From: LD_PRELOAD; the supervisor passes it on to the children that write. To: disk.c. What is not
 * below the watched folder goes straight through. A sync is not passed on to the kernel: the images
 * are the disk, and so two thousand cuts cost no wear.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/shim/shim.h"

enum { FDS = 4096 };

static struct {
	int file; /* + 1; 0: not watched */
	enum disk_side side;
} fds[FDS];

/* The next definition of this name, looked up once. */
#define REAL(type, name, ...)                                                                      \
	static type (*real)(__VA_ARGS__);                                                          \
	do {                                                                                       \
		if (real == NULL)                                                                  \
			*(void **)&real = dlsym(RTLD_NEXT, name);                                  \
	} while (0)

__attribute__((constructor)) static void attach(void)
{
	(void)disk_attach();
}

/* --- the real ones ---------------------------------------------------------------------------- */

int real_open(const char *path, int flags, mode_t mode)
{
	REAL(int, "open64", const char *, int, ...);
	return real(path, flags, mode);
}

ssize_t real_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t);
	return real(fd, bytes, n, at);
}

static ssize_t real_write(int fd, const void *bytes, size_t n)
{
	REAL(ssize_t, "write", int, const void *, size_t);
	return real(fd, bytes, n);
}

int real_ftruncate(int fd, off_t size)
{
	REAL(int, "ftruncate64", int, off_t);
	return real(fd, size);
}

int real_close(int fd)
{
	REAL(int, "close", int);
	return real(fd);
}

static int real_fsync(int fd)
{
	REAL(int, "fsync", int);
	return real(fd);
}

static int real_unlink(const char *path)
{
	REAL(int, "unlink", const char *);
	return real(path);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static bool file_of(int fd, int *ret_file)
{
	if (disk == NULL || fd < 0 || fd >= FDS || fds[fd].file == 0)
		return false;
	*ret_file = fds[fd].file - 1;
	return true;
}

/* Shall this operation fail? Then *ret_errno says how. */
static bool faulty(enum disk_op op, enum disk_side side, int *ret_errno)
{
	int64_t times = atomic_load(&disk->fault_times);
	if (times == 0 || (atomic_load(&disk->fault_ops) & (int)op) == 0 ||
		(atomic_load(&disk->fault_sides) & (int)side) == 0)
		return false;
	if (atomic_load(&disk->fault_after) > 0 && atomic_fetch_sub(&disk->fault_after, 1) > 0)
		return false;
	if (times > 0 && atomic_fetch_sub(&disk->fault_times, 1) <= 0) {
		atomic_store(&disk->fault_times, 0);
		return false;
	}
	atomic_fetch_add(&disk->faults, 1);
	*ret_errno = atomic_load(&disk->fault_errno);
	return true;
}

/* How many of n bytes at this place the disk still takes. */
static size_t room_for(int fd, off_t at, size_t n)
{
	struct stat st;
	int64_t room = atomic_load(&disk->room);
	if (room < 0 || fstat(fd, &st) != 0)
		return n;
	int64_t grows = at + (int64_t)n - st.st_size;
	if (grows <= 0)
		return n;
	if (grows > room) {
		n = grows - room < (int64_t)n ? n - (size_t)(grows - room) : 0;
		grows = room;
	}
	atomic_fetch_sub(&disk->room, grows);
	return n;
}

static void give_back(int64_t bytes)
{
	if (atomic_load(&disk->room) >= 0 && bytes > 0)
		atomic_fetch_add(&disk->room, bytes);
}

/* --- writing ---------------------------------------------------------------------------------- */

static ssize_t write_watched(int fd, int file, const void *bytes, size_t n, off_t at)
{
	int error = 0;
	ssize_t done = -1;
	disk_lock();
	disk_tick();
	if (faulty(DISK_WRITE, fds[fd].side, &error)) {
		n = error == 0 ? n / 2 : 0;
	} else {
		size_t fits = room_for(fd, at, n);
		error = fits == 0 && n > 0 ? ENOSPC : 0;
		n = fits;
	}
	if (error == 0) {
		/* Marked first: who dies in between has marked too much, never too little. */
		disk_written(file, at, n);
		done = real_pwrite(fd, bytes, n, at);
		error = errno;
	}
	disk_unlock();
	errno = error;
	return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at);
ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
	int file;
	return file_of(fd, &file) ? write_watched(fd, file, bytes, n, at)
				  : real_pwrite(fd, bytes, n, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite64(fd, bytes, n, at);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	int file;
	if (!file_of(fd, &file))
		return real_write(fd, bytes, n);
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t done = write_watched(fd, file, bytes, n, at);
	if (done > 0)
		(void)lseek(fd, at + done, SEEK_SET);
	return done;
}

int ftruncate64(int fd, off_t size);
int ftruncate64(int fd, off_t size)
{
	int file, error = 0, done = -1;
	struct stat st;
	if (!file_of(fd, &file) || fstat(fd, &st) != 0)
		return real_ftruncate(fd, size);
	disk_lock();
	disk_tick();
	if (!faulty(DISK_RESIZE, fds[fd].side, &error)) {
		disk_resized(file, st.st_size, size);
		done = real_ftruncate(fd, size);
		error = errno;
		give_back(st.st_size - size);
	}
	disk_unlock();
	errno = error;
	return done;
}

int ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

/* --- syncing ---------------------------------------------------------------------------------- */

static int sync_watched(int fd, int file)
{
	int error = 0, done = 0;
	disk_lock();
	disk_tick();
	if (faulty(DISK_SYNC, fds[fd].side, &error)) {
		if (file < DISK_FILES && error != EINTR)
			disk_sync_failed(file);
		done = -1;
	} else if (file == SHIM_FOLDER) {
		disk_sync_folder();
	} else if (file == SHIM_PARENT) {
		atomic_store(&disk->folder, 1);
	} else {
		disk_sync(file, fd);
	}
	disk_unlock();
	errno = error;
	return done;
}

int fsync(int fd)
{
	int file;
	return file_of(fd, &file) ? sync_watched(fd, file) : real_fsync(fd);
}

int fdatasync(int fd)
{
	return fsync(fd);
}

/* --- names ------------------------------------------------------------------------------------ */

static int open_watched(const char *path, int flags, mode_t mode)
{
	int error = 0;
	bool fresh = access(path, F_OK) != 0;
	bool makes = fresh && (flags & O_CREAT) != 0;
	disk_lock();
	if (makes)
		disk_tick();
	bool fails = faulty(DISK_OPEN, disk_side_of(path), &error);
	int fd = fails ? -1 : real_open(path, flags, mode);
	if (!fails)
		error = errno;
	if (fd >= 0 && fd < FDS) {
		fds[fd].file = disk_file_of(fd, fresh) + 1;
		fds[fd].side = disk_side_of(path);
	}
	disk_unlock();
	errno = error;
	return fd;
}

int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
		va_list ap;
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (disk_watches(path))
		return open_watched(path, flags, mode);
	int fd = real_open(path, flags, mode);
	if (fd >= 0 && fd < FDS) {
		fds[fd].file = disk_is_folder(path)   ? SHIM_FOLDER + 1
			       : disk_is_parent(path) ? SHIM_PARENT + 1
						      : 0;
		fds[fd].side = DISK_INBOX | DISK_WORK;
	}
	return fd;
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
		va_list ap;
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return open64(path, flags, mode);
}

int close(int fd)
{
	if (fd >= 0 && fd < FDS)
		fds[fd].file = 0;
	return real_close(fd);
}

int unlink(const char *path)
{
	struct stat st;
	if (!disk_watches(path) || stat(path, &st) != 0)
		return real_unlink(path);
	disk_lock();
	disk_tick();
	disk_keep(path);
	int done = real_unlink(path);
	if (done == 0)
		give_back(st.st_size);
	disk_unlock();
	return done;
}

/* --- passing it on ---------------------------------------------------------------------------- */

/* Async-signal-safe: it runs between fork and exec. The environment of the children is the
 * supervisor's choice; this is added. */
int execve(const char *path, char *const argv[], char *const envp[])
{
	REAL(int, "execve", const char *, char *const *, char *const *);
	static const char *const names[] = {
		"LD_PRELOAD", DISK_ENV_FOLDER, DISK_ENV_STORE, DISK_ENV_SYNCHRONOUS};
	static char text[4][512];
	char *env[64];
	size_t n = 0;
	bool child = disk != NULL && argv[1] != NULL && argv[2] != NULL &&
		     strcmp(argv[1], "room") == 0 &&
		     (strcmp(argv[2], "receiver") == 0 || strcmp(argv[2], "runner") == 0);
	if (!child)
		return real(path, argv, envp);
	for (; envp[n] != NULL && n < 32; n++)
		env[n] = envp[n];
	for (size_t i = 0; i < 4; i++) {
		const char *value = getenv(names[i]);
		if (value == NULL)
			continue;
		snprintf(text[i], sizeof(text[i]), "%s=%s", names[i], value);
		env[n++] = text[i];
	}
	env[n] = NULL;
	return real(path, argv, env);
}

/* What SQLite is asked for is the only switch there is: the program has none. */
int sqlite3_exec(void *db, const char *sql, int (*row)(void *, int, char **, char **), void *ctx,
	char **ret_error);
int sqlite3_exec(void *db, const char *sql, int (*row)(void *, int, char **, char **), void *ctx,
	char **ret_error)
{
	REAL(int, "sqlite3_exec", void *, const char *, int (*)(void *, int, char **, char **),
		void *, char **);
	static const char full[] = "synchronous = FULL";
	const char *instead = getenv(DISK_ENV_SYNCHRONOUS), *at = strstr(sql, full);
	char text[1024];
	if (instead == NULL || disk == NULL || at == NULL)
		return real(db, sql, row, ctx, ret_error);
	snprintf(text, sizeof(text), "%.*ssynchronous = %s%s", (int)(at - sql), sql, instead,
		at + sizeof(full) - 1);
	return real(db, text, row, ctx, ret_error);
}
