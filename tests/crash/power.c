/* SPDX-License-Identifier: MIT */
/*
 * Cuts the power and restores what a disk would have kept.
 * From: the crash tests, when every process with the shim is dead. To: the files of the store, put
 * back from their images page by page; only pages that may differ are touched, so that a cut costs
 * what was written and not what is stored.
 */
#include "tests/crash/power.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/harness/process.h"

static void set_env(struct power *p, const char *synchronous)
{
	char shim[200], *whole = realpath(process_path("crash-shim.so"), NULL);
	const char *asan = getenv("ASAN_OPTIONS");
	snprintf(shim, sizeof(shim), "%s", whole != NULL ? whole : "");
	free(whole);
	snprintf(p->env_text[0], sizeof(p->env_text[0]), "LD_PRELOAD=%s", shim);
	snprintf(p->env_text[1], sizeof(p->env_text[1]), DISK_ENV_FOLDER "=%s", p->folder);
	snprintf(p->env_text[2], sizeof(p->env_text[2]), DISK_ENV_STORE "=%s", p->store);
	/* The sanitizer wants to be the first library; here it may be the second. */
	snprintf(p->env_text[3], sizeof(p->env_text[3]),
		"ASAN_OPTIONS=%.150s:verify_asan_link_order=0", asan != NULL ? asan : "");
	if (synchronous != NULL)
		snprintf(p->env_text[4], sizeof(p->env_text[4]), DISK_ENV_SYNCHRONOUS "=%s",
			synchronous);
	for (size_t i = 0; i < 5; i++)
		p->env[i] = p->env_text[i][0] != '\0' ? p->env_text[i] : NULL;
}

static void copy_file(const char *from, const char *to)
{
	char bytes[1 << 16];
	ssize_t n;
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	while (in >= 0 && out >= 0 && (n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			break;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
}

/* What is there already is on the disk. */
static void adopt(struct power *p)
{
	char path[512], image[200];
	struct disk_names *names = &p->page->names[0];
	DIR *dir = opendir(p->store);
	for (struct dirent *e;
		dir != NULL && (e = readdir(dir)) != NULL && names->n < DISK_NAMES;) {
		struct stat st;
		int file = names->n;
		snprintf(path, sizeof(path), "%s/%s", p->store, e->d_name);
		if (e->d_name[0] == '.' || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		snprintf(image, sizeof(image), "%s/%d.img", p->folder, file);
		copy_file(path, image);
		atomic_store(&p->page->files[file].inode, st.st_ino);
		atomic_store(&p->page->files[file].size, st.st_size);
		snprintf(names->at[file].name, DISK_NAME_N, "%.*s", DISK_NAME_N - 1, e->d_name);
		names->at[names->n++].file = file;
	}
	if (dir != NULL)
		closedir(dir);
}

bool power_open(struct power *p, const char *dir, const char *store, const char *synchronous)
{
	char path[256];
	*p = (struct power){.page = NULL};
	snprintf(p->folder, sizeof(p->folder), "%s/disk", dir);
	snprintf(p->store, sizeof(p->store), "%s", store);
	set_env(p, synchronous);
	if (mkdir(p->folder, 0700) != 0)
		return false;
	snprintf(path, sizeof(path), "%s/" DISK_PAGE_FILE, p->folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *page = MAP_FAILED;
	if (fd >= 0 && ftruncate(fd, sizeof(*p->page)) == 0)
		page = mmap(NULL, sizeof(*p->page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (page == MAP_FAILED)
		return false;
	p->page = page;
	adopt(p);
	atomic_store(&p->page->room, -1);
	atomic_store(&p->page->folder, access(store, F_OK) == 0);
	return true;
}

void power_done(struct power *p)
{
	if (p->page != NULL)
		munmap(p->page, sizeof(*p->page));
	p->page = NULL;
}

void power_cut(struct power *p)
{
	atomic_store(&p->page->dead, 1);
}

bool power_is_off(const struct power *p)
{
	return atomic_load(&p->page->dead) != 0;
}

void power_fault(struct power *p, int ops, int sides, int error, int64_t after, int64_t times)
{
	struct disk_page *page = p->page;
	atomic_store(&page->fault_times, 0);
	atomic_store(&page->fault_ops, ops);
	atomic_store(&page->fault_sides, sides);
	atomic_store(&page->fault_errno, error);
	atomic_store(&page->fault_after, after);
	atomic_store(&page->fault_times, times);
}

void power_fault_end(struct power *p)
{
	atomic_store(&p->page->fault_times, 0);
}

void power_room(struct power *p, int64_t bytes)
{
	atomic_store(&p->page->room, bytes);
}

/* --- one file --------------------------------------------------------------------------------- */

struct restored {
	const struct power *power;
	struct dice *dice;
	bool torn;
	int fd, image;
	int64_t size_was, size_disk, size; /* of the file, of the image, of what is left */
};

/* Reads n bytes; zeros where there are none. */
static void read_zero(int fd, void *bytes, size_t n, off_t at)
{
	memset(bytes, 0, n);
	ssize_t got = pread(fd, bytes, n, at);
	if (got < 0)
		memset(bytes, 0, n);
}

static bool restore_page(const struct restored *r, size_t page)
{
	char was[DISK_PAGE], disk[DISK_PAGE];
	off_t at = (off_t)page * DISK_PAGE;
	read_zero(r->fd, was, DISK_PAGE, at);
	read_zero(r->image, disk, DISK_PAGE, at);
	for (size_t i = 0; r->torn && i < DISK_PAGE; i += DISK_SECTOR)
		if (dice_one_in(r->dice, 2))
			memcpy(disk + i, was + i, DISK_SECTOR);
	if (at >= r->size)
		return true;
	size_t n = r->size - at < DISK_PAGE ? (size_t)(r->size - at) : DISK_PAGE;
	return pwrite(r->fd, disk, n, at) == (ssize_t)n &&
	       pwrite(r->image, disk, n, at) == (ssize_t)n;
}

/* A size in between is one that the growing file had, or a torn one. */
static int64_t size_left(struct restored *r)
{
	int64_t low = r->size_was < r->size_disk ? r->size_was : r->size_disk;
	int64_t high = r->size_was < r->size_disk ? r->size_disk : r->size_was;
	if (!r->torn || low == high)
		return r->size_disk;
	int64_t steps = (high - low) / DISK_SECTOR;
	switch (dice_below(r->dice, 3)) {
	case 0:
		return r->size_disk;
	case 1:
		return r->size_was;
	default:
		return low + dice_below(r->dice, steps + 1) * DISK_SECTOR;
	}
}

static bool restore_pages(struct restored *r, struct disk_file *f)
{
	bool ok = true;
	for (size_t word = 0; word < DISK_PAGES / 64; word++) {
		uint64_t bits = atomic_load(&f->dirty[word]) | atomic_load(&f->stale[word]);
		for (; bits != 0; bits &= bits - 1)
			ok = restore_page(r, word * 64 + (size_t)__builtin_ctzll(bits)) && ok;
		atomic_store(&f->dirty[word], 0);
		atomic_store(&f->stale[word], 0);
	}
	return ok;
}

static bool restore_file(
	const struct power *p, int file, const char *path, bool torn, struct dice *dice)
{
	struct disk_file *f = &p->page->files[file];
	struct restored r = {.power = p, .dice = dice, .torn = torn};
	char image[200];
	struct stat st;
	snprintf(image, sizeof(image), "%s/%d.img", p->folder, file);
	r.fd = open(path, O_RDWR | O_CLOEXEC);
	r.image = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bool ok = r.fd >= 0 && r.image >= 0 && fstat(r.fd, &st) == 0;
	if (ok) {
		r.size_was = st.st_size;
		r.size_disk = atomic_load(&f->size);
		r.size = size_left(&r);
		ok = restore_pages(&r, f) && ftruncate(r.fd, r.size) == 0 &&
		     ftruncate(r.image, r.size) == 0;
		atomic_store(&f->size, r.size);
	}
	if (!ok)
		fprintf(stderr, "crash: %s cannot be put back from %s: error %d\n", path, image,
			errno);
	if (r.fd >= 0)
		close(r.fd);
	if (r.image >= 0)
		close(r.image);
	return ok;
}

/* --- names ------------------------------------------------------------------------------------ */

static int file_with(const struct power *p, uint64_t inode)
{
	for (int i = 0; i < DISK_FILES; i++)
		if (atomic_load(&p->page->files[i].inode) == inode)
			return i;
	return -1;
}

static int name_on_disk(const struct disk_names *names, const char *name)
{
	for (int i = 0; i < names->n; i++)
		if (strcmp(names->at[i].name, name) == 0)
			return names->at[i].file;
	return -1;
}

/* The names that are there now, as files of the page; others (sockets, shared memory) are removed:
 * nothing of them is needed. */
static void list_now(const struct power *p, struct disk_names *now)
{
	char path[512];
	DIR *dir = opendir(p->store);
	now->n = 0;
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		if (e->d_name[0] == '.' && (e->d_name[1] == '\0' || e->d_name[1] == '.'))
			continue;
		int file = file_with(p, e->d_ino);
		snprintf(path, sizeof(path), "%s/%s", p->store, e->d_name);
		if (file < 0 || now->n == DISK_NAMES || strlen(e->d_name) >= DISK_NAME_N) {
			(void)unlink(path);
			continue;
		}
		snprintf(now->at[now->n].name, DISK_NAME_N, "%.*s", DISK_NAME_N - 1, e->d_name);
		now->at[now->n++].file = file;
	}
	if (dir != NULL)
		closedir(dir);
}

static void forget_file(const struct power *p, int file)
{
	struct disk_file *f = &p->page->files[file];
	char path[200];
	snprintf(path, sizeof(path), "%s/%d.img", p->folder, file);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/%d.gone", p->folder, file);
	(void)unlink(path);
	for (size_t word = 0; word < DISK_PAGES / 64; word++) {
		atomic_store(&f->dirty[word], 0);
		atomic_store(&f->stale[word], 0);
	}
	atomic_store(&f->size, 0);
	atomic_store(&f->inode, 0);
}

/* What a name stands for after the cut: a file, or -1 for none. */
static int settle_name(int now, int disk, bool torn, struct dice *dice)
{
	if (now == disk || !torn)
		return disk;
	return dice_one_in(dice, 2) ? now : disk;
}

static bool settle(const struct power *p, const char *name, int now, int left)
{
	char path[256], gone[200];
	snprintf(path, sizeof(path), "%s/%s", p->store, name);
	if (now == left)
		return true;
	if (now >= 0)
		(void)unlink(path);
	snprintf(gone, sizeof(gone), "%s/%d.gone", p->folder, left);
	if (left < 0 || rename(gone, path) == 0)
		return true;
	fprintf(stderr, "crash: %s cannot be had back from %s: error %d\n", path, gone, errno);
	return false;
}

struct outcome {
	struct disk_names left;
	bool ok;
};

static void settle_one(const struct power *p, const char *name, int now, int disk, bool torn,
	struct dice *dice, struct outcome *out)
{
	char path[256];
	int left = settle_name(now, disk, torn, dice);
	snprintf(path, sizeof(path), "%s/%s", p->store, name);
	out->ok = settle(p, name, now, left) && out->ok;
	if (left < 0)
		return;
	out->ok = restore_file(p, left, path, torn, dice) && out->ok;
	snprintf(out->left.at[out->left.n].name, DISK_NAME_N, "%.*s", DISK_NAME_N - 1, name);
	out->left.at[out->left.n++].file = left;
}

/* Files that have no name any more will never get one again. */
static void forget_others(const struct power *p, const struct disk_names *left)
{
	bool named[DISK_FILES] = {false};
	for (int i = 0; i < left->n; i++)
		named[left->at[i].file] = true;
	for (int i = 0; i < DISK_FILES; i++)
		if (!named[i] && atomic_load(&p->page->files[i].inode) != 0)
			forget_file(p, i);
}

bool power_restore(struct power *p, enum power_loss loss, struct dice *dice)
{
	struct disk_page *page = p->page;
	struct disk_names now, *disk = &page->names[atomic_load(&page->names_now)];
	struct outcome out = {.ok = true};
	bool torn = loss == POWER_TORN;
	list_now(p, &now);
	if (atomic_load(&page->folder) == 0)
		disk->n = 0; /* its own name never reached the disk, so nothing in it did */
	for (int i = 0; i < now.n; i++)
		settle_one(p, now.at[i].name, now.at[i].file, name_on_disk(disk, now.at[i].name),
			torn, dice, &out);
	for (int i = 0; i < disk->n; i++)
		if (name_on_disk(&now, disk->at[i].name) < 0)
			settle_one(p, disk->at[i].name, -1, disk->at[i].file, torn, dice, &out);
	forget_others(p, &out.left);
	*disk = out.left;
	power_fault_end(p);
	power_room(p, -1);
	atomic_store(&page->cut_at, 0);
	atomic_store(&page->dead, 0);
	return out.ok;
}
