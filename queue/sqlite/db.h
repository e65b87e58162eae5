/* SPDX-License-Identifier: MIT */
/*
 * SQLite's side of db.h: one database file of the store, its connection, its checkpoint.
 */
#ifndef MOONHOOK_QUEUE_SQLITE_DB_H
#define MOONHOOK_QUEUE_SQLITE_DB_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "queue/db.h"

enum db_mode { DB_WRITE, DB_READ };

struct sqlite_stmt {
	struct db_stmt base;
	sqlite3_stmt *s; /* NULL: not prepared yet */
};

struct sqlite_db {
	struct db base;
	sqlite3 *handle; /* NULL: not open */
	struct sqlite_stmt *stmts;
	int bound; /* first error of preparing or binding since the last step */

	sqlite3 *checkpointer; /* of the thread that calls sqlite_checkpoint */
	/* SQLite before 3.51.3 may lose frames when a checkpoint begins while a transaction starts
	 * the WAL anew. Such a transaction holds this; so does whoever checkpoints. */
	pthread_mutex_t restart;
	bool holds_restart;
	atomic_bool backfilled; /* all of the WAL is in the database: the next transaction may
				   start it anew */
	atomic_bool overlong;   /* the WAL has grown long: the writer finishes it */
};

/* Opens or makes folder/<form's name>. RC_NOT_FOUND: DB_READ and nothing there (yet). db is then
 * closed. */
enum rc sqlite_db_open(struct sqlite_db *db, struct queue *owner, const char *folder,
	const struct db_form *form, enum db_mode mode, struct err *err) must_check;
/* What an errno of opening means: RC_DENIED where a person has to do something, RC_IO where it may
 * be over in a moment. */
enum rc sqlite_open_rc(int error);
/* Writes the log of this file to the disk once more; see sqlite/resync.c. For its writer alone. */
enum rc sqlite_resync(const char *path, struct err *err) must_check;
/* Rolls back what is open. Accepts a closed one. */
void sqlite_db_close(struct sqlite_db *db);
/* PASSIVE, on a connection of its own. Any thread, one at a time. */
enum rc sqlite_checkpoint(struct sqlite_db *db, struct err *err) must_check;

#endif
