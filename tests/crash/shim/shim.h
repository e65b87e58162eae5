/* SPDX-License-Identifier: MIT */
/* Between the two halves of the shim: calls.c (the interposed functions) and disk.c (what is on the
 * disk). All of it runs inside the processes under test; nothing here may allocate or log. */
#ifndef MOONHOOK_TESTS_CRASH_SHIM_SHIM_H
#define MOONHOOK_TESTS_CRASH_SHIM_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/crash/shim/page.h"

enum { SHIM_FOLDER = DISK_FILES, SHIM_PARENT }; /* instead of a file: the store, what holds it */

extern struct disk_page *disk; /* NULL: this process is not watched */

/* Maps the page; false where the environment does not ask for it. */
bool disk_attach(void);
/* Is this a name of a file to be watched? Such as go through a crash, so not the shared memory. */
bool disk_watches(const char *path);
bool disk_is_folder(const char *path), disk_is_parent(const char *path);
enum disk_side disk_side_of(const char *path);

/* Which of the page's files the open descriptor is; fresh: it has just been made. -1: none. */
int disk_file_of(int fd, bool fresh);
/* Counts an operation; does not return where the power is off. */
void disk_tick(void);

/* One caller at a time within the process: */
void disk_lock(void), disk_unlock(void);
void disk_written(int file, off_t at, size_t n);
void disk_resized(int file, off_t from, off_t to);
void disk_sync(int file, int fd);
void disk_sync_failed(int file);
void disk_sync_folder(void);
/* Keeps the inode of a file that is about to lose this name. */
void disk_keep(const char *path);

/* The functions that these ones stand in front of. */
int real_open(const char *path, int flags, mode_t mode);
ssize_t real_pwrite(int fd, const void *bytes, size_t n, off_t at);
int real_ftruncate(int fd, off_t size);
int real_close(int fd);

#endif
