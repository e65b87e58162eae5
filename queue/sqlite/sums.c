/* SPDX-License-Identifier: MIT */
/*
 * A layer below SQLite that keeps a sum in the last eight bytes of each page of a database.
 *
 * From: SQLite, in place of its own file layer (a "VFS"), which does all the work. To: db_error,
 * which makes SQLITE_IOERR_DATA a sentence. SQLite itself checks the structure of a page and not
 * what stands in it: a bit that flips on the disk would become another name, another state, another
 * body. With the sum it is an error.
 *
 * A file says in its header (byte 20) whether its pages have room for a sum; one of an older
 * version has none and is read as before. The write-ahead log has sums of SQLite's own. Every
 * single flipped bit is found, because each step of the sum can be undone; a page at the wrong
 * place too. A page of zeros is one that was never written.
 */
#include "queue/sqlite/sums.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

enum { SUM_BYTES = 8, HEADER_BYTES = 100, HEADER_PAGE_AT = 16, HEADER_RESERVED_AT = 20 };

struct sums_file {
	sqlite3_file base; /* what SQLite sees; first */
	sqlite3_file *real;
	int page; /* bytes of a page, where it has room for a sum; else 0 */
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs vfs;

static struct sums_file *file_of(sqlite3_file *f)
{
	return (struct sums_file *)f;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
	return file_of(f)->real;
}

/* --- the sum ---------------------------------------------------------------------------------- */

static uint64_t word_at(const unsigned char *p)
{
	uint64_t v = 0;
	for (size_t i = 8; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static uint64_t sum_of(const unsigned char *page, size_t n, sqlite3_int64 at)
{
	uint64_t h = (uint64_t)at ^ UINT64_C(0x6d6f6f6e686f6f6b);
	for (size_t i = 0; i < n; i += 8) {
		h = (h ^ word_at(page + i)) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	return h;
}

static bool all_zero(const unsigned char *page, size_t n)
{
	return page[0] == 0 && memcmp(page, page + 1, n - 1) == 0;
}

static bool sum_fits(const unsigned char *page, size_t n, sqlite3_int64 at)
{
	return word_at(page + n - SUM_BYTES) == sum_of(page, n - SUM_BYTES, at) ||
	       all_zero(page, n);
}

static void sum_put(unsigned char *page, size_t n, sqlite3_int64 at)
{
	uint64_t h = sum_of(page, n - SUM_BYTES, at);
	for (size_t i = 0; i < SUM_BYTES; i++, h >>= 8)
		page[n - SUM_BYTES + i] = (unsigned char)h;
}

/* --- reading and writing ---------------------------------------------------------------------- */

static void note_header(struct sums_file *f, const unsigned char *bytes, int n, sqlite3_int64 at)
{
	if (at != 0 || n < HEADER_BYTES || memcmp(bytes, "SQLite format 3", 16) != 0)
		return;
	int page = bytes[HEADER_PAGE_AT] << 8 | bytes[HEADER_PAGE_AT + 1];
	f->page = bytes[HEADER_RESERVED_AT] == SUM_BYTES ? page == 1 ? 65536 : page : 0;
}

/* Who opens a file that is still empty may first read it in pages of another size. */
static bool is_page(const struct sums_file *f, int n)
{
	return n == f->page && n > 0;
}

static int read_page(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at)
{
	struct sums_file *f = file_of(file);
	int rc = f->real->pMethods->xRead(f->real, bytes, n, at);
	/* SQLite takes the rest of a page that was cut off for zeros. */
	if (rc == SQLITE_IOERR_SHORT_READ && is_page(f, n) && !sum_fits(bytes, (size_t)n, at))
		return SQLITE_IOERR_DATA;
	if (rc != SQLITE_OK)
		return rc;
	note_header(f, bytes, n, at);
	return !is_page(f, n) || sum_fits(bytes, (size_t)n, at) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int write_page(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	struct sums_file *f = file_of(file);
	/* SQLite leaves these eight bytes of its own buffer to the layer below. */
	union {
		const void *in;
		unsigned char *out;
	} page = {bytes};
	note_header(f, page.out, n, at);
	if (is_page(f, n))
		sum_put(page.out, (size_t)n, at);
	return f->real->pMethods->xWrite(f->real, bytes, n, at);
}

/* --- what goes straight through --------------------------------------------------------------- */

static int close_file(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int truncate_file(sqlite3_file *f, sqlite3_int64 size)
{
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int sync_file(sqlite3_file *f, int flags)
{
	return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int size_file(sqlite3_file *f, sqlite3_int64 *ret_size)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), ret_size);
}

static int lock_file(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int unlock_file(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int check_lock(sqlite3_file *f, int *ret_locked)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret_locked);
}

static int control_file(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int sector_size(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int characteristics(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int map_shared(sqlite3_file *f, int page, int size, int extend, void volatile **ret_p)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, ret_p);
}

static int lock_shared(sqlite3_file *f, int offset, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void barrier_shared(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int unmap_shared(sqlite3_file *f, int delete)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), delete);
}

/* Version 2: without memory maps of the file, which would go past the sums. */
static const sqlite3_io_methods methods = {2, close_file, read_page, write_page, truncate_file,
	sync_file, size_file, lock_file, unlock_file, check_lock, control_file, sector_size,
	characteristics, map_shared, lock_shared, barrier_shared, unmap_shared, NULL, NULL};

/* --- opening ---------------------------------------------------------------------------------- */

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *ret)
{
	struct sums_file *f = file_of(file);
	(void)self;
	if ((flags & SQLITE_OPEN_MAIN_DB) == 0) /* logs and temporary files have no wrapper */
		return real_vfs->xOpen(real_vfs, name, file, flags, ret);
	*f = (struct sums_file){.real = (sqlite3_file *)(f + 1)};
	int rc = real_vfs->xOpen(real_vfs, name, f->real, flags, ret);
	f->base.pMethods = f->real->pMethods != NULL ? &methods : NULL;
	return rc;
}

static void register_once(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	if (real_vfs == NULL)
		return;
	vfs = *real_vfs;
	vfs.pNext = NULL;
	vfs.zName = "moonhook-sums";
	vfs.szOsFile = (int)sizeof(struct sums_file) + real_vfs->szOsFile;
	vfs.xOpen = open_file;
	if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
		real_vfs = NULL;
}

int sums_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, register_once);
	return real_vfs != NULL ? SQLITE_OK : SQLITE_ERROR;
}

int sums_reserve(sqlite3 *handle)
{
	int n = SUM_BYTES;
	return sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &n);
}
