/* SPDX-License-Identifier: MIT */
/*
 * One database file of the store: its connection, its statements, its transaction, its checkpoint.
 * Errors become sentences here; one that puts a write in doubt breaks the handle (queue_break).
 */
#ifndef MOONHOOK_QUEUE_SQLITE_DB_H
#define MOONHOOK_QUEUE_SQLITE_DB_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "queue/backend.h"

struct db_form {          /* STATIC: what is the same for every file of its kind */
	const char *name; /* "inbox.db" */
	int application_id;
	const char *const *migrations; /* [0] makes version 1 out of nothing */
	int version;                   /* of the newest, = number of migrations */
	const char *const *sql;        /* the statements, by number */
	int sql_n;
};

enum db_mode { DB_WRITE, DB_READ };

struct db {
	struct queue *owner; /* BORROWED */
	const struct db_form *form;
	char *path;
	sqlite3 *handle; /* NULL: not open */
	sqlite3_stmt **stmts;
	int bound;    /* first error of preparing or binding since the last step */
	bool writing; /* a transaction is open */

	sqlite3 *checkpointer; /* of the thread that calls db_checkpoint */
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
enum rc db_open(struct db *db, struct queue *owner, const char *folder, const struct db_form *form,
	enum db_mode mode, struct err *err) must_check;
/* What an errno of opening means: RC_DENIED where a person has to do something, RC_IO where it may
 * be over in a moment. */
enum rc db_open_rc(int error);
/* Writes the log of this file to the disk once more; see sqlite_resync.c. For its writer alone. */
enum rc db_resync(const char *path, struct err *err) must_check;
/* Rolls back what is open. Accepts a closed one. */
void db_close(struct db *db);

/* Begins a transaction where none is open. */
enum rc db_begin(struct db *db, struct err *err) must_check;
/* Makes it durable. */
enum rc db_commit(struct db *db, struct err *err) must_check;
void db_rollback(struct db *db);
/* PASSIVE, on a connection of its own. Any thread, one at a time. */
enum rc db_checkpoint(struct db *db, struct err *err) must_check;

/* The statement, reset and ready to be bound; BORROWS. A failure shows in the next step. */
sqlite3_stmt *db_use(struct db *db, int sql);
void db_bind_int(struct db *db, sqlite3_stmt *s, int i, int64_t value);
/* BORROW until the statement is reset. NULL texts bind NULL. */
void db_bind_text(struct db *db, sqlite3_stmt *s, int i, const char *text);
void db_bind_blob(struct db *db, sqlite3_stmt *s, int i, struct slice bytes);
/* Runs a statement that answers no row. */
enum rc db_run(struct db *db, sqlite3_stmt *s, struct err *err) must_check;
/* Steps to the next row; where there is none the statement is reset. */
enum rc db_row(struct db *db, sqlite3_stmt *s, bool *ret_row, struct err *err) must_check;

/* Columns of the row; BORROW until the next step. A NULL text reads "". */
const char *db_text(sqlite3_stmt *s, int column);
struct slice db_blob(sqlite3_stmt *s, int column);

/* Bytes in use (free pages left out). */
enum rc db_size(struct db *db, int64_t *ret_bytes, struct err *err) must_check;

/* Numbers kept by name in the table meta; 0 where absent. */
enum rc db_meta_get(
	struct db *db, const char *name, int64_t *ret_value, struct err *err) must_check;
enum rc db_meta_put(struct db *db, const char *name, int64_t value, struct err *err) must_check;

#endif
