/* SPDX-License-Identifier: MIT */
/*
 * What is on the disk: marks what was written, copies to the image what is synced.
 * From: calls.c, inside the processes under test. To: the page and the images, which power.c of the
 * test reads when everybody is dead. Each file has one writing process (several threads), so that a
 * lock within the process is enough; one that dies with it is missed by nobody.
 */
#include "tests/crash/shim/shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct disk_page *disk;

static char folder[256], store[256], parent[256];
static size_t store_n;
static int lock_fd = -1;
static int images[DISK_FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void disk_lock(void)
{
	pthread_mutex_lock(&lock);
}

void disk_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

bool disk_attach(void)
{
	const char *f = getenv(DISK_ENV_FOLDER), *s = getenv(DISK_ENV_STORE);
	char path[320];
	if (f == NULL || s == NULL)
		return false;
	snprintf(folder, sizeof(folder), "%s", f);
	snprintf(store, sizeof(store), "%s", s);
	store_n = strlen(store);
	snprintf(parent, sizeof(parent), "%s", s);
	*strrchr(parent, '/') = '\0';
	memset(images, -1, sizeof(images));
	snprintf(path, sizeof(path), "%s/" DISK_PAGE_FILE, folder);
	int fd = real_open(path, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	void *p = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	/* Also what makes two processes take turns with the names. */
	lock_fd = fd;
	disk = p != MAP_FAILED ? p : NULL;
	return disk != NULL;
}

bool disk_watches(const char *path)
{
	if (disk == NULL || strncmp(path, store, store_n) != 0 || path[store_n] != '/')
		return false;
	const char *name = path + store_n + 1, *end = strrchr(name, '-');
	return strchr(name, '/') == NULL && name[0] != '.' && strstr(name, ".sock") == NULL &&
	       (end == NULL || strcmp(end, "-shm") != 0);
}

bool disk_is_folder(const char *path)
{
	return disk != NULL && strcmp(path, store) == 0;
}

bool disk_is_parent(const char *path)
{
	if (disk == NULL)
		return false;
	bool by_way_of_store =
		strncmp(path, store, store_n) == 0 && strcmp(path + store_n, "/..") == 0;
	return by_way_of_store || strcmp(path, parent) == 0;
}

enum disk_side disk_side_of(const char *path)
{
	const char *name = strrchr(path, '/');
	bool inbox = name != NULL &&
		     (strncmp(name, "/inbox", 6) == 0 || strncmp(name, "/receiver", 9) == 0);
	return inbox ? DISK_INBOX : DISK_WORK;
}

void disk_tick(void)
{
	int64_t n = atomic_fetch_add(&disk->ops, 1) + 1;
	int64_t at = atomic_load(&disk->cut_at);
	if (at != 0 && n >= at)
		atomic_store(&disk->dead, 1);
	while (atomic_load(&disk->dead) != 0)
		kill(getpid(), SIGKILL);
}

/* --- files ------------------------------------------------------------------------------------ */

static int image_of(int file)
{
	char path[320];
	if (images[file] >= 0)
		return images[file];
	snprintf(path, sizeof(path), "%s/%d.img", folder, file);
	images[file] = real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return images[file];
}

static void mark(_Atomic uint64_t *bits, size_t page, bool on)
{
	uint64_t bit = UINT64_C(1) << page % 64;
	if (on)
		atomic_fetch_or(&bits[page / 64], bit);
	else
		atomic_fetch_and(&bits[page / 64], ~bit);
}

static void copy_page(int file, int fd, size_t page, off_t size)
{
	char bytes[DISK_PAGE];
	off_t at = (off_t)page * DISK_PAGE;
	if (at >= size)
		return;
	size_t n = size - at < DISK_PAGE ? (size_t)(size - at) : DISK_PAGE;
	ssize_t got = pread(fd, bytes, n, at);
	if (got > 0)
		(void)real_pwrite(image_of(file), bytes, (size_t)got, at);
}

/* One that was there before anybody watched is on the disk as it is. */
static void begin_image(int file, int fd, off_t size)
{
	for (size_t page = 0; (off_t)page * DISK_PAGE < size; page++)
		copy_page(file, fd, page, size);
	atomic_store(&disk->files[file].size, size);
}

static int file_with(uint64_t inode)
{
	for (int i = 0; i < DISK_FILES; i++)
		if (atomic_load(&disk->files[i].inode) == inode)
			return i;
	return -1;
}

int disk_file_of(int fd, bool fresh)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return -1;
	(void)flock(lock_fd, LOCK_EX);
	int file = file_with(st.st_ino);
	if (file < 0 && (file = file_with(0)) >= 0) {
		if (!fresh)
			begin_image(file, fd, st.st_size);
		atomic_store(&disk->files[file].inode, st.st_ino);
	}
	(void)flock(lock_fd, LOCK_UN);
	if (file < 0)
		abort(); /* a test that makes more files needs a larger page */
	return file;
}

void disk_written(int file, off_t at, size_t n)
{
	struct disk_file *f = &disk->files[file];
	size_t last = ((size_t)at + n - 1) / DISK_PAGE;
	for (size_t page = (size_t)at / DISK_PAGE; n > 0 && page <= last; page++) {
		if (page >= DISK_PAGES)
			abort();
		mark(f->dirty, page, true);
		mark(f->stale, page, false);
	}
}

void disk_resized(int file, off_t from, off_t to)
{
	off_t low = from < to ? from : to, high = from < to ? to : from;
	if (low != high)
		disk_written(file, low, (size_t)(high - low));
}

/* Calls for each dirty page. */
static void each_dirty(int file, int fd, off_t size, bool well)
{
	struct disk_file *f = &disk->files[file];
	for (size_t word = 0; word < DISK_PAGES / 64; word++) {
		uint64_t bits = atomic_load(&f->dirty[word]);
		for (; bits != 0; bits &= bits - 1) {
			size_t page = word * 64 + (size_t)__builtin_ctzll(bits);
			if (well)
				copy_page(file, fd, page, size);
			else
				mark(f->stale, page, true);
			mark(f->dirty, page, false);
		}
	}
}

void disk_sync(int file, int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return;
	each_dirty(file, fd, st.st_size, true);
	if (ftruncate64(image_of(file), st.st_size) == 0)
		atomic_store(&disk->files[file].size, st.st_size);
}

void disk_sync_failed(int file)
{
	each_dirty(file, -1, 0, false);
}

/* --- names ------------------------------------------------------------------------------------ */

static void list_folder(DIR *dir, struct disk_names *names)
{
	names->n = 0;
	for (struct dirent *e; (e = readdir(dir)) != NULL && names->n < DISK_NAMES;) {
		int file = file_with(e->d_ino);
		if (file < 0 || strlen(e->d_name) >= DISK_NAME_N)
			continue;
		snprintf(names->at[names->n].name, DISK_NAME_N, "%s", e->d_name);
		names->at[names->n++].file = file;
	}
}

void disk_sync_folder(void)
{
	int now;
	(void)flock(lock_fd, LOCK_EX);
	DIR *dir = opendir(store);
	if (dir != NULL) {
		now = 1 - atomic_load(&disk->names_now);
		list_folder(dir, &disk->names[now]);
		atomic_store(&disk->names_now, now);
		closedir(dir);
	}
	(void)flock(lock_fd, LOCK_UN);
}

void disk_keep(const char *path)
{
	struct stat st;
	char to[320];
	int file = stat(path, &st) == 0 ? file_with(st.st_ino) : -1;
	if (file < 0)
		return;
	snprintf(to, sizeof(to), "%s/%d.gone", folder, file);
	(void)link(path, to);
}
