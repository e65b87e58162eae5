/* SPDX-License-Identifier: MIT */
/*
 * What shape a store is in: the disk below it, how long that takes to make something durable, who
 * works on it, whether its files are whole. Part of queue.h; for people. Writes nothing but a
 * nameless scratch file.
 */
#ifndef MOONHOOK_QUEUE_HEALTH_H
#define MOONHOOK_QUEUE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum queue_disk {
	QUEUE_DISK_LOCAL,
	QUEUE_DISK_MEMORY,  /* gone when the machine restarts */
	QUEUE_DISK_NETWORK, /* locks and shared memory of SQLite do not hold there */
};

enum queue_look { QUEUE_LOOK_QUICK, QUEUE_LOOK_DEEP };

struct queue_health {
	bool there; /* false: no store yet; the disk is that of the folder above */
	enum queue_disk disk;
	const char *disk_name;        /* "nfs", "tmpfs", ..; "" for what is local; STATIC */
	int64_t free_bytes;           /* for this user */
	int64_t used_bytes;           /* of the store's files */
	int64_t sync_us;              /* one fdatasync of 8 kB, the median; -1: not measured */
	char sync_problem[128];       /* why not; "" */
	bool open_to_others;          /* others than its owner may read the folder */
	int receiver_pid, runner_pid; /* who holds it; 0: nobody */
	char journal[16];             /* "wal"; "" where no file could be read */
	bool checked;                 /* its files were looked through */
	char damage[160];             /* what that found, or why a file cannot be read; "" */
};

/* Quick looks through the files of a small store only. Blocks, about 10 s at most where it is
 * quick. RC_UNSUPPORTED: the store is no folder; RC_DENIED: it cannot be looked at. */
enum rc queue_health_read(const char *store, enum queue_look look, struct queue_health *ret_health,
	struct err *err) must_check;

/* The kind of a file system by its magic number (statfs); ret_name: STATIC, "" for local ones. */
enum queue_disk queue_disk_of(uint32_t magic, const char **ret_name);

#endif
