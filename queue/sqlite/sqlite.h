/* SPDX-License-Identifier: MIT */
/* The handle of the SQLite backend: a folder with two files, each with one writer. */
#ifndef MOONHOOK_QUEUE_SQLITE_SQLITE_H
#define MOONHOOK_QUEUE_SQLITE_SQLITE_H

#include "queue/sql/sql.h"
#include "queue/sqlite/db.h"

struct sqlite_store {
	struct store store;
	char *folder;
	int lock_fd; /* -1: a reader */
	struct sqlite_db inbox, work;
	bool wiped; /* free pages are overwritten, the WAL is not cut yet */
};

static inline struct sqlite_store *sqlite_store_of(struct queue *q)
{
	return (struct sqlite_store *)q;
}

/* --- sqlite/lock.c */
enum rc store_folder_make(const char *folder, struct err *err) must_check;
/* GIVES a descriptor that holds the side's lock until it is closed. */
enum rc store_lock(
	const char *folder, enum queue_side side, int *ret_fd, struct err *err) must_check;

/* --- sqlite/backup.c */
enum rc sqlite_backup(
	struct queue *q, const char *folder, struct queue_backup *ret_backup, struct err *err);

/* --- sqlite/mark.c */
enum rc sqlite_mark_read(
	const char *folder, struct queue_mark *ret_mark, struct err *err) must_check;
/* Durable when it returns; QUEUE_MARK_NONE removes it. */
enum rc sqlite_mark_put(
	const char *folder, const struct queue_mark *mark, struct err *err) must_check;
enum rc sqlite_mark(struct queue *q, struct queue_mark *ret_mark, struct err *err);

/* --- sqlite/wipe.c */
enum rc sqlite_wipe(struct queue *q, bool *ret_done, struct err *err);
enum rc sqlite_scrub(struct queue *q, bool *ret_more, struct err *err);

#endif
