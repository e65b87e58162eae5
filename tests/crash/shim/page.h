/* SPDX-License-Identifier: MIT */
/*
 * The disk that can fail: what the shim in each process and the test that directs it share, a file
 * mapped by all of them.
 *
 *   process --write--> file (the page cache) --sync, copied by the shim--> image (the disk)
 *
 * The images are what a cut of the power leaves. A page (4096 bytes) is dirty while its file and
 * its image may differ and a sync would bring them together; it is stale where a sync has failed:
 * no later sync brings it to the disk, as on Linux, unless it is written again. A name is on the
 * disk once its folder was synced after it appeared.
 *
 * The folder of the page also holds the images (<n>.img) and files that were unlinked (<n>.gone),
 * so that no inode number is used twice.
 */
#ifndef MOONHOOK_TESTS_CRASH_SHIM_PAGE_H
#define MOONHOOK_TESTS_CRASH_SHIM_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	DISK_FILES = 64,
	DISK_PAGE = 4096,
	DISK_SECTOR = 512,
	DISK_PAGES = 1 << 18, /* of one file: 1 GB */
	DISK_NAMES = 32,
	DISK_NAME_N = 48,
};

enum disk_op { /* what can fail; bits */
	DISK_WRITE = 1,
	DISK_SYNC = 2,
	DISK_RESIZE = 4,
	DISK_OPEN = 8,
};

enum disk_side { /* whose files; bits */
	DISK_INBOX = 1,
	DISK_WORK = 2,
};

struct disk_file {
	_Atomic uint64_t inode; /* 0: free */
	_Atomic int64_t size;   /* on the disk */
	_Atomic uint64_t dirty[DISK_PAGES / 64], stale[DISK_PAGES / 64];
};

struct disk_names { /* a folder as it is on the disk */
	int n;
	struct {
		char name[DISK_NAME_N];
		int file;
	} at[DISK_NAMES];
};

struct disk_page {
	/* --- the power --- */
	_Atomic int dead;       /* off: whoever touches a file dies */
	_Atomic int64_t ops;    /* writes, syncs, resizes and unlinks so far */
	_Atomic int64_t cut_at; /* goes off at this one; 0: never */
	/* --- what goes wrong --- */
	_Atomic int fault_ops, fault_sides, fault_errno; /* errno 0: the write is short */
	_Atomic int64_t fault_after;                     /* so many that match go well first */
	_Atomic int64_t fault_times; /* then so many fail; -1: all; 0: there is no fault */
	_Atomic int64_t faults;      /* that have happened */
	_Atomic int64_t room;        /* bytes that files may still grow by; -1: any */
	/* --- the disk --- */
	_Atomic int folder; /* the store's own name is on the disk */
	_Atomic int names_now;
	struct disk_names names[2];
	struct disk_file files[DISK_FILES];
};

/* Environment of a process that is to run with the shim. */
#define DISK_ENV_FOLDER "MOONHOOK_CRASH_DISK"       /* where the page lies */
#define DISK_ENV_STORE "MOONHOOK_CRASH_STORE"       /* the folder that is watched, absolute */
#define DISK_ENV_SYNCHRONOUS "MOONHOOK_CRASH_SYNCH" /* what SQLite is told instead of FULL */
#define DISK_PAGE_FILE "page"

#endif
